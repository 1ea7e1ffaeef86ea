package scaffold

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"golang.org/x/mod/modfile"

	"github.com/PlakarKorp/kpkg/internal/modules"
	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/internal/regular"
)

// maxFile is the largest file of an SDK that is read, in bytes.
const maxFile = 4 << 20

// Change is what an update does, or does not do, with a file of the SDK.
type Change struct {
	// Path is below the integration's folder, with slashes.
	Path string `json:"path"`
	// What is "added", "replaced", "removed", or "kept" for a file that was modified.
	What string `json:"what"`
	// Diff, of a file that was modified, is what would be lost, as diff -u has it.
	Diff string `json:"diff,omitempty"`
}

// UpdateSDK makes the SDK in the tree of an integration the one of this kpkg, and returns what has changed. Files that are as
// they were written are replaced; one that was modified since is kept, unless force is given. The error of a tree without an
// SDK of kpkg init's says so; nothing is changed then.
func UpdateSDK(ctx context.Context, folder string, force bool) ([]Change, error) {
	importPath, err := importPathOf(filepath.Join(folder, sdkFolder))
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	data, err := read(root, path.Join(sdkFolder, sumsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no %s/%s, so its SDK was not copied by kpkg init", folder, sdkFolder, sumsName)
	}
	if err != nil {
		return nil, err
	}
	recorded, err := parseSums(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Join(folder, sdkFolder, sumsName), err)
	}
	files, err := sdkFiles(importPath)
	if err != nil {
		return nil, err
	}
	u := &update{folder: folder, root: root, recorded: recorded, next: map[string][]byte{}, force: force}
	for _, f := range files {
		if name := strings.TrimPrefix(f.Path, sdkFolder+"/"); name != sumsName {
			u.next[name] = f.Content
		}
	}
	return u.run(ctx)
}

// update is the state of one UpdateSDK.
type update struct {
	folder   string
	root     *os.Root
	recorded sums
	next     map[string][]byte // the SDK's new files
	force    bool
	changes  []Change
}

func (u *update) run(ctx context.Context) ([]Change, error) {
	names := slices.Sorted(maps.Keys(u.next))
	for name := range u.recorded {
		if u.next[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var todo []func() error
	for _, name := range names {
		do, err := u.decide(ctx, name)
		if err != nil {
			return nil, err
		}
		if do != nil {
			todo = append(todo, do)
		}
	}
	for _, do := range todo {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		if err := do(); err != nil {
			return nil, err
		}
	}
	// Of what was kept, the old sum stays: it is modified for the next update, too.
	return u.changes, u.write(ctx, sumsName, u.recorded.encode())
}

// decide finds out what is to be done with a file. Nothing is done yet: an error leaves all as it is.
func (u *update) decide(ctx context.Context, name string) (do func() error, err error) {
	full := path.Join(sdkFolder, name)
	there, err := read(u.root, full)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return nil, err
	}
	next, isNext := u.next[name]
	modified := !missing && sumOf(there) != u.recorded[name] && !(isNext && bytes.Equal(there, next))
	change := Change{Path: full}
	if modified {
		change.Diff = string(diff.Diff("modified "+full, there, "new "+full, next))
	}
	switch {
	case modified && !u.force:
		change.What = "kept"
	case !isNext && missing:
		delete(u.recorded, name)
		return nil, nil
	case !isNext:
		change.What = "removed"
		do = func() error {
			delete(u.recorded, name)
			return u.root.Remove(full)
		}
	case !missing && bytes.Equal(there, next):
		u.recorded[name] = sumOf(next)
		return nil, nil
	default:
		change.What = "replaced"
		if missing {
			change.What = "added"
		}
		do = func() error {
			u.recorded[name] = sumOf(next)
			return u.write(ctx, name, next)
		}
	}
	u.changes = append(u.changes, change)
	return do, nil
}

// write replaces a file of the SDK by a whole one.
func (u *update) write(ctx context.Context, name string, content []byte) error {
	if err := u.root.MkdirAll(path.Dir(path.Join(sdkFolder, name)), 0o777); err != nil {
		return err
	}
	return place.File(ctx, under(u.folder, path.Join(sdkFolder, name)), true,
		func(temporary string) error { return os.WriteFile(temporary, content, 0o666) }, func(string) error { return nil })
}

// read reads a regular file below a root, which no link leads out of.
func read(root *os.Root, name string) ([]byte, error) {
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s is no file of an SDK", filepath.Join(root.Name(), filepath.FromSlash(name)))
	}
	file, err := regular.OpenIn(root, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxFile))
}

// moduleOf is the module around a folder, and the module's folder. The error of one outside of any wraps fs.ErrNotExist.
func moduleOf(folder string) (name, top string, err error) {
	top, found := modules.Root(folder)
	if !found {
		return "", "", fmt.Errorf("%s is in no Go module: %w", folder, fs.ErrNotExist)
	}
	data, err := regular.Read(filepath.Join(top, "go.mod"), maxFile)
	if err != nil {
		return "", "", err
	}
	name = modfile.ModulePath(data)
	if name == "" {
		return "", "", fmt.Errorf("%s names no module", filepath.Join(top, "go.mod"))
	}
	return name, top, nil
}

// importPathOf is the import path of a folder.
func importPathOf(folder string) (string, error) {
	name, top, err := moduleOf(folder)
	if err != nil {
		return "", err
	}
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	relative, err := filepath.Rel(top, absolute)
	if err != nil {
		return "", err
	}
	return path.Join(name, filepath.ToSlash(relative)), nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
