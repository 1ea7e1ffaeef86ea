// Package regular opens regular files and nothing else. In a stranger's tree a pipe, a device or a socket may stand where a
// file is expected: opening one can wait for ever, reading one need not end, and with some devices opening is an act.
package regular

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Error says that something else than a regular file is there.
type Error struct {
	Path string
	Mode fs.FileMode // its type
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s is %s, not a regular file", e.Path, AKind(e.Mode))
}

// Open opens the regular file at path for reading; links are followed. Anything else is an *Error.
func Open(path string) (*os.File, error) {
	return open(path, os.Stat, os.OpenFile)
}

// OpenIn is Open for a file of a folder; links that lead out of it are not followed.
func OpenIn(root *os.Root, name string) (*os.File, error) {
	return open(name, root.Stat, root.OpenFile)
}

// open asks for the type twice: before, because opening a device may change it; after, because the name may mean another
// file by then. Opening without blocking makes the pipe that slips in between harmless.
func open(
	path string, stat func(string) (fs.FileInfo, error), openFile func(string, int, fs.FileMode) (*os.File, error),
) (*os.File, error) {
	info, err := stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &Error{path, info.Mode().Type()}
	}
	f, err := openFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err = f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &Error{path, info.Mode().Type()}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Read returns the content of the regular file at path, up to limit bytes of it.
func Read(path string, limit int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

// The modes of files that Replace makes, whatever the umask: those that nobody else reads, and those for whoever may enter the folder.
const (
	PrivateMode fs.FileMode = 0o600
	SharedMode  fs.FileMode = 0o644
)

// Replace writes data to a new file beside path, of a mode, and gives it that name, whatever had it but a folder: nothing is written
// into a pipe or a device that stands there, and nobody reads a part.
func Replace(path string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".*.tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// FS is the tree below root with nothing but regular files to open. Its Lstat and ReadLink show what else there is.
func FS(root *os.Root) fs.ReadLinkFS { return tree{root} }

type tree struct{ root *os.Root }

func (t tree) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	f, err := OpenIn(t.root, name)
	if err != nil {
		return nil, err // not f: a nil *os.File is no nil fs.File
	}
	return f, nil
}

// ReadDir lists a folder, and opens nothing else.
func (t tree) ReadDir(name string) ([]fs.DirEntry, error) {
	info, err := t.root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &Error{name, info.Mode().Type()}
	}
	return fs.ReadDir(t.root.FS(), name)
}

func (t tree) Lstat(name string) (fs.FileInfo, error) { return t.root.Lstat(name) }

func (t tree) ReadLink(name string) (string, error) { return t.root.Readlink(name) }
