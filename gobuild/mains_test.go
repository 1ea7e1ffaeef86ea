package gobuild

import (
	"os"
	"path/filepath"
	"testing"
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
