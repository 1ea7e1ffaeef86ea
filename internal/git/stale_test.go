package git

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestStale: what a killed run has left goes, and what another one uses stays.
func TestStale(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir) // for Windows
	old, used := filepath.Join(dir, "kpkg-1.gitconfig"), filepath.Join(dir, "kpkg-2.gitconfig")
	for _, file := range []string{old, used} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-2*stale)); err != nil {
		t.Fatal(err)
	}
	made, err := trusting()
	if err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 2 {
		t.Errorf("%v is left, want %s and %s, %v", left, used, made, err)
	}
}
