package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/release"
)

// Source is where a package comes from.
type Source struct {
	// Name is the package's file name, from which its name, version and platform are taken.
	Name string
	// Label is what findings and errors call it.
	Label string
	// Open returns its bytes. What is read is what is verified and installed.
	Open func(ctx context.Context) (io.ReadCloser, error)
	// Beside reads its sum and its signature.
	Beside release.Beside
}

// FileSource is the package in a file.
func FileSource(path string) Source {
	return Source{
		Name:  filepath.Base(path),
		Label: path,
		Open: func(context.Context) (io.ReadCloser, error) {
			file, err := regular.Open(path)
			if errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("there is no package at %s", path)
			}
			return file, err
		},
		Beside: release.BesideFile(path),
	}
}
