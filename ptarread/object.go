package ptarread

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
)

// readObject reads the list of chunks of a file whose content is wanted, without the chunks.
func (s *store) readObject(mac objects.MAC) (object *objects.Object, err error) {
	_, b, err := s.find(blobID{resources.RT_OBJECT, mac})
	if err != nil {
		return nil, err
	}
	err = guard(func() error {
		stored, err := s.readStored(b, nil)
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
	if err := checkShape(data, s.bounds.chunks); err != nil {
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
	if stored, err = s.readStored(b, stored); err != nil {
		return stored, nil, err
	}
	if cap(dst) == 0 {
		dst = make([]byte, 0, int(chunk.Length)+1)
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

// chunkReader reads an object from its beginning to its end. It decodes a chunk that is repeated, as in a file of zeros, once,
// and one ahead of the reader when there is a processor for it.
type chunkReader struct {
	ctx    context.Context
	s      *store
	chunks []objects.Chunk

	held *objects.Chunk
	data []byte // of the chunk that is held
	rest []byte // what of it is left to be read
	// free is memory for chunks: what the chunk before was decoded into, and how one was stored.
	free buffers
	// ahead is the chunk behind the one that is held, nil if nobody decodes it.
	ahead <-chan decoded
}

// buffers are memory for a chunk, as it is stored and decoded.
type buffers struct{ stored, data []byte }

// decoded is a chunk that was decoded ahead, and where.
type decoded struct {
	buffers
	err error
}

func (s *store) reader(ctx context.Context, object *objects.Object) *chunkReader {
	return &chunkReader{ctx: ctx, s: s, chunks: object.Chunks}
}

func sameChunk(a, b *objects.Chunk) bool { return a.ContentMAC == b.ContentMAC && a.Length == b.Length }

// more makes the next chunk what is left to be read; io.EOF if there is none.
func (r *chunkReader) more() error {
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	if len(r.chunks) == 0 {
		return io.EOF
	}
	next := &r.chunks[0]
	if r.held == nil || !sameChunk(r.held, next) {
		var d decoded
		if r.ahead != nil {
			d = <-r.ahead
			r.ahead = nil
		} else {
			d.stored, d.data, d.err = r.s.readChunk(*next, r.free.stored, r.free.data)
		}
		if d.err != nil {
			return d.err
		}
		r.free = buffers{d.stored, r.data}
		r.data, r.held = d.data, next
	}
	r.rest, r.chunks = r.data, r.chunks[1:]
	if len(r.chunks) > 0 && r.ahead == nil && !sameChunk(r.held, &r.chunks[0]) {
		r.ahead = r.s.decodeAhead(r.chunks[0], r.free)
	}
	return nil
}

// decodeAhead decodes a chunk in another goroutine, nil if there are enough of them. What nobody takes is garbage.
func (s *store) decodeAhead(chunk objects.Chunk, into buffers) <-chan decoded {
	if s.decoding.Add(1) > int64(workers()) {
		s.decoding.Add(-1)
		return nil
	}
	done := make(chan decoded, 1)
	go func() {
		defer s.decoding.Add(-1)
		var d decoded
		d.stored, d.data, d.err = s.readChunk(chunk, into.stored, into.data)
		done <- d
	}()
	return done
}

func (r *chunkReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if err := r.more(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// WriteTo writes a chunk at a time.
func (r *chunkReader) WriteTo(w io.Writer) (written int64, err error) {
	for {
		if len(r.rest) > 0 {
			n, err := w.Write(r.rest)
			written += int64(n)
			if err != nil {
				return written, err
			}
			r.rest = nil
		}
		if err := r.more(); err == io.EOF {
			return written, nil
		} else if err != nil {
			return written, err
		}
	}
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
