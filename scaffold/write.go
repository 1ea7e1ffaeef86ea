package scaffold

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// ConflictError is why nothing is written into a folder.
type ConflictError struct {
	Folder string
	// Files are all that stand in the way, by their paths in the folder.
	Files []string
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("nothing was written to %s, where these are already: %s", e.Folder, strings.Join(e.Files, ", "))
}

// Conflicts are the files of a tree that are there already, by their paths in the folder, and what stands where a folder must
// be. Nothing else of a folder matters: an integration may begin in a repository that has other files.
func (t *Tree) Conflicts() ([]string, error) {
	info, err := os.Stat(t.Folder)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(t.Folder); err == nil {
			return nil, fmt.Errorf("%s is a link that leads nowhere", t.Folder)
		}
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking at the folder: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is there and is no folder", t.Folder)
	}
	root, err := os.OpenRoot(t.Folder)
	if err != nil {
		return nil, fmt.Errorf("opening the folder: %w", err)
	}
	defer root.Close()
	var conflicts []string
	for _, f := range t.Files {
		_, err := root.Lstat(f.Path)
		switch {
		case err == nil:
			conflicts = append(conflicts, f.Path)
		case errors.Is(err, syscall.ENOTDIR):
			for dir := path.Dir(f.Path); dir != "."; dir = path.Dir(dir) {
				if info, err := root.Stat(dir); err == nil && !info.IsDir() && !slices.Contains(conflicts, dir) {
					conflicts = append(conflicts, dir)
				}
			}
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("looking at %s: %w", under(t.Folder, f.Path), err)
		}
	}
	return conflicts, nil
}

// Write writes the files: all of them, or none when it fails or ctx ends. None replaces another.
func (t *Tree) Write(ctx context.Context) (err error) {
	made := &undo{}
	defer func() {
		if err != nil {
			made.all()
		}
	}()
	if err := made.folders(filepath.Dir(t.Folder)); err != nil {
		return err
	}
	// Beside the new folder, or within the one that is there: a rename needs the same file system.
	staging := filepath.Join(filepath.Dir(t.Folder), ".kpkg-init-"+rand.Text())
	_, missing := os.Stat(t.Folder)
	if missing == nil {
		staging = filepath.Join(t.Folder, filepath.Base(staging))
	}
	if err := os.Mkdir(staging, 0o777); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	defer os.RemoveAll(staging)
	for _, f := range t.Files {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		name := under(staging, f.Path)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return fmt.Errorf("making a folder: %w", err)
		}
		if err := os.WriteFile(name, f.Content, 0o666); err != nil {
			return fmt.Errorf("writing %s: %w", f.Path, err)
		}
	}
	if missing != nil {
		if err := os.Rename(staging, t.Folder); err != nil {
			return fmt.Errorf("giving %s its name: %w", t.Folder, err)
		}
		return nil
	}
	return t.moveIn(ctx, filepath.Base(staging), made)
}

// moveIn moves the files of the folder staging, within the tree's, to their places.
func (t *Tree) moveIn(ctx context.Context, staging string, made *undo) error {
	root, err := os.OpenRoot(t.Folder)
	if err != nil {
		return fmt.Errorf("opening the folder: %w", err)
	}
	defer root.Close()
	for _, f := range t.Files {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := made.foldersIn(root, path.Dir(f.Path)); err != nil {
			return err
		}
		if err := moveNew(root, path.Join(staging, f.Path), f.Path); err != nil {
			return fmt.Errorf("giving %s its name: %w", under(t.Folder, f.Path), err)
		}
		made.note(under(t.Folder, f.Path))
	}
	return nil
}

// moveNew renames a file unless something has the new name, which a link, unlike a rename, refuses. File systems without hard
// links get the weaker check before the rename.
func moveNew(root *os.Root, from, to string) error {
	err := root.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := root.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return root.Rename(from, to)
}

// undo is what was made, in its order, and is removed when the rest fails.
type undo struct{ paths []string }

func (u *undo) note(name string) { u.paths = append(u.paths, name) }

// all removes what was made; a folder in which there is something else by now stays.
func (u *undo) all() {
	for _, name := range slices.Backward(u.paths) {
		os.Remove(name)
	}
}

// folders makes a folder and those above it.
func (u *undo) folders(name string) error {
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	if above := filepath.Dir(name); above != name {
		if err := u.folders(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(name, 0o777); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	u.note(name)
	return nil
}

// foldersIn is folders below a root, which it never leaves.
func (u *undo) foldersIn(root *os.Root, name string) error {
	if _, err := root.Stat(name); err == nil {
		return nil
	}
	if err := u.foldersIn(root, path.Dir(name)); err != nil {
		return err
	}
	if err := root.Mkdir(name, 0o777); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	u.note(under(root.Name(), name))
	return nil
}
