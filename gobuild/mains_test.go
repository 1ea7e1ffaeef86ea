package gobuild

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
)

func TestModuleRoot(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(dir, "module")
	writeTree(t, dir, map[string]string{"module/go.mod": "module x\n", "module/a/b/x.go": "package b\n", "other/go.mod/file": ""})
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join("module", "a"), link); err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]string{
		module:                          module,
		filepath.Join(module, "a", "b"): module,
		link:                            module,
		filepath.Join(link, "b"):        module,
		filepath.Join(dir, "other"):     "", // go.mod is a folder there
		filepath.Join(dir, "nowhere"):   "",
	} {
		if root, found := ModuleRoot(from); root != want || found != (want != "") {
			t.Errorf("ModuleRoot(%q) = %q, %t; want %q", from, root, found, want)
		}
	}
}

// go and ModuleRoot find the same module, from wherever kpkg is run and however the folder is named. Neither takes the go.mod that
// some trial left in the folder for temporary files, where all of this is, for one.
func TestModuleRootIsGos(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	writeTree(t, dir, map[string]string{"go.mod": "module stray\n"})
	for _, name := range []string{"TMPDIR", "TMP"} { // TMP is that of Windows
		t.Setenv(name, dir)
	}
	writeTree(t, dir, map[string]string{
		"outer/go.mod": "module x\n", "far/integration/x.go": "package x\n",
		"module/go.mod": "module y\n", "module/sub/x.go": "package x\n",
	})
	in := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	for name, target := range map[string]string{"outer/integration": "far/integration", "link": "module/sub"} {
		if err := os.Symlink(in(target), in(name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ from, folder, want string }{
		{"outer/integration", ".", "outer"},
		{"outer/integration", in("outer/integration"), "outer"},
		{"outer/integration", in("far/integration"), ""},
		{"outer", "integration", "outer"},
		{"far/integration", ".", ""},
		{"far/integration", in("outer/integration"), "outer"},
		{"link", ".", "module"},
		{".", "link", "module"},
		{".", in("link"), "module"},
		{"module", "sub", "module"},
		{"module", in("link"), "module"},
	} {
		t.Run(test.from+" "+test.folder, func(t *testing.T) {
			t.Chdir(in(test.from))
			want, goMod := "", os.DevNull
			if test.want != "" {
				want = in(test.want)
				goMod = filepath.Join(want, "go.mod")
			}
			if root, found := ModuleRoot(test.folder); root != want || found != (want != "") {
				t.Errorf("ModuleRoot(%q) = %q, %t; want %q", test.folder, root, found, want)
			}
			b := testBuilder(t, Options{}, runGo)
			env := b.environment(&Plan{Dir: test.folder}, executable.Host(), t.TempDir())
			output, err := b.run(t.Context(), test.folder, env, []string{"env", "GOMOD"}, nil)
			said := strings.Split(strings.TrimSpace(string(output)), "\n") // the last line, after a warning of the stray one
			if got := said[len(said)-1]; err != nil || got != goMod {
				t.Errorf("go env GOMOD: %q, %v; want %q", said, err, goMod)
			}
		})
	}
}

// TestTemporaryGoMod holds what is said of an integration that lies in the folder for temporary files itself, as trials do.
func TestTemporaryGoMod(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"TMPDIR", "TMP"} {
		t.Setenv(name, dir)
	}
	writeTree(t, dir, simple)
	_, findings, err := Resolve(t.Context(), dir, readManifest(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	found := slices.IndexFunc(findings, func(f finding.Finding) bool { return f.Rule == "module-missing" })
	if found < 0 || !strings.Contains(findings[found].Message, "the folder for temporary files") {
		t.Errorf("%v", findings)
	}
}
