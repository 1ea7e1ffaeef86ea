package place

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestSyncEach flushes what nobody may write to as well.
func TestSyncEach(t *testing.T) {
	dir := t.TempDir()
	below := filepath.Join(dir, "below")
	if err := errors.Join(
		os.Mkdir(below, 0o700), os.WriteFile(filepath.Join(below, "fixed"), []byte("x"), 0o444), os.Symlink("nowhere", filepath.Join(dir, "link")),
	); err != nil {
		t.Fatal(err)
	}
	if err := syncEach(dir); err != nil {
		t.Error(err)
	}
	if err := syncEach(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of a folder that is not there: %v", err)
	}
}
