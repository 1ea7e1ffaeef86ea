//go:build unix

package gobuild

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/PlakarKorp/kpkg/manifest"
)

// A folder that cannot be read is named, rather than its packages said not to be there.
func TestUnreadableFolder(t *testing.T) {
	if os.Geteuid() == 0 { // who reads everything
		if err := syscall.Seteuid(65534); err != nil {
			t.Fatal(err)
		}
		defer syscall.Seteuid(0)
	}
	dir := t.TempDir()
	const text = "name: x\nconnectors:\n- {type: importer, executable: a, protocols: [x]}\n"
	writeTree(t, dir, map[string]string{"manifest.yaml": text, "go.mod": "module x\n", "plugin/importer/main.go": "package main\n"})
	plugin := filepath.Join(dir, "plugin")
	if err := os.Chmod(plugin, 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(plugin, 0o700)
	for setting, want := range map[string]string{
		"": "make ./plugin readable",
		"build: {packages: {a: ./plugin/importer}}\n": "cannot be read",
	} {
		_, findings, err := Resolve(t.Context(), dir, manifest.Read("manifest.yaml", []byte(text+setting)))
		if err != nil {
			t.Fatal(err)
		}
		if len(findings) == 0 || !strings.Contains(findings[len(findings)-1].Message+findings[len(findings)-1].Hint, want) {
			t.Errorf("%q: no %q in %v", setting, want, findings)
		}
	}
}
