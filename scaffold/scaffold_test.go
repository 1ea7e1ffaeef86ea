package scaffold

import (
	"bytes"
	"context"
	"errors"
	"go/version"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/modfile"

	"github.com/PlakarKorp/kpkg/scaffold/internal/sdkarchive"
)

// TestArchive holds the archive that kpkg carries to the SDK beside it.
func TestArchive(t *testing.T) {
	want, err := sdkarchive.Of("..")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(sdkArchive, want) {
		t.Error("scaffold/sdk.txtar is not the SDK in sdk/: run go generate ./scaffold")
	}
}

// TestModules holds the modules of a new integration to those that the SDK is tested with.
func TestModules(t *testing.T) {
	data, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	own, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, r := range own.Require {
		versions[r.Mod.Path] = r.Mod.Version
	}
	tree := newTree(t, Options{Name: "notes", Types: Types})
	module, err := modfile.Parse("go.mod", tree["go.mod"], nil)
	if err != nil {
		t.Fatal(err)
	}
	if version.Lang("go"+module.Go.Version) != version.Lang("go"+own.Go.Version) {
		t.Errorf("a new integration is for go %s, kpkg for %s", module.Go.Version, own.Go.Version)
	}
	for _, r := range module.Require {
		if r.Mod.Version != versions[r.Mod.Path] {
			t.Errorf("a new integration has %s, kpkg %s", r.Mod, versions[r.Mod.Path])
		}
		if !strings.Contains(string(tree["go.sum"]), r.Mod.Path+" "+r.Mod.Version+" ") {
			t.Errorf("go.sum lacks %s", r.Mod)
		}
	}
}

// newTree is a new tree, by its files.
func newTree(t *testing.T, opts Options) map[string][]byte {
	t.Helper()
	opts.Time = time.Unix(0, 0)
	tree, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range tree.Files {
		files[f.Path] = f.Content
	}
	return files
}

// TestSDKPath finds what still names the SDK of this repository.
func TestSDKPath(t *testing.T) {
	for name, content := range newTree(t, Options{Name: "notes", Types: Types}) {
		if bytes.Contains(content, []byte(sdkPath)) {
			t.Errorf("%s names %s", name, sdkPath)
		}
		if bytes.Contains(content, []byte("<no value>")) {
			t.Errorf("%s has a gap", name)
		}
	}
}

// interruption is a context that ends after it was asked a number of times.
type interruption struct {
	context.Context
	left int
}

func (i *interruption) Err() error {
	if i.left--; i.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestInterrupted stops writing at one file and another, into a new folder and into one that is there: nothing of it stays.
func TestInterrupted(t *testing.T) {
	tree, err := New(Options{Name: "notes", Time: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	for _, there := range []bool{false, true} {
		top := t.TempDir()
		tree.Folder = filepath.Join(top, "a", "notes")
		want := 0
		if there {
			tree.Folder, want = top, 1
			if err := os.WriteFile(filepath.Join(top, "mine"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		steps := len(tree.Files)
		if there {
			steps *= 2 // each is written, then moved
		}
		for at := 0; at < steps; at += steps / 12 {
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			err := tree.Write(&interruption{ended, at})
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("stopped at step %d, it says %v", at, err)
			}
			entries, err := os.ReadDir(top)
			if err != nil || len(entries) != want {
				t.Fatalf("stopped at step %d, it leaves %v, %v", at, entries, err)
			}
		}
		if err := tree.Write(t.Context()); err != nil {
			t.Fatal(err)
		}
		conflicts, err := tree.Conflicts()
		if err != nil || len(conflicts) != len(tree.Files) {
			t.Errorf("%d of %d files are there, %v", len(conflicts), len(tree.Files), err)
		}
		// What is there now is replaced by nobody, and stays when a second run fails.
		if err := tree.Write(t.Context()); err == nil {
			t.Error("the files that are there were replaced")
		}
		if conflicts, err := tree.Conflicts(); err != nil || len(conflicts) != len(tree.Files) {
			t.Errorf("after a second run %d of %d files are there, %v", len(conflicts), len(tree.Files), err)
		}
	}
}
