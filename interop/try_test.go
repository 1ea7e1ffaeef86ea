package interop

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// TestTry proves that the client reads, checks and restores what `kpkg try backup` has written, and that what kpkg itself
// restores is the same.
func TestTry(t *testing.T) {
	tree := writeTree(t)
	data := filepath.Join(t.TempDir(), "data.ptar")
	try := func(args ...string) {
		t.Helper()
		result, err := rig.Run(t.Context(), tools.Kpkg, append([]string{"try"}, args...)...)
		if err != nil || result.Status != 0 {
			t.Fatal(err, result)
		}
	}
	try("backup", packages.fs, "fis://"+tree, "-o", data)

	client := newClient(t)
	result := must(t, client, "at", data, "check")
	if !strings.Contains(result.Stdout, "completed without errors") {
		t.Errorf("check of %s: %v", data, result)
	}
	restored := filepath.Join(t.TempDir(), "restored")
	must(t, client, "at", data, "restore", "-to", restored)
	wantEqual(t, tree, restored)

	restored = filepath.Join(t.TempDir(), "restored")
	try("restore", packages.fs, "fis://"+restored, data)
	wantEqual(t, tree, restored)
}
