//go:build unix

package gobuild

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// TestFetchTrustsContentAlone puts into an entry, under the names of what is kept there, what kpkg never put there. Nothing of
// it is used, waited for or read without end, and links are not followed.
func TestFetchTrustsContentAlone(t *testing.T) {
	content := []byte("an executable")
	kept := keptName("importer", fmt.Sprintf("%x", sha256.Sum256(content)))
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.WriteFile(elsewhere, content, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		make    func(path string) error
		sums    int
		damaged bool
	}{
		"what was kept":          {func(path string) error { return os.WriteFile(path, content, 0o700) }, 1, false},
		"one that is truncated":  {func(path string) error { return os.WriteFile(path, content[:5], 0o700) }, 0, true},
		"an empty one":           {func(path string) error { return os.WriteFile(path, nil, 0o700) }, 0, true},
		"a longer one":           {func(path string) error { return os.WriteFile(path, append(content, 'x'), 0o700) }, 0, true},
		"a link to the same":     {func(path string) error { return os.Symlink(elsewhere, path) }, 0, false},
		"a link to a device":     {func(path string) error { return os.Symlink("/dev/zero", path) }, 0, false},
		"a link to itself":       {func(path string) error { return os.Symlink(filepath.Base(path), path) }, 0, false},
		"a pipe":                 {func(path string) error { return syscall.Mkfifo(path, 0o700) }, 0, false},
		"a folder":               {func(path string) error { return os.Mkdir(path, 0o700) }, 0, false},
		"one that is 8 TiB long": {func(path string) error { return sparse(path, 8<<40) }, 0, true},
	} {
		e := entry{t.TempDir()}
		if err := test.make(filepath.Join(e.dir, kept)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		work := t.TempDir()
		sums, damaged := e.fetch(work)
		if len(sums) != test.sums || slices.Contains(damaged, "importer") != test.damaged {
			t.Errorf("%s: fetched %v, damaged %v", name, sums, damaged)
		}
		if exists(t, filepath.Join(work, "importer")) != (test.sums == 1) {
			t.Errorf("%s: it is fetched: %v", name, test.sums == 0)
		}
		if test.damaged && exists(t, filepath.Join(e.dir, kept)) {
			t.Errorf("%s: it is still kept", name)
		}
	}
	if found, err := os.ReadFile(elsewhere); err != nil || string(found) != string(content) {
		t.Errorf("what a link led to is now %q, %v", found, err)
	}
}

func sparse(path string, size int64) error {
	if err := os.WriteFile(path, nil, 0o700); err != nil {
		return err
	}
	return os.Truncate(path, size)
}

// TestSharedCache uses nothing in folders, and no files, that others may write to, and keeps nothing there.
func TestSharedCache(t *testing.T) {
	content := []byte("an executable")
	kept := keptName("importer", fmt.Sprintf("%x", sha256.Sum256(content)))
	everybody := func(path string) error { return os.Chmod(path, 0o777) }
	changes := map[string]func(path string) error{
		"that everybody may write to": everybody,
		"that a group may write to": func(path string) error {
			if os.Geteuid() == 0 {
				return errors.Join(os.Chown(path, 0, 12345), os.Chmod(path, 0o770))
			}
			return everybody(path) // of a group that this user is in nothing is known
		},
	}
	if os.Geteuid() == 0 {
		changes["of another user"] = func(path string) error { return os.Chown(path, 12345, 12345) }
	}
	for what, change := range changes {
		for name, at := range map[string]string{"the cache": ".", "outputs": "outputs", "work": "work"} {
			root := t.TempDir()
			if openCache(root).root == "" {
				t.Fatal("a folder of one's own is no cache")
			}
			if err := change(filepath.Join(root, at)); err != nil {
				t.Fatal(err)
			}
			if SharedCache(root) == nil || openCache(root).root != "" {
				t.Errorf("%s %s is a cache", name, what)
			}
		}
		for name, at := range map[string]string{"an entry": ".", "a file": kept} {
			e := entry{filepath.Join(t.TempDir(), "entry")}
			if err := errors.Join(os.Mkdir(e.dir, 0o700), os.WriteFile(filepath.Join(e.dir, kept), content, 0o700)); err != nil {
				t.Fatal(err)
			}
			if sums, _ := e.fetch(t.TempDir()); len(sums) != 1 {
				t.Fatal("what is one's own is not fetched")
			}
			if err := change(filepath.Join(e.dir, at)); err != nil {
				t.Fatal(err)
			}
			sums, damaged := e.fetch(t.TempDir())
			if len(sums) > 0 || !slices.Equal(damaged, []string{"importer"}) || exists(t, filepath.Join(e.dir, kept)) {
				t.Errorf("%s %s: fetched %v, damaged %v", name, what, sums, damaged)
			}
		}
	}
	// A group with the user's own number has nobody else in it.
	dir := t.TempDir()
	if err := errors.Join(os.Chown(dir, -1, os.Getgid()), os.Chmod(dir, 0o770)); err != nil {
		t.Fatal(err)
	}
	if err := SharedCache(dir); (err == nil) != (os.Getuid() == os.Getgid()) {
		t.Errorf("of a folder of the group of the user: %v", err)
	}
}

// TestCleanHeedsTheEnd removes nothing more once it is interrupted, and says so.
func TestCleanHeedsTheEnd(t *testing.T) {
	root := t.TempDir()
	entry := keepFile(t, root, "entry", 10, 0)
	ended, end := context.WithCancel(t.Context())
	end()
	if freed, err := Clean(ended, root); freed != 0 || !errors.Is(err, context.Canceled) || !exists(t, entry) {
		t.Errorf("%d bytes, %v; the entry is there: %v", freed, err, exists(t, entry))
	}
}
