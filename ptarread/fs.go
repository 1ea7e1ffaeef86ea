package ptarread

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"time"
)

// FS is the package as a file system. It follows no links: they are there to be seen and cannot be opened.
func (p *Package) FS() fs.FS { return packageFS{p} }

type packageFS struct{ p *Package }

var errNotPlain = errors.New("neither a regular file nor a directory")

func (f packageFS) Open(name string) (fs.File, error) {
	fail := func(err error) (fs.File, error) { return nil, &fs.PathError{Op: "open", Path: name, Err: err} }
	if !fs.ValidPath(name) {
		return fail(fs.ErrInvalid)
	}
	entry, ok := f.p.Entry(name)
	switch {
	case !ok:
		return fail(fs.ErrNotExist)
	case entry.Mode.IsDir():
		var below []fs.DirEntry
		for _, e := range f.p.entries {
			if e.Path != "." && path.Dir(e.Path) == name {
				below = append(below, fs.FileInfoToDirEntry(fileInfo{e}))
			}
		}
		return &openDir{openEntry{entry}, below}, nil
	case !entry.Mode.IsRegular():
		return fail(errNotPlain)
	}
	content, err := f.p.OpenEntry(name)
	if err != nil {
		return fail(err)
	}
	return &openFile{openEntry{entry}, content}, nil
}

// Stat describes an entry of any kind.
func (f packageFS) Stat(name string) (fs.FileInfo, error) {
	entry, ok := f.p.Entry(name)
	if !ok {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return fileInfo{entry}, nil
}

type fileInfo struct{ Entry }

func (i fileInfo) Name() string       { return path.Base(i.Path) }
func (i fileInfo) Size() int64        { return i.Entry.Size }
func (i fileInfo) Mode() fs.FileMode  { return i.Entry.Mode }
func (i fileInfo) ModTime() time.Time { return i.Entry.ModTime }
func (i fileInfo) IsDir() bool        { return i.Entry.Mode.IsDir() }
func (i fileInfo) Sys() any           { return i.Entry }

type openEntry struct{ entry Entry }

func (o openEntry) Stat() (fs.FileInfo, error) { return fileInfo{o.entry}, nil }
func (o openEntry) Close() error               { return nil }

type openFile struct {
	openEntry
	*io.SectionReader
}

type openDir struct {
	openEntry
	below []fs.DirEntry
}

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.entry.Path, Err: errors.New("is a directory")}
}

// ReadDir lists the rest of the directory, at most n entries of it if n > 0.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 || n > len(d.below) {
		if n > 0 && len(d.below) == 0 {
			return nil, io.EOF
		}
		n = len(d.below)
	}
	list := d.below[:n:n]
	d.below = d.below[n:]
	return list, nil
}
