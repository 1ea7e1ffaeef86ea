package create

import (
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/executable"
)

// sinceFiles is a repository of integrations that are made of more than Go files of their module.
var sinceFiles = withSchemas(map[string]string{
	"go.mod":                                 "module example.org/m\n\ngo 1.26\n",
	"alt.mod":                                "module example.org/m\n\ngo 1.26\n",
	"used/go.mod":                            "module example.org/used\n\ngo 1.26\n",
	"inc/defs.h":                             "#define X 1\n",
	"lib/lib.go":                             "package lib\n",
	"lib/default.pgo":                        "no main package's\n",
	"low/low.go":                             "package low\n",
	"low/low_amd64.s":                        "#include \"../inc/defs.h\"\n",
	"pages/pages.go":                         "package pages\n\nimport \"embed\"\n\n//go:embed site\nvar Site embed.FS\n",
	"pages/site/index.html":                  "x\n",
	"real/real.txt":                          "package main\n",
	"plain/manifest.yaml":                    sinceManifest("plain", ""),
	"plain/plugin/importer/main.go":          sinceMain("example.org/m/lib", "example.org/m/pages"),
	"plain/plugin/importer/linked.go":        "-> ../../../real/real.txt",
	"plain/nested/go.mod":                    "module example.org/nested\n",
	"plain/nested/x/main.go":                 "package main\n\nfunc main() {}\n",
	"profiled/manifest.yaml":                 sinceManifest("profiled", "build: {env: {GOFLAGS: -pgo=../profiles/cpu.pprof}}\n"),
	"profiled/plugin/importer/main.go":       sinceMain("example.org/m/lib"),
	"profiles/cpu.pprof":                     "1\n",
	"laid/manifest.yaml":                     sinceManifest("laid", "build: {env: {GOFLAGS: \"-pgo=off '-overlay=over.json'\"}}\n"),
	"laid/over.json":                         `{"Replace": {"../lib/more.go": "../instead/more.txt", "../lib/gone.go": ""}}` + "\n",
	"laid/plugin/importer/main.go":           sinceMain("example.org/m/lib"),
	"instead/more.txt":                       "package lib\n",
	"other/manifest.yaml":                    sinceManifest("other", "build: {env: {GOFLAGS: -modfile=../alt.mod}}\n"),
	"other/plugin/importer/main.go":          sinceMain(),
	"asm/manifest.yaml":                      sinceManifest("asm", ""),
	"asm/plugin/importer/main.go":            sinceMain("example.org/m/low"),
	"cgo/manifest.yaml":                      sinceManifest("cgo", "build: {env: {CGO_ENABLED: '1'}}\n"),
	"cgo/plugin/importer/main.go":            "package main\n\n// #include \"../../../inc/defs.h\"\nimport \"C\"\n\nfunc main() {}\n",
	"cgo/plugin/importer/part.txt":           "which a C file may include\n",
	"vendored/go.mod":                        "module example.org/v\n\ngo 1.26\n\nrequire example.org/dep v1.0.0\n",
	"vendored/vendor/modules.txt":            "# example.org/dep v1.0.0\n## explicit; go 1.26\nexample.org/dep\n",
	"vendored/manifest.yaml":                 sinceManifest("vendored", ""),
	"vendored/plugin/importer/main.go":       sinceMain("example.org/dep"),
	"vendored/vendor/example.org/dep/dep.go": "package dep\n",
	"work/manifest.yaml":                     sinceManifest("work", "build: {env: {GOWORK: auto}}\n"),
	"work/plugin/importer/main.go":           sinceMain("example.org/m/lib"),
	"work/go.mod":                            "module example.org/work\n\ngo 1.26\n",
	"work/go.work":                           "go 1.26\n\nuse (\n\t.\n\t..\n)\n",
})

// withSchemas adds what each manifest of sinceManifest names.
func withSchemas(files map[string]string) map[string]string {
	for name := range maps.Clone(files) {
		if path.Base(name) == "manifest.yaml" {
			files[path.Join(path.Dir(name), "schema.json")] = "{}\n"
		}
	}
	return files
}

