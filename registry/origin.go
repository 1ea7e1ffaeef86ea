package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"github.com/PlakarKorp/kpkg/release"
)

// Origin is what a mirror is made of. Errors about what is not there wrap fs.ErrNotExist.
type Origin interface {
	// Location is the address, or the folder, by which users know it.
	Location() string
	// Names are the integrations that it has.
	Names(ctx context.Context) ([]string, error)
	// Versions are all of an integration, the newest first, with all of their files. Of those that the mirror has, old, not more
	// is read than tells that they are the same.
	Versions(ctx context.Context, name string, old *Versions) (*Versions, error)
	// Open reads a file of an integration, which Versions has named, from an offset, or from its begin where the origin gives no
	// parts.
	Open(ctx context.Context, name, file string, offset int64) (content io.ReadCloser, begin int64, err error)
	// Beside reads the sum or the signature of such a file. Of several signatures it is one that trust has no fault to find with.
	Beside(ctx context.Context, name string, file release.File, extension string, trust release.Trust) ([]byte, error)
}

// OpenOrigin is the tree in a folder or behind a web server, as an origin of mirrors.
func OpenOrigin(location string, trust release.Trust) (Origin, error) {
	from, err := openSource(location)
	if err != nil {
		return nil, err
	}
	return &treeOrigin{location: location, from: from, trust: trust, versions: map[string]*ownFile{}}, nil
}

// treeOrigin is a tree of Add's.
type treeOrigin struct {
	location string
	from     source
	trust    release.Trust
	// index and prereleases are as they were last read.
	index, prereleases *ownFile
	// key is the content of its public key's file, nil for none.
	key []byte
	// versions are the lists of versions of the integrations.
	versions map[string]*ownFile
}

// ownFile is a file that tells of others, as it is in the tree, with what it has beside it.
type ownFile struct {
	data   []byte
	beside map[string][]byte
}

func (o *treeOrigin) Location() string { return o.location }

// own reads a file of the tree's own and judges it.
func (o *treeOrigin) own(ctx context.Context, name string) (*ownFile, error) {
	own := &ownFile{beside: map[string][]byte{}}
	var err error
	if own.data, err = read(ctx, o.from, name, ownLength(name)); err != nil {
		return nil, fmt.Errorf("reading %s of %s: %w", name, o.location, err)
	}
	for _, extension := range sidecars {
		data, err := read(ctx, o.from, name+extension, release.MaxSidecar)
		if err == nil {
			own.beside[extension] = data
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	digest := sha256.Sum256(own.data)
	sum := release.Sum{Name: path.Base(name), SHA256: hex.EncodeToString(digest[:])}
	return own, judgeBeside(o.trust, name+" of "+o.location, sum, own.besides)
}

func (f *ownFile) besides(extension string) ([]byte, error) {
	if data := f.beside[extension]; data != nil {
		return data, nil
	}
	return nil, fs.ErrNotExist
}

// readIndexes reads both indexes.
func (o *treeOrigin) readIndexes(ctx context.Context) (index, prereleases *Index, err error) {
	if o.index, err = o.own(ctx, IndexName); err != nil {
		return nil, nil, err
	}
	if o.prereleases, err = o.own(ctx, PrereleasesName); err != nil {
		return nil, nil, err
	}
	if o.key == nil {
		if o.key, err = o.readKey(ctx); err != nil {
			return nil, nil, err
		}
	}
	if index, err = decodeIndex(o.index.data); err == nil {
		prereleases, err = decodeIndex(o.prereleases.data)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading the index of %s: %w", o.location, err)
	}
	return index, prereleases, nil
}

// readKey reads the file with the public key of the tree, nil for none. Another than those that are trusted is an error: the mirror's users
// would be shown it.
func (o *treeOrigin) readKey(ctx context.Context) ([]byte, error) {
	data, err := read(ctx, o.from, KeyName, release.MaxSidecar)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the key of %s: %w", o.location, err)
	}
	key, err := release.ParsePublicKey(KeyName, data)
	if err != nil {
		return nil, fmt.Errorf("reading the key of %s: %w", o.location, err)
	}
	if len(o.trust.Keys) > 0 && !slices.ContainsFunc(o.trust.Keys, key.Same) {
		return nil, fmt.Errorf("%s of %s is the key %s, which is none of those given: find out who has put it there", KeyName, o.location, key.ID)
	}
	return data, nil
}

func (o *treeOrigin) Names(ctx context.Context) ([]string, error) {
	index, prereleases, err := o.readIndexes(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, i := range slices.Concat(index.Integrations, prereleases.Integrations) {
		names = append(names, i.Name)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func (o *treeOrigin) Versions(ctx context.Context, name string, _ *Versions) (*Versions, error) {
	own, err := o.own(ctx, path.Join(integrationDir(name), versionsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no %s, or kpkg index has not made it: %w", o.location, name, err)
	}
	if err != nil {
		return nil, err
	}
	o.versions[name] = own
	versions, err := decodeVersions(own.data, name)
	if err != nil {
		return nil, fmt.Errorf("the versions of %s in %s: %w", name, o.location, err)
	}
	return versions, nil
}

func (o *treeOrigin) Open(ctx context.Context, name, file string, offset int64) (io.ReadCloser, int64, error) {
	return openAt(ctx, o.from, path.Join(integrationDir(name), file), offset)
}

func (o *treeOrigin) Beside(ctx context.Context, name string, file release.File, extension string, _ release.Trust) ([]byte, error) {
	return read(ctx, o.from, path.Join(integrationDir(name), file.Name)+extension, release.MaxSidecar)
}

// openAt opens a file at an offset, or at its begin where the server gives no parts.
func openAt(ctx context.Context, from source, name string, offset int64) (io.ReadCloser, int64, error) {
	if s, isSite := from.(site); isSite && offset > 0 {
		return s.openAt(ctx, name, offset)
	}
	content, err := from.open(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	if seeker, ok := content.(io.Seeker); ok && offset > 0 {
		if _, err := seeker.Seek(offset, io.SeekStart); err == nil {
			return content, offset, nil
		}
	}
	return content, 0, nil
}
