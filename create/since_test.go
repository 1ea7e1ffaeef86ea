package create

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/executable"
)

// sinceTree is a repository with integrations of one module, one of which is built from another module of it too, and one with a
// module to itself.
var sinceTree = map[string]string{
	"go.mod":                      "module example.org/m\n\ngo 1.26\n\nrequire example.org/far v0.0.0\n\nreplace example.org/far => ./far\n",
	"far/go.mod":                  "module example.org/far\n\ngo 1.26\n",
	"far/far.go":                  "package far\n\nimport _ \"embed\"\n\n//go:embed data\nvar Data string\n",
	"far/data":                    "1",
	"far/README.md":               "nothing of it is built\n",
	"shared/shared.go":            "package shared\n",
	"shared/shared_test.go":       "package shared\n",
	"shared/only_windows.go":      "package shared\n\nimport _ \"example.org/m/win\"\n",
	"win/win.go":                  "package win\n",
	"README.md":                   "of the repository\n",
	"a/manifest.yaml":             sinceManifest("a", ""),
	"a/schema.json":               "{}",
	"a/plugin/importer/main.go":   "package main\n\nimport _ \"example.org/m/shared\"\n\nfunc main() {}\n",
	"a/plugin/importer/a_test.go": "package main\n",
	"a/notes.txt":                 "not packed\n",
	"b/manifest.yaml":             sinceManifest("b", ""),
	"b/schema.json":               "{}",
	"b/plugin/importer/main.go":   "package main\n\nimport _ \"example.org/far\"\n\nfunc main() {}\n",
	"c/go.mod":                    "module example.org/c\n\ngo 1.26\n",
	"c/manifest.yaml":             sinceManifest("c", ""),
	"c/schema.json":               "{}",
	"c/plugin/importer/main.go":   "package main\n\nfunc main() {}\n",
}

func sinceManifest(name, more string) string {
	return "name: " + name + "\ndisplay_name: N\ndescription: of it\nconnectors:\n- {type: importer, executable: " + name +
		"Importer, protocols: [" + name + "], validator: schema.json}\n" + more
}

// sinceRepository is one whose commits and files a test changes.
type sinceRepository struct {
	*testing.T
	dir string
}

// newSinceRepository makes one with these files, in a commit that is tagged base.
func newSinceRepository(t *testing.T, files map[string]string) sinceRepository {
	t.Helper()
	r := sinceRepository{t, t.TempDir()}
	r.write(files)
	r.git("init", "-q", "-b", "main")
	r.git("add", ".")
	r.git("commit", "-q", "-m", "all")
	r.git("tag", "base")
	return r
}

func (r sinceRepository) at(name string) string {
	return filepath.Join(r.dir, filepath.FromSlash(name))
}

// write writes files; one with no content is removed, and one of "-> NAME" becomes a link.
func (r sinceRepository) write(files map[string]string) {
	r.Helper()
	for name, content := range files {
		file := r.at(name)
		target, isLink := strings.CutPrefix(content, "-> ")
		var err error
		switch {
		case content == "":
			err = os.RemoveAll(file)
		case isLink:
			_ = os.RemoveAll(file)
			err = errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.Symlink(target, file))
		default:
			err = errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o644))
		}
		if err != nil {
			r.Fatal(err)
		}
	}
}

func (r sinceRepository) git(args ...string) {
	r.Helper()
	cmd := exec.CommandContext(r.Context(), "git", append([]string{"-c", "user.name=x", "-c", "user.email=x@example.org",
		"-c", "protocol.file.allow=always"}, args...)...)
	cmd.Dir = r.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		r.Fatalf("git %q: %v\n%s", args, err, out)
	}
}

// restore makes all as it was at the base.
func (r sinceRepository) restore() {
	r.Helper()
	r.git("reset", "-q", "--hard", "base")
	r.git("clean", "-qffdx")
}

// since asks what is to be made of integrations, in folders of these names, since ref; those that are left out are in LeftOut.
func (r sinceRepository) since(ref string, platforms []executable.Platform, names ...string) (all, kept Matrix, err error) {
	r.Helper()
	var sources []*Source
	for _, name := range names {
		source, err := Validate(r.Context(), r.at(name), ValidateOptions{})
		if err != nil {
			r.Fatal(err)
		}
		sources = append(sources, source)
	}
	if all, err = NewMatrix(sources, platforms); err != nil {
		r.Fatal(err)
	}
	kept, err = all.Since(r.Context(), sources, ref)
	return all, kept, err
}

