package ptarread

import (
	"context"
	"fmt"
	"io"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
)

// readChunk reads a chunk of a content into the memory of stored and dst, which may be nil and are returned grown.
func (s *store) readChunk(p part, stored, dst []byte) (storedOut, data []byte, err error) {
	_, b, err := s.find(blobID{resources.RT_CHUNK, p.mac})
	if err != nil {
		return stored, nil, err
	}
	if stored, err = s.readStored(b, stored); err != nil {
		return stored, nil, err
	}
	if cap(dst) == 0 {
		dst = make([]byte, 0, int(p.length)+1)
	}
	err = guard(func() (err error) {
		data, err = s.decode(b, dst, stored, MaxBlob)
		return err
	})
	if err == nil && len(data) != int(p.length) {
		err = s.malformed(b.id(), fmt.Errorf("is %d bytes long where %d are expected", len(data), p.length))
	}
	return stored, data, err
}

// chunkReader reads a content from its beginning to its end. It decodes a chunk that is repeated, as in a file of zeros, once, and
// some ahead of the reader when there are processors for it.
type chunkReader struct {
	ctx   context.Context
	s     *store
	parts parts

	held part
	data []byte // of the part that is held
	rest []byte // what of it is left to be read
	// free is memory for chunks: what those before were decoded into, and how they were stored.
	free []buffers
	// ahead are the parts behind the one that is held, of aheadBytes; last is the last of them, or the one that is held.
	ahead      []upcoming
	aheadBytes int
	last       part
	// ended is why there is none behind these: io.EOF, or an error.
	ended error
}

// upcoming is a part that is read ahead.
type upcoming struct {
	part
	// same is set if it is the part before once more; decoded is nil if nobody decodes it yet.
	same    bool
	decoded <-chan decoded
}

const (
	// maxAhead is how many parts are read ahead, and maxAheadBytes how many bytes of them, but for one.
	maxAhead      = 4
	maxAheadBytes = 4 << 20
)

// buffers are memory for a chunk, as it is stored and decoded.
type buffers struct{ stored, data []byte }

// decoded is a chunk that was decoded ahead, and where.
type decoded struct {
	buffers
	err error
}

func (s *store) reader(ctx context.Context, l *list) (*chunkReader, error) {
	parts, err := s.open(ctx, l)
	return &chunkReader{ctx: ctx, s: s, parts: parts}, err
}

// more makes the next chunk what is left to be read; io.EOF if there is none.
func (r *chunkReader) more() error {
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	if len(r.ahead) == 0 {
		r.look()
	}
	if len(r.ahead) == 0 {
		return r.ended
	}
	next := r.ahead[0]
	r.ahead = r.ahead[:copy(r.ahead, r.ahead[1:])]
	if !next.same {
		r.aheadBytes -= int(next.length)
		var d decoded
		if next.decoded != nil {
			d = <-next.decoded
		} else {
			into := r.buffers()
			d.stored, d.data, d.err = r.s.readChunk(next.part, into.stored, into.data)
		}
		if d.err != nil {
			r.ended, r.ahead = d.err, nil
			return d.err
		}
		if r.data != nil {
			r.free = append(r.free, buffers{d.stored, r.data})
		}
		r.data, r.held = d.data, next.part
	}
	r.rest = r.data
	for r.look() && len(r.ahead) < maxAhead {
	}
	r.decode()
	return nil
}

// look takes one more part to those ahead, if there is room for it.
func (r *chunkReader) look() bool {
	if r.ended != nil || len(r.ahead) > 0 && r.aheadBytes >= maxAheadBytes {
		return false
	}
	var p part
	if p, r.ended = r.parts.next(); r.ended != nil {
		return false
	}
	// What is ahead ends with the last part, and what is held is the last one if there is nothing ahead.
	same := r.data != nil || len(r.ahead) > 0
	next := upcoming{part: p, same: same && p == r.last}
	if !next.same {
		r.aheadBytes += int(p.length)
	}
	r.last = p
	r.ahead = append(r.ahead, next)
	return true
}

// decode has as many of the parts ahead decoded as there are processors for.
func (r *chunkReader) decode() {
	for i := range r.ahead {
		if u := &r.ahead[i]; !u.same && u.decoded == nil {
			if u.decoded = r.s.decodeAhead(u.part, r.buffers); u.decoded == nil {
				return
			}
		}
	}
}

// buffers takes memory for a chunk.
func (r *chunkReader) buffers() (b buffers) {
	if last := len(r.free) - 1; last >= 0 {
		b, r.free = r.free[last], r.free[:last]
	}
	return b
}

// decodeAhead decodes a chunk in another goroutine, nil if there are enough of them. What nobody takes is garbage.
func (s *store) decodeAhead(p part, memory func() buffers) <-chan decoded {
	if s.decoding.Add(1) > int64(workers()) {
		s.decoding.Add(-1)
		return nil
	}
	done := make(chan decoded, 1)
	into := memory()
	go func() {
		defer s.decoding.Add(-1)
		var d decoded
		d.stored, d.data, d.err = s.readChunk(p, into.stored, into.data)
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
func (p *Package) loadObject(ctx context.Context, mac objects.MAC) (*list, error) {
	data, err := p.readMetadata(ctx, resources.RT_OBJECT, mac)
	if err != nil {
		return nil, err
	}
	l, err := p.decodeList(mac, data)
	if err != nil {
		return nil, err
	}
	for _, c := range l.parts {
		id := blobID{resources.RT_CHUNK, c.mac}
		i, _, err := p.find(id)
		if err != nil {
			return nil, err
		}
		if p.used[i] && p.lengths[i] != c.length {
			return nil, p.malformed(id, fmt.Errorf("is %d bytes long for one file and %d for another", p.lengths[i], c.length))
		}
		p.used[i], p.lengths[i] = true, c.length
	}
	return l, nil
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
