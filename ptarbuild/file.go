package ptarbuild

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// File is one regular file of a package.
type File struct {
	// Name is where the file stands in the package: slash-separated, relative to the package's root, without "." or "..".
	Name string
	// Executable gives the file mode 0755 instead of 0644. The mode on the building machine does not count.
	Executable bool
	// Open returns the content, from the start, each time it is called. Several files are opened and read at once.
	Open func() (io.ReadCloser, error)
}

// FromDisk is a file with the content of the file at path.
func FromDisk(name, path string, executable bool) File {
	return File{Name: name, Executable: executable, Open: func() (io.ReadCloser, error) { return os.Open(path) }}
}

// FromBytes is a file with the given content, not executable.
func FromBytes(name string, content []byte) File {
	return File{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
}

func (f File) mode() fs.FileMode {
	if f.Executable {
		return 0o755
	}
	return 0o644
}

// arrange sorts the files by name, the order in which they are packed, and refuses names that a package cannot hold.
func arrange(files []File) error {
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	for i, f := range files {
		if !fs.ValidPath(f.Name) || f.Name == "." || strings.ContainsAny(f.Name, "\\\x00") {
			return fmt.Errorf("cannot pack %q: a file's name in a package is relative, slash-separated and without \"..\"", f.Name)
		}
		if i > 0 && files[i-1].Name == f.Name {
			return fmt.Errorf("cannot pack %q twice", f.Name)
		}
	}
	// A name that is another's folder need not be its neighbour: "a", "a-b", "a/c".
	named := make(map[string]bool, len(files))
	for _, f := range files {
		named[f.Name] = true
	}
	for _, f := range files {
		for dir := path.Dir(f.Name); dir != "."; dir = path.Dir(dir) {
			if named[dir] {
				return fmt.Errorf("cannot pack %q: %q is a file, not a folder", f.Name, dir)
			}
		}
	}
	return nil
}
