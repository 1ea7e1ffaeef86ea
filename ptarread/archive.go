package ptarread

import (
	"context"
	"io"
	"path"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
)

// Archive is an open ptar of one snapshot of anything: any number of files of any size, with links, devices and extended
// attributes. Its index is in memory, 56 bytes for each blob; its trees are looked up. Nothing in it is believed more
// than what is in a package, but what it leaves out or holds without use is no problem.
//
// Its methods may be called concurrently.
type Archive struct {
	store
	header *header.Header
	root   objects.MAC // the topmost node of the file tree
	// entries is how many the file tree has.
	entries int
}

// OpenArchive opens the ptar at path and reads where everything is: index, state, and the file tree without its entries.
// Errors are as those of Open.
func OpenArchive(ctx context.Context, path string) (*Archive, error) {
	file, size, err := openRegular(path, "data file")
	if err != nil {
		return nil, err
	}
	a, err := NewArchive(ctx, file, size)
	if err != nil {
		file.Close()
		return nil, err
	}
	a.closer = file
	return a, nil
}

// NewArchive is OpenArchive for a ptar of size bytes that r holds.
func NewArchive(ctx context.Context, r io.ReaderAt, size int64) (*Archive, error) {
	a := &Archive{store: store{file: r, size: size, bounds: archiveBounds(size)}}
	if err := steps(ctx, a.readLayout, a.readConfig, a.readIndex, a.readState, a.readSnapshot, a.readTree); err != nil {
		return nil, err
	}
	return a, nil
}

// Close closes the file that OpenArchive opened.
func (a *Archive) Close() error { return a.close() }

func (a *Archive) readSnapshot(ctx context.Context) (err error) {
	a.header, _, err = a.readHeader(ctx, "it holds %d snapshots; only files of one are read")
	return err
}

// readTree makes sure that the file tree is a tree, with which every search in it ends.
func (a *Archive) readTree(ctx context.Context) (err error) {
	tree := a.source().VFS.Root
	if a.root, err = a.readRoot(ctx, tree, resources.RT_VFS_BTREE); err != nil {
		return err
	}
	return a.walkTree(ctx, tree, resources.RT_VFS_BTREE, resources.RT_VFS_NODE, vfs.PathCmp, func(key string, _ objects.MAC) error {
		if !path.IsAbs(key) || path.Clean(key) != key || len(key) > maxArchivePath {
			return problemf(Inconsistent, regionTree, nowhere, "holds the path %.80q, which no file can have", key)
		}
		a.entries++
		return nil
	})
}

func (a *Archive) source() *header.Source { return &a.header.Sources[0] }

// Source is where the files of an archive are from, as it says itself.
type Source struct {
	// Type and Origin are what the importer said of itself, such as ftp and a host's name.
	Type, Origin string
	// Root is the absolute path that the source began at.
	Root string
	// Time of the snapshot.
	Time time.Time
}

// Source says where the files are from.
func (a *Archive) Source() Source {
	importer := a.source().Importer
	return Source{importer.Type, importer.Origin, importer.Directory, a.header.Timestamp}
}

// Content reads an object from its beginning to its end, as an entry or an attribute names it. Every chunk is compared
// with its MAC. Memory holds one chunk.
func (a *Archive) Content(ctx context.Context, object objects.MAC) (io.Reader, error) {
	chunks, err := a.readObject(object)
	if err != nil {
		return nil, err
	}
	return a.reader(ctx, chunks), nil
}

// Failures visits what the archive's writer could not read, by path, up to the first error.
func (a *Archive) Failures(ctx context.Context, visit func(Failure) error) error {
	return a.walkTree(ctx, a.source().VFS.Errors, resources.RT_ERROR_BTREE, resources.RT_ERROR_NODE, strings.Compare,
		func(key string, mac objects.MAC) error {
			item, err := a.readError(ctx, mac)
			if err != nil {
				return err
			}
			return visit(Failure{key, item.Error})
		})
}

// Attribute is an extended attribute, or an alternate data stream, of the entry at a path.
type Attribute struct {
	Path, Name string
	Type       objects.Attribute
	// Object is the value, which Content reads.
	Object objects.MAC
}

// Attributes visits all attributes, up to the first error.
func (a *Archive) Attributes(ctx context.Context, visit func(Attribute) error) error {
	return a.walkTree(ctx, a.source().VFS.Xattrs, resources.RT_XATTR_BTREE, resources.RT_XATTR_NODE, vfs.PathCmp,
		func(key string, mac objects.MAC) error {
			x, err := readAs(ctx, &a.store, blobID{resources.RT_XATTR_ENTRY, mac}, 16, vfs.XattrFromBytes)
			if err != nil {
				return err
			}
			if x.ToPath() != key {
				return problemf(Inconsistent, regionTree, nowhere, "the attribute at %.80q calls itself %.80q", key, x.ToPath())
			}
			return visit(Attribute{x.Path, x.Name, x.Type, x.Object})
		})
}

// readEntry reads the entry that the file tree holds at key.
func (s *store) readEntry(ctx context.Context, key string, mac objects.MAC, maxElements int) (*vfs.Entry, error) {
	e, err := readAs(ctx, s, blobID{resources.RT_VFS_ENTRY, mac}, maxElements, vfs.EntryFromBytes)
	if err != nil {
		return nil, err
	}
	if e.Path() != key {
		return nil, problemf(Inconsistent, regionTree, nowhere, "the entry at %.80q calls itself %.80q", key, e.Path())
	}
	return e, nil
}

// readAs reads a blob of one msgpack value, with at most maxElements array elements, and decodes it.
func readAs[T any](ctx context.Context, s *store, id blobID, maxElements int, decode func([]byte) (T, error)) (value T, err error) {
	data, err := s.readValue(ctx, id.typ, id.mac, maxElements)
	if err != nil {
		return value, err
	}
	err = guard(func() (err error) {
		value, err = decode(data)
		return err
	})
	if err != nil {
		return value, s.malformed(id, err)
	}
	return value, nil
}
