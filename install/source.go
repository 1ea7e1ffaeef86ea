package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"path/filepath"

	"github.com/PlakarKorp/kpkg/internal/access"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/registry"
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
	// SHA256 is what its registry says of it, "" for nothing.
	SHA256 string
}

// PackageSource is a package in a registry.
func PackageSource(ctx context.Context, p *registry.Package) Source {
	return Source{
		Name: p.Name, Label: p.Label(), Open: p.Open, SHA256: p.SHA256,
		Beside: func(extension string) ([]byte, error) { return p.Beside(ctx, extension) },
	}
}

// AddressSource is the package at an address, which has its sum and its signature beside it. Only https is taken, and http of this
// machine.
func AddressSource(ctx context.Context, address string) (Source, error) {
	if err := access.Secure(address); err != nil {
		return Source{}, err
	}
	u, err := url.Parse(address)
	if err != nil {
		return Source{}, fmt.Errorf("%s is no address", access.Shown(address))
	}
	return Source{
		Name: path.Base(u.Path), Label: access.Shown(address),
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			content, _, err := access.Open(ctx, address)
			return content, err
		},
		Beside: func(extension string) ([]byte, error) {
			at := *u
			at.Path, at.RawPath = u.Path+extension, ""
			return access.Read(ctx, at.String(), release.MaxSidecar)
		},
	}, nil
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
