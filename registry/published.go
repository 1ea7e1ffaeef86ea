package registry

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/release"
)

// Published is which packages a tree has, as its lists of versions say. No package is read and no signature asked for: it is for
// those who are about to make what is missing.
type Published struct {
	origin   Origin
	names    []string
	versions map[string]*Versions
}

// OpenPublished reads the index of a tree in a folder or at an address.
func OpenPublished(ctx context.Context, location string) (*Published, error) {
	origin, err := OpenOrigin(location, release.Trust{})
	if err != nil {
		return nil, err
	}
	names, err := origin.Names(ctx)
	return &Published{origin, names, map[string]*Versions{}}, err
}

// Has tells whether the package was published, withdrawn or not. It is not for several goroutines at a time.
func (p *Published) Has(ctx context.Context, id manifest.Identity) (bool, error) {
	versions, known := p.versions[id.Name]
	if !known {
		var err error
		versions, err = p.origin.Versions(ctx, id.Name, nil)
		if errors.Is(err, fs.ErrNotExist) && !slices.Contains(p.names, id.Name) {
			versions, err = &Versions{}, nil
		}
		if err != nil {
			return false, err
		}
		p.versions[id.Name] = versions
	}
	v := versions.find(id.Version)
	return v != nil && slices.Contains(v.Packages(), id.FileName()), nil
}
