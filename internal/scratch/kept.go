package scratch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/PlakarKorp/kpkg/internal/lock"
	"github.com/PlakarKorp/kpkg/internal/regular"
)

const (
	// keptMarker is the file that says that a kept folder is kpkg's, by keptNote, and keptLock the one that is locked: on Windows nobody
	// else reads a file that is locked.
	keptMarker = ".kpkg-unfinished"
	keptNote   = "What kpkg has not finished: the same command goes on with it. It may be removed while no kpkg runs.\n"
	keptLock   = ".lock"
)

// Kept is a folder of a name that is known. What a run that failed or was killed has left in it, the next one goes on with.
type Kept struct {
	// Path of the folder, in which there are two hidden files.
	Path string
	lock *os.File // nil where the file system has no locks
}

// Keep makes the folder at path, and those above it, or takes the one that an earlier run has left, and keeps other runs out until Close
// or Remove. What is found in it was put there by this user: a folder that others may write to is refused, and so is one with
// content that is not kpkg's. The error of one that another run has wraps lock.ErrHeld.
func Keep(path string) (*Kept, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, fmt.Errorf("making the folder for %s: %w", path, err)
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("making a folder to work in: %w", err)
	}
	if err := checkKept(path); err != nil {
		return nil, err
	}
	k := &Kept{Path: path}
	var err error
	if k.lock, err = lock.Hold(filepath.Join(path, keptLock)); err != nil {
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	// What was found has the mode that it was given then.
	if err := errors.Join(os.Chmod(path, 0o700), os.WriteFile(filepath.Join(path, keptMarker), []byte(keptNote), 0o600)); err != nil {
		k.Close()
		return nil, fmt.Errorf("taking %s to work in: %w", path, err)
	}
	return k, nil
}

// checkKept refuses what stands at path unless a run of this user's has left it, or it is empty.
func checkKept(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("looking at the folder to work in: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is there and no folder: move it away", path)
	}
	if err := regular.Private(info); err != nil {
		return fmt.Errorf("%s is there, and what is in it may be another's: %w: remove it", path, err)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("looking at the folder to work in: %w", err)
	}
	// A run that is killed as it begins, or as it ends, leaves these alone.
	others := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() != keptMarker && e.Name() != keptLock })
	note, err := regular.Read(filepath.Join(path, keptMarker), int64(len(keptNote))+1)
	if others && (err != nil || string(note) != keptNote) {
		return fmt.Errorf("%s is there, and nothing says that kpkg has made it: move it away", path)
	}
	return nil
}

// Close leaves the folder to the next run.
func (k *Kept) Close() {
	if k.lock != nil {
		k.lock.Close()
		k.lock = nil
	}
}

// Remove removes the folder with all that is in it.
func (k *Kept) Remove() error { return k.remove(removeWhileOpen, os.Remove) }

// remove is Remove where files are, or are not, removed while they are open.
func (k *Kept) remove(whileOpen bool, removeFile func(string) error) error {
	defer k.Close()
	entries, err := os.ReadDir(k.Path)
	for _, entry := range entries {
		if entry.Name() != keptMarker && entry.Name() != keptLock {
			err = errors.Join(err, os.RemoveAll(filepath.Join(k.Path, entry.Name())))
		}
	}
	if err != nil {
		return err
	}
	if !whileOpen {
		k.Close()
	}
	// Nothing of use is left. What another run takes in this moment stays.
	for _, name := range []string{keptMarker, keptLock, ""} {
		_ = removeFile(filepath.Join(k.Path, name))
	}
	return nil
}
