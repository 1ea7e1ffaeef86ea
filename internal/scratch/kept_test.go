package scratch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/internal/lock"
)

// TestKept goes on with what a run has left, alone, and leaves nothing in the end.
func TestKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "above", "work")
	first, err := Keep(path)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(path, "folder", "file")
	if err := errors.Join(os.Mkdir(filepath.Dir(file), 0o700), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := Keep(path); !errors.Is(err, lock.ErrHeld) {
		t.Errorf("the folder of a run that goes on: %v", err)
	}
	first.Close()
	for _, whileOpen := range []bool{true, false} {
		next, err := Keep(path)
		if err != nil {
			t.Fatal(err)
		}
		held := next.lock
		if _, err := os.Stat(file); err != nil && whileOpen {
			t.Errorf("what was left is gone: %v", err)
		}
		if err := next.remove(whileOpen, os.Remove); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the folder is there: %v", err)
		}
		if err := held.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("the lock is still held: %v", err)
		}
		next.Close()
	}
}

// TestKeptRemovesLockLast has a folder removed that cannot be while its lock is open: the lock is closed by then, and all else is gone.
func TestKeptRemovesLockLast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "work")
	kept, err := Keep(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err = kept.remove(false, func(name string) error {
		if kept.lock != nil {
			t.Errorf("%s is removed while the lock is open", name)
		}
		return os.Remove(name)
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is there: %v", err)
	}
}

// TestKeptOfOthers takes no folder that this program has not made, nor one that others may write to.
func TestKeptOfOthers(t *testing.T) {
	for name, test := range map[string]struct {
		make func(path string) error
		want string
	}{
		"a file": {func(path string) error { return os.WriteFile(path, nil, 0o600) }, "is there and no folder"},
		"a link": {func(path string) error {
			return errors.Join(os.Mkdir(path+".other", 0o700), os.Symlink(path+".other", path))
		}, "is there and no folder"},
		"a user's folder": {func(path string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.WriteFile(filepath.Join(path, "mine"), nil, 0o600))
		}, "nothing says that kpkg has made it"},
		"a user's note": {func(path string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.WriteFile(filepath.Join(path, "mine"), nil, 0o600),
				os.WriteFile(filepath.Join(path, keptMarker), []byte("x"), 0o600))
		}, "nothing says that kpkg has made it"},
		"one that all may write to": {func(path string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o777))
		}, "everybody may write to it"},
		"an empty folder": {func(path string) error { return os.Mkdir(path, 0o755) }, ""},
		"one that was just made": {func(path string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.WriteFile(filepath.Join(path, keptMarker), nil, 0o600))
		}, ""},
	} {
		path := filepath.Join(t.TempDir(), "work")
		if err := test.make(path); err != nil {
			t.Fatal(err)
		}
		kept, err := Keep(path)
		if err == nil {
			if info, statErr := os.Stat(path); statErr != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("%s: %v, %v", name, info, statErr)
			}
			kept.Close()
		}
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(path, "mine")); strings.HasPrefix(name, "a user's") && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