// TestSince changes one thing after another, and holds which integrations are to be made again, and why.
func TestSince(t *testing.T) {
	r := newSinceRepository(t, sinceTree)
	platforms := []executable.Platform{{OS: "linux", Arch: "amd64"}, {OS: "windows", Arch: "amd64"}}
	for _, c := range []struct {
		name    string
		changed map[string]string // "" is gone
		want    map[string]string // what is said of those that are made
	}{
		{"nothing", nil, nil},
		{"what is not built", map[string]string{
			"README.md": "x\n", "far/README.md": "x\n", "shared/shared_test.go": "package shared\n\n", "a/plugin/importer/a_test.go": "package main\n\n",
			"a/notes.txt": "x\n", "other/manifest.yaml": "x",
		}, nil},
		{"imported", map[string]string{"shared/shared.go": "package shared\n\n"}, map[string]string{"a": "shared/shared.go changed, in example.org/m/shared"}},
		{"imported on one system", map[string]string{"win/win.go": "package win\n\n"}, map[string]string{"a": "win/win.go changed, in example.org/m/win"}},
		{"a file more", map[string]string{"shared/more.go": "package shared\n"}, map[string]string{"a": "shared/more.go changed"}},
		{"a file less", map[string]string{"shared/only_windows.go": ""}, map[string]string{"a": "shared/only_windows.go changed"}},
		{"embedded, in a module in the place of another", map[string]string{"far/data": "2"}, map[string]string{"b": "far/data changed, in example.org/far"}},
		{"the module in its place", map[string]string{"far/go.mod": "module example.org/far\n\ngo 1.25\n"}, map[string]string{"b": "far/go.mod changed"}},
		{"packed", map[string]string{"a/schema.json": "{\n}"}, map[string]string{"a": "a/schema.json changed, which is packed"}},
		{"no more packed", map[string]string{"b/README.md": "new\n"}, map[string]string{"b": "b/README.md changed, which is packed"}},
		{"the module", map[string]string{"go.sum": "\n"}, map[string]string{"a": "go.sum changed, which says", "b": "go.sum changed, which says"}},
		{"a module to itself", map[string]string{"c/go.mod": "module example.org/c\n\ngo 1.25\n"}, map[string]string{"c": "c/go.mod changed"}},
		{"another main package", map[string]string{"c/cmd/main.go": "package main\n\nfunc main() {}\n"}, map[string]string{"c": "c/cmd/main.go changed, which is in its folder"}},
		{"what nothing provides", map[string]string{"shared/shared.go": "package shared\n\nimport _ \"example.org/m/none\"\n"},
			map[string]string{"a": "go does not tell what it is built from: "}},
		{"the commit in it", map[string]string{"c/manifest.yaml": sinceManifest("c", "build: {ldflags: '-X main.commit={{.Commit}}'}\n")},
			map[string]string{"c": "c/manifest.yaml changed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := sinceRepository{t, r.dir}
			r.restore()
			r.write(c.changed)
			if c.changed["shared/shared.go"] == "" && len(c.changed) > 0 { // committed or not is the same
				r.git("add", ".")
				r.git("commit", "-q", "-m", c.name)
			}
			all, got, err := r.since("base", platforms, "a", "b", "c")
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Include) != 2*len(c.want) || len(got.Include)+len(got.LeftOut) != len(all.Include) {
				t.Errorf("%d packages are to be made, and %d left out", len(got.Include), len(got.LeftOut))
			}
			for _, e := range got.Include {
				if why, wanted := c.want[e.Name]; !wanted || !strings.HasPrefix(e.Why, why) {
					t.Errorf("%s for %s: %q", e.Name, e.Platform, e.Why)
				}
			}
			for _, e := range got.LeftOut {
				if e.Why != "nothing that it is made of changed since base" {
					t.Errorf("%s is left out: %q", e.Name, e.Why)
				}
			}
		})
	}
}

// TestMatrixKeep holds that reasons add up, and that nothing is lost.
func TestMatrixKeep(t *testing.T) {
	m := Matrix{Include: []MatrixElement{{Name: "a"}, {Name: "b"}, {Name: "c"}}}
	for _, out := range []string{"b", "c"} {
		var err error
		if m, err = m.Keep(func(e MatrixElement) (bool, string, error) { return e.Name != out, "not " + out, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.Include) != 1 || m.Include[0].Why != "not b; not c" {
		t.Errorf("kept are %v", m.Include)
	}
	if !slices.Equal(m.LeftOut, []MatrixElement{{Name: "b", Why: "not b"}, {Name: "c", Why: "not c"}}) {
		t.Errorf("left out are %v", m.LeftOut)
	}
	failed := errors.New("failed")
	if _, err := m.Keep(func(MatrixElement) (bool, string, error) { return true, "", failed }); !errors.Is(err, failed) {
		t.Error(err)
	}
}

// TestMatrixLimits holds what CI systems take of one matrix, and what GitLab is given of an empty one.
func TestMatrixLimits(t *testing.T) {
	m := Matrix{Include: make([]MatrixElement, maxGitHub)}
	if _, err := m.GitHub(); err != nil {
		t.Error(err)
	}
	m.Include = append(m.Include, MatrixElement{})
	if _, err := m.GitHub(); !errors.Is(err, ErrOptions) {
		t.Error(err)
	}
	text, err := Matrix{}.GitLab()
	if err != nil || !strings.Contains(string(text), ".kpkg-matrix:\n  rules: [{when: never}]\nkpkg-nothing:\n  script:") {
		t.Errorf("%s, %v", text, err)
	}
}