// sinceMain is a main package that imports others.
func sinceMain(imports ...string) string {
	text := "package main\n\n"
	for _, path := range imports {
		text += "import _ \"" + path + "\"\n"
	}
	return text + "\nfunc main() {}\n"
}

var amd64 = []executable.Platform{{OS: "linux", Arch: "amd64"}}

// whys are the reasons for the integrations that are to be made.
func whys(m Matrix) map[string]string {
	said := map[string]string{}
	for _, e := range m.Include {
		said[e.Name] = e.Why
	}
	return said
}

// TestSinceFiles changes what go builds from beside the Go files of a module: what its flags name, what is included, linked, vendored, or
// in a workspace. Of the integrations that are named, those with "" are not to be made.
func TestSinceFiles(t *testing.T) {
	r := newSinceRepository(t, sinceFiles)
	outside := t.TempDir()
	sinceRepository{t, outside}.write(map[string]string{"go.mod": "module example.org/far\n\ngo 1.26\n", "alt.mod": sinceFiles["alt.mod"]})
	type changes = map[string]string
	for _, c := range []struct {
		name    string
		goflags string // of the environment
		changed changes
		want    map[string]string
	}{
		{"the profile of a main package", "", changes{"plain/plugin/importer/default.pgo": "x\n"},
			changes{"plain": "plain/plugin/importer/default.pgo changed, in example.org/m/plain/plugin/importer"}},
		{"a profile that is no main package's", "", changes{"lib/default.pgo": "x\n"}, changes{"plain": ""}},
		{"the profile that a flag names", "", changes{"profiled/plugin/importer/default.pgo": "x\n", "profiles/cpu.pprof": "2\n"},
			changes{"profiled": "profiles/cpu.pprof changed, which -pgo names", "plain": ""}},
		{"a profile in the place of which a flag names another", "", changes{"profiled/plugin/importer/default.pgo": "x\n"},
			changes{"profiled": ""}},
		{"no profile", "", changes{"laid/plugin/importer/default.pgo": "x\n"}, changes{"laid": ""}},
		{"an overlay", "", changes{"laid/over.json": "{}\n"}, changes{"laid": "laid/over.json changed, which -overlay names", "plain": ""}},
		{"what an overlay puts in", "", changes{"instead/more.txt": "package lib\n\n"},
			changes{"laid": "instead/more.txt changed, which -overlay puts in the place of another", "plain": ""}},
		{"another go.mod", "", changes{"alt.mod": "module example.org/m\n\ngo 1.25\n"},
			changes{"other": "alt.mod changed, which says what modules", "plain": ""}},
		{"another go.sum", "", changes{"alt.sum": "\n"}, changes{"other": "alt.sum changed, which says what modules", "plain": ""}},
		{"go.mod in the place of which is another", "", changes{"go.sum": "\n"}, changes{"other": "", "plain": "go.sum changed"}},
		{"another go.mod, by the environment", "-modfile=" + r.at("alt.mod"), changes{"alt.mod": "module example.org/m\n\ngo 1.25\n"},
			changes{"plain": "alt.mod changed, which says what modules"}},
		{"flags of the environment that have no part in a build", "-pgo=" + r.at("profiles/cpu.pprof"), changes{"profiles/cpu.pprof": "2\n"},
			changes{"plain": ""}},
		{"another go.mod, outside", "-modfile=" + filepath.Join(outside, "alt.mod"), nil,
			changes{"plain": filepath.Join(outside, "alt.mod") + ", which says what modules there are, is outside of the repository"}},
		{"what assembly includes", "", changes{"inc/defs.h": "#define X 2\n"},
			changes{"asm": "inc/defs.h changed, which example.org/m/low may include", "cgo": "inc/defs.h changed", "plain": ""}},
		{"what C includes", "", changes{"cgo/plugin/importer/part.txt": "x\n", "low/README.md": "x\n"},
			changes{"cgo": "cgo/plugin/importer/part.txt changed", "asm": ""}},
		{"more that is embedded, in new folders", "", changes{"pages/site/a/b/c.html": "x\n"}, changes{"plain": "pages/site/a/b/c.html changed"}},
		{"what was embedded", "", changes{"pages/site": ""}, changes{"plain": "pages/site/index.html changed, in example.org/m/pages"}},
		{"a Go file that is a link", "", changes{"real/real.txt": "package main\n\n"},
			changes{"plain": "real/real.txt changed, which is built into it", "work": ""}},
		{"a module that is gone", "", changes{"plain/nested": ""}, changes{"plain": ""}},
		{"a new folder with a main package", "", changes{"plain/cmd/x/main.go": sinceMain()}, changes{"plain": "plain/cmd/x/main.go changed"}},
		{"vendored", "", changes{"vendored/vendor/example.org/dep/dep.go": "package dep\n\n"},
			changes{"vendored": "vendored/vendor/example.org/dep/dep.go changed, in example.org/dep", "plain": ""}},
		{"no more vendored", "", changes{"vendored/vendor": ""}, changes{"vendored": "go does not tell"}},
		{"what is vendored", "", changes{"vendored/vendor/modules.txt": sinceFiles["vendored/vendor/modules.txt"] + "\n"},
			changes{"vendored": "vendored/vendor/modules.txt changed, which says what modules"}},
		{"a workspace", "", changes{"work/go.work": "go 1.26\n\nuse (\n\t.\n\t..\n\t../used\n)\n"},
			changes{"work": "work/go.work changed, which says what modules"}},
		{"the other module of a workspace", "", changes{"lib/lib.go": "package lib\n\n"}, changes{"work": "lib/lib.go changed", "other": ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := sinceRepository{t, r.dir}
			t.Setenv("GOFLAGS", c.goflags)
			r.restore()
			r.write(c.changed)
			var names []string
			for name := range c.want {
				names = append(names, name)
			}
			_, kept, err := r.since("base", amd64, names...)
			if err != nil {
				t.Fatal(err)
			}
			said := whys(kept)
			for name, want := range c.want {
				if got := said[name]; !strings.HasPrefix(got, want) || want == "" && got != "" {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		})
	}
	t.Run("a workspace that uses a module outside", func(t *testing.T) {
		r := sinceRepository{t, r.dir}
		r.restore()
		r.write(map[string]string{"work/go.work": "go 1.26\n\nuse (\n\t.\n\t..\n\t" + outside + "\n)\n"})
		r.git("commit", "-q", "-a", "-m", "use")
		_, kept, err := r.since("HEAD", amd64, "work")
		want := filepath.Join(outside, "go.mod") + ", which says what modules there are, is outside of the repository"
		if err != nil || whys(kept)["work"] != want {
			t.Errorf("%q, %v", whys(kept), err)
		}
	})
}

// TestSinceLinks has a link of a repository lead to another place, in which nothing changes.
func TestSinceLinks(t *testing.T) {
	tree := map[string]string{
		"go.mod":    "module example.org/m\n\ngo 1.26\n\nrequire example.org/far v0.0.0\n\nreplace example.org/far => ./links/current\n",
		"current":   "-> a",
		"manifests": "-> a",
	}
	for _, version := range []string{"one", "two"} {
		tree["far/"+version+"/go.mod"] = "module example.org/far\n\ngo 1.26\n"
		tree["far/"+version+"/far.go"] = "package far\n"
	}
	tree["links/current"] = "-> ../far/one"
	for _, name := range []string{"a", "b"} {
		tree[name+"/manifest.yaml"] = sinceManifest(name, "")
		tree[name+"/schema.json"] = "{}\n"
		tree[name+"/plugin/importer/main.go"] = sinceMain("example.org/far")
	}
	tree["b/plugin/importer/main.go"] = sinceMain()
	r := newSinceRepository(t, tree)
	for _, c := range []struct {
		name    string
		changed map[string]string
		folder  string
		want    map[string]string
	}{
		{"nothing", nil, "a", nil},
		{"to a module", map[string]string{"links/current": "-> ../far/two"}, "a",
			map[string]string{"a": "links/current changed"}},
		{"to a module, of which it knows nothing", map[string]string{"links/current": "-> ../far/two"}, "b", nil},
		{"to the folder of the manifest", map[string]string{"current": "-> b"}, "current",
			map[string]string{"b": "current changed, a link to its folder"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := sinceRepository{t, r.dir}
			r.restore()
			r.write(c.changed)
			_, kept, err := r.since("base", amd64, c.folder)
			if err != nil {
				t.Fatal(err)
			}
			said := whys(kept)
			if len(said) != len(c.want) {
				t.Errorf("%q", said)
			}
			for name, want := range c.want {
				if !strings.HasPrefix(said[name], want) {
					t.Errorf("%s: %q, want %q", name, said[name], want)
				}
			}
		})
	}
}

// TestSinceSubmodule changes a module that is in a submodule: what is not committed there, and then the commit.
func TestSinceSubmodule(t *testing.T) {
	sub := newSinceRepository(t, map[string]string{"go.mod": "module example.org/far\n\ngo 1.26\n", "far.go": "package far\n", "README.md": "x\n"})
	r := newSinceRepository(t, map[string]string{
		"go.mod":                    "module example.org/m\n\ngo 1.26\n\nrequire example.org/far v0.0.0\n\nreplace example.org/far => ./sub\n",
		"a/manifest.yaml":           sinceManifest("a", ""),
		"a/schema.json":             "{}\n",
		"a/plugin/importer/main.go": sinceMain("example.org/far"),
	})
	r.git("submodule", "--quiet", "add", sub.dir, "sub")
	r.git("commit", "-q", "-m", "sub")
	held := func(want string) {
		t.Helper()
		_, kept, err := r.since("HEAD", amd64, "a")
		if got := whys(kept)["a"]; err != nil || !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	held("")
	r.write(map[string]string{"sub/README.md": "y\n"})
	held("")
	r.write(map[string]string{"sub/more.go": "package far\n"})
	held("sub/more.go changed, in example.org/far")
	r.git("-C", "sub", "add", ".")
	r.git("-C", "sub", "commit", "-q", "-m", "more")
	held("sub changed")
	r.git("submodule", "--quiet", "deinit", "-f", "sub")
	held("go does not tell what it is built from")
}

// TestSinceUnknown asks for what git cannot tell, and is told what to do.
func TestSinceUnknown(t *testing.T) {
	r := newSinceRepository(t, map[string]string{"README.md": "x\n"})
	r.write(map[string]string{
		"go.mod": "module example.org/m\n\ngo 1.26\n", "manifest.yaml": sinceManifest("a", ""), "schema.json": "{}\n",
		"plugin/importer/main.go": sinceMain(),
	})
	r.git("add", ".")
	r.git("commit", "-q", "-m", "more")
	for _, ref := range []string{"nowhere", "--all", "", "HEAD:README.md"} {
		if _, _, err := r.since(ref, amd64, "."); err == nil || !strings.Contains(err.Error(), "git log finds") {
			t.Errorf("%q: %v", ref, err)
		}
	}
	address := (&url.URL{Scheme: "file", Path: filepath.ToSlash(r.dir)}).String()
	for _, c := range []struct{ option, ref, want string }{
		{"--depth=1", "base", "a shallow clone, which lacks the history: git fetch --unshallow --tags"},
		{"--depth=1", "HEAD", ""},
		{"--filter=blob:none", "base", ""},
		{"--filter=tree:0", "base", "the clone lacks folders"},
	} {
		dir := filepath.Join(t.TempDir(), "clone")
		if c.option[:8] == "--filter" {
			r.git("config", "uploadpack.allowFilter", "true")
		}
		if out, err := exec.CommandContext(t.Context(), "git", "clone", "--quiet", c.option, address, dir).CombinedOutput(); err != nil {
			t.Fatalf("git clone %s: %v\n%s", c.option, err, out)
		}
		_, _, err := sinceRepository{t, dir}.since(c.ref, amd64, ".")
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s of a clone with %s: %v, want %q", c.ref, c.option, err, c.want)
		}
	}
	empty := sinceRepository{t, t.TempDir()}
	if err := os.CopyFS(empty.dir, os.DirFS(r.dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(empty.at(".git")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_CEILING_DIRECTORIES", os.TempDir())
	if _, _, err := empty.since("base", amd64, "."); err == nil || !strings.Contains(err.Error(), "in no git repository") {
		t.Error(err)
	}
}
