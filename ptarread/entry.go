package ptarread

import (
	"context"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
)

// readEntry reads the entry that the file tree holds at key, and of how many bytes it was decoded.
func (s *store) readEntry(ctx context.Context, key string, mac objects.MAC, maxElements int) (e *vfs.Entry, size int, err error) {
	e, err = readAs(ctx, s, blobID{resources.RT_VFS_ENTRY, mac}, maxElements, func(data []byte) (*vfs.Entry, error) {
		size = len(data)
		return vfs.EntryFromBytes(data)
	})
	if err == nil && e.Path() != key {
		return nil, size, problemf(Inconsistent, regionTree, nowhere, "the entry at %.80q calls itself %.80q", key, e.Path())
	}
	return e, size, err
}

// readAs reads a blob of one msgpack value, with at most maxElements array elements, and decodes it.
func readAs[T any](ctx context.Context, s *store, id blobID, maxElements int, decode func([]byte) (T, error)) (value T, err error) {
	data, err := s.readMetadata(ctx, id.typ, id.mac)
	if err != nil {
		return value, err
	}
	return decodeAs(s, id, data, maxElements, decode)
}

// decodeAs decodes what readAs reads.
func decodeAs[T any](s *store, id blobID, data []byte, maxElements int, decode func([]byte) (T, error)) (value T, err error) {
	if err := checkShape(data, maxElements); err != nil {
		return value, s.malformed(id, err)
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
