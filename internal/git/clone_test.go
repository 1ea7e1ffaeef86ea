package git

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCloneKeeps holds that a clone removes nothing that was there before it.
func TestCloneKeeps(t *testing.T) {
	dir := t.TempDir()
	kept := filepath.Join(dir, "kept")
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, repository := range []string{filepath.Join(dir, "none"), "file://" + dir, "ext::sh", "http://localhost/x"} {
		if err := Clone(t.Context(), repository, "v1.0.0", "", dir); err == nil {
			t.Errorf("%s is cloned over a folder", repository)
		}
		if _, err := os.Stat(kept); err != nil {
			t.Fatalf("%s: %v", repository, err)
		}
	}
	if err := Clone(t.Context(), filepath.Join(dir, "none"), "v1.0.0", "", filepath.Join(dir, "new")); err == nil ||
		strings.Contains(err.Error(), "something is there") {
		t.Errorf("no repository: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		t.Error("a part of a clone is left")
	}
}
