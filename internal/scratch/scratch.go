// Package scratch makes the temporary folders of a run, and removes those that killed runs have left behind; and folders that stay until
// what they are for is done, by that run or by a later one.
//
// A folder is locked for as long as the run that made it lives, and holds a file that says that it is kpkg's. Nothing else
// is ever removed: neither a folder of such a name that somebody else made, nor that of another run that goes on.
package scratch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/lock"
)

const (
	prefix = "kpkg-"
	// marker is the file that is locked, and note what is in it.
	marker = ".kpkg-temporary"
	note   = "A temporary folder of kpkg, which removes it at the end, or in a later run if this one was killed.\n"
)

// Folder is a temporary folder.
type Folder struct {
	// Path of the folder, in which there is one hidden file.
	Path string
	lock *os.File // nil where the file system has no locks
}

// Make makes a folder that only the user can read, with what it is for in its name, in the system's temporary folder, and
// removes those there that killed runs have left. Whoever makes it removes it.
func Make(use string) (*Folder, error) {
	removeStale(os.TempDir())
	for {
		f, err := makeFolder(use)
		if err != nil {
			return nil, fmt.Errorf("make a temporary folder: %w", err)
		}
		if f != nil {
			return f, nil
		}
	}
}

// makeFolder returns nil if another run came between the making and the locking, and took the folder for one left behind.
func makeFolder(use string) (*Folder, error) {
	path, err := os.MkdirTemp("", prefix+use+"-")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(path, marker)
	if err := os.WriteFile(file, []byte(note), 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	f := &Folder{Path: path}
	if f.lock, err = lock.Try(file); errors.Is(err, lock.ErrHeld) || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, f.Remove()
	}
	return f, nil
}

// Remove removes the folder with all that is in it, folders without permissions too.
func (f *Folder) Remove() error {
	if removeWhileOpen {
		defer f.unlock()
	} else {
		f.unlock()
	}
	return removeAll(f.Path)
}

func (f *Folder) unlock() {
	if f.lock != nil {
		f.lock.Close()
	}
}

// removeStale removes the folders in dir that killed runs of this user have left. What cannot be removed does no harm.
func removeStale(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if !strings.HasPrefix(entry.Name(), prefix) || !ours(path) {
			continue
		}
		if held, err := lock.Try(filepath.Join(path, marker)); err == nil {
			(&Folder{path, held}).Remove()
		}
	}
}

// ours tells whether kpkg made the folder, for this user.
func ours(path string) bool {
	folder, err := os.Lstat(path)
	if err != nil || !folder.IsDir() || !ownedByUser(folder) {
		return false
	}
	file, err := os.Lstat(filepath.Join(path, marker))
	if err != nil || !file.Mode().IsRegular() || file.Size() != int64(len(note)) {
		return false
	}
	content, err := os.ReadFile(filepath.Join(path, marker))
	return err == nil && string(content) == note
}

// removeAll removes a folder in which there may be folders without permissions, such as those that an exporter restores. The
// marker goes last, so that a later run does the rest if this one is killed meanwhile.
func removeAll(dir string) error {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if entry.Name() != marker {
			os.RemoveAll(filepath.Join(dir, entry.Name()))
		}
	}
	if os.RemoveAll(dir) == nil {
		return nil
	}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}
