package ptarread

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"

	"github.com/PlakarKorp/kpkg/internal/ptar"
)

// readObject reads the list of chunks of a file whose content is wanted, without the chunks.
func (s *store) readObject(mac objects.MAC) (object *objects.Object, err error) {
	_, b, err := s.find(blobID{resources.RT_OBJECT, mac})
	if err != nil {
		return nil, err
	}
	err = guard(func() error {
		stored, err := s.readSection(b.section())
		if err != nil {
			return err
		}
		data, err := s.decode(b, nil, stored, MaxBlob)
		if err != nil {
			return err
		}
		object, err = s.decodeObject(mac, data)
		return err
	})
	return object, err
}

func (s *store) decodeObject(mac objects.MAC, data []byte) (*objects.Object, error) {
	id := blobID{resources.RT_OBJECT, mac}
	if err := checkShape(data, maxChunks); err != nil {
		return nil, s.malformed(id, err)
	}
	object, err := objects.NewObjectFromBytes(data)
	if err != nil {
		return nil, s.malformed(id, err)
	}
	for _, c := range object.Chunks {
		if c.Length > MaxBlob {
			return nil, problemf(TooLarge, regionBlobs, nowhere, "%v has a chunk of %d bytes; at most %d are allowed",
				id, c.Length, MaxBlob)
		}
		// An empty file has one empty chunk.
		if c.Length == 0 && len(object.Chunks) > 1 {
			return nil, s.malformed(id, errors.New("has an empty chunk among others"))
		}
	}
	return object, nil
}

// readChunk reads a chunk of an object into the memory of stored and dst, which may be nil and are returned grown.
func (s *store) readChunk(chunk objects.Chunk, stored, dst []byte) (storedOut, data []byte, err error) {
	_, b, err := s.find(blobID{resources.RT_CHUNK, chunk.ContentMAC})
	if err != nil {
		return stored, nil, err
	}
	stored = slices.Grow(stored[:0], int(b.length))[:b.length]
	if err := ptar.ReadAt(s.file, stored, b.offset); err != nil {
		return stored, nil, err
	}
	err = guard(func() (err error) {
		data, err = s.decode(b, dst, stored, MaxBlob)
		return err
	})
	if err == nil && len(data) != int(chunk.Length) {
		err = s.malformed(b.id(), fmt.Errorf("is %d bytes long where %d are expected", len(data), chunk.Length))
	}
	return stored, data, err
}

// chunkReader reads an object from its beginning to its end. It holds one chunk, and decodes a chunk that is repeated,
// as in a file of zeros, once.
type chunkReader struct {
	ctx    context.Context
	s      *store
	chunks []objects.Chunk

	held         *objects.Chunk
	stored, data []byte
	rest         []byte
}

func (s *store) reader(ctx context.Context, object *objects.Object) *chunkReader {
	return &chunkReader{ctx: ctx, s: s, chunks: object.Chunks}
}

func (r *chunkReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.ctx.Err() != nil {
			return 0, context.Cause(r.ctx)
		}
		if len(r.chunks) == 0 {
			return 0, io.EOF
		}
		next := &r.chunks[0]
		if r.held == nil || r.held.ContentMAC != next.ContentMAC || r.held.Length != next.Length {
			var data []byte
			var err error
			if r.stored, data, err = r.s.readChunk(*next, r.stored, r.data); err != nil {
				return 0, err
			}
			r.data, r.held = data, next
		}
		r.rest, r.chunks = r.data, r.chunks[1:]
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// loadObject reads an object while the package is opened, finds its chunks and notes how long they are to be.
func (p *Package) loadObject(ctx context.Context, mac objects.MAC) (*objects.Object, error) {
	data, err := p.readMetadata(ctx, resources.RT_OBJECT, mac)
	if err != nil {
		return nil, err
	}
	object, err := p.decodeObject(mac, data)
	if err != nil {
		return nil, err
	}
	for _, c := range object.Chunks {
		id := blobID{resources.RT_CHUNK, c.ContentMAC}
		i, _, err := p.find(id)
		if err != nil {
			return nil, err
		}
		if p.used[i] && p.lengths[i] != c.Length {
			return nil, p.malformed(id, fmt.Errorf("is %d bytes long for one file and %d for another", p.lengths[i], c.Length))
		}
		p.used[i], p.lengths[i] = true, c.Length
	}
	return object, nil
}

// compareLength checks that a chunk decodes to what the objects that list it say. They are what the limits on a
// package's content go by.
func (p *Package) compareLength(b blob, length int) error {
	i, _, _, err := p.index.lookup(b.id())
	if err != nil {
		return err
	}
	if b.typ != resources.RT_CHUNK || !p.used[i] || length == int(p.lengths[i]) {
		return nil
	}
	return p.malformed(b.id(), fmt.Errorf("is %d bytes long where %d are expected", length, p.lengths[i]))
}
