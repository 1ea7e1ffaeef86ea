package release

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/internal/scratch"
)

// TestWorkshopGivenUp leaves the folder to other runs of the process when it cannot be begun with.
func TestWorkshopGivenUp(t *testing.T) {
	out := filepath.Join(t.TempDir(), "dist")
	kept, err := scratch.Keep(out + workSuffix)
	if err != nil {
		t.Fatal(err)
	}
	// No note can be put where this folder is.
	if err := os.MkdirAll(filepath.Join(kept.Path, begunName, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := openWorkshop(t.Context(), nil, Options{OutDir: out}); err == nil || !strings.Contains(err.Error(), "another run is making "+out) {
		t.Errorf("beside another run: %v", err)
	}
	kept.Close()
	if w, err := openWorkshop(t.Context(), nil, Options{OutDir: out}); err == nil {
		w.close()
		t.Fatal("it begins where it cannot: the test tells nothing")
	}
	if err := os.RemoveAll(filepath.Join(kept.Path, begunName)); err != nil {
		t.Fatal(err)
	}
	w, err := openWorkshop(t.Context(), nil, Options{OutDir: out})
	if err != nil {
		t.Fatal(err)
	}
	w.close()
}

// TestWorkshopOfOthers refuses a folder to work in that others may have put something into.
func TestWorkshopOfOthers(t *testing.T) {
	out := filepath.Join(t.TempDir(), "dist")
	if err := errors.Join(os.Mkdir(out+workSuffix, 0o700), os.Chmod(out+workSuffix, 0o777)); err != nil {
		t.Fatal(err)
	}
	if _, err := Assemble(t.Context(), nil, AssembleOptions{OutDir: out}); err == nil || !strings.Contains(err.Error(), "everybody may write to it") {
		t.Error(err)
	}
}

// TestCopyEnds copies nothing of a file once it is told to stop.
func TestCopyEnds(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	put(t, from, strings.Repeat("x", 1<<20))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := copyFile(ctx, from, to, File{}, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if info, err := os.Stat(to); err != nil || info.Size() != 0 {
		t.Errorf("%d bytes were copied, %v", info.Size(), err)
	}
}
