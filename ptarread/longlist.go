package ptarread

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"hash"
	"io"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"github.com/PlakarKorp/kpkg/internal/ptar"
)

// longList is an object as it comes, in msgpack: a map, one value of which is the array of its chunks. Nothing of it is kept but
// what is being decoded. A MAC vouches for it only once it is read to its end.
type longList struct {
	s      *store
	blob   blob
	mac    hash.Hash
	region *regionStream
	in     boundedReader
	d      *msgpack.Decoder
	// pairs are how many pairs of the map are left behind those that were read, and chunks how many chunks of the array.
	pairs, chunks, count int
	seen                 bool // the array
	// rest is the map without the array.
	rest   bytes.Buffer
	others int
	bytes  int64 // of all, once it is read
}

const (
	// maxListKey, maxListChunk and maxListValue are how long a key, a chunk and another value of an object may be.
	maxListKey   = 64
	maxListChunk = 1 << 10
	maxListValue = 64 << 10
	// maxListPairs is how many pairs an object may have; kloset's have six.
	maxListPairs = 64
	// maxListElements is how many elements the arrays of one value may have.
	maxListElements = 16
)

// boundedReader lets a decoder read so much and no more, whatever lengths it finds.
type boundedReader struct {
	*bufio.Reader
	left int
}

var errBound = errors.New("has a value that is too long")

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left == 0 && len(p) > 0 {
		return 0, errBound
	}
	n, err := b.Reader.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func (b *boundedReader) ReadByte() (byte, error) {
	if b.left == 0 {
		return 0, errBound
	}
	c, err := b.Reader.ReadByte()
	if err == nil {
		b.left--
	}
	return c, err
}

func (b *boundedReader) UnreadByte() error {
	b.left++
	return b.Reader.UnreadByte()
}

// openLong begins to read a long list, up to its first chunk.
func (s *store) openLong(ctx context.Context, b blob) (*longList, error) {
	l := &longList{s: s, blob: b, mac: s.key.Hasher()}
	err := guard(func() (err error) {
		l.region, err = s.openRegion(ctx, ptar.Section{Offset: b.offset, Length: int64(b.length)}, s.bounds.list)
		if err != nil {
			return err
		}
		l.in.Reader = bufio.NewReaderSize(io.TeeReader(l.region, l.mac), 64<<10)
		l.d = msgpack.NewDecoder(&l.in)
		l.in.left = maxListKey
		// DecodeMapLen would pass over the head of an extension, which no reader of a list in one piece does.
		code, err := l.d.PeekCode()
		if err == nil && !msgpcode.IsFixedMap(code) && code != msgpcode.Map16 && code != msgpcode.Map32 {
			return errors.New("is no map of an object")
		}
		if l.pairs, err = l.d.DecodeMapLen(); err != nil {
			return cut(err)
		}
		if l.pairs < 0 || l.pairs > maxListPairs {
			return errors.New("is no map of an object")
		}
		return l.toChunks()
	})
	return l, l.failed(err)
}

// failed makes a problem of what is wrong with the list, and not of a failure to read it.
func (l *longList) failed(err error) error {
	var problem *Problem
	switch {
	case err == nil || err == io.EOF || errors.As(err, &problem):
		return err
	case l.region != nil && l.region.fileErr != nil:
		return l.region.fileErr
	case errors.Is(err, errTooLong):
		return problemf(TooLarge, regionBlobs, l.blob.offset, "%v %v, %d bytes", l.blob.id(), err, l.s.bounds.list)
	}
	return problemf(Damaged, regionBlobs, l.blob.offset, "%v %v", l.blob.id(), err)
}

// raw reads a value of at most limit bytes.
func (l *longList) raw(limit int) ([]byte, error) {
	l.in.left = limit
	data, err := l.d.DecodeRaw()
	if err == nil {
		err = checkShape(data, maxListElements)
	}
	return data, cut(err)
}

// cut makes an end of what is not complete an error like others.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// toChunks reads pairs up to the array, or the last one.
func (l *longList) toChunks() error {
	for ; l.pairs > 0; l.pairs-- {
		key, err := l.raw(maxListKey)
		if err != nil {
			return err
		}
		var name string
		if err := msgpack.Unmarshal(key, &name); err != nil {
			return err
		}
		if name == "chunks" {
			l.pairs--
			return l.beginChunks()
		}
		value, err := l.raw(maxListValue)
		if err != nil {
			return err
		}
		l.others++
		l.rest.Write(key)
		l.rest.Write(value)
	}
	return nil
}

func (l *longList) beginChunks() (err error) {
	if l.seen {
		return errors.New("has two lists")
	}
	l.seen = true
	l.in.left = maxListKey
	if l.chunks, err = l.d.DecodeArrayLen(); err != nil {
		return cut(err)
	}
	l.chunks = max(l.chunks, 0) // nil
	l.count = l.chunks
	return nil
}

// next is the next chunk; io.EOF once all of the object was read and has its MAC.
func (l *longList) next() (p part, err error) {
	err = guard(func() error {
		if l.chunks == 0 {
			return cmp.Or(l.finish(), io.EOF)
		}
		l.chunks--
		data, err := l.raw(maxListChunk)
		if err != nil {
			return err
		}
		var chunk objects.Chunk
		if err := msgpack.Unmarshal(data, &chunk); err != nil {
			return err
		}
		p = part{chunk.ContentMAC, chunk.Length}
		return l.s.checkPart(l.blob.id(), p, l.count)
	})
	return p, l.failed(err)
}

// finish reads what is behind the chunks, and compares all with the MAC.
func (l *longList) finish() error {
	if l.mac == nil { // finished before
		return nil
	}
	if err := l.toChunks(); err != nil {
		return err
	}
	if l.chunks > 0 {
		return errors.New("has two lists")
	}
	if _, err := l.in.Reader.ReadByte(); err == nil {
		return errors.New("has bytes after its value")
	} else if err != io.EOF {
		return err
	}
	l.bytes = l.s.bounds.list - l.region.in.left
	sum := objects.MAC(l.mac.Sum(nil))
	l.s.key.Put(l.mac)
	l.mac = nil
	l.region.in.release(l.s.config.compression)
	if sum != l.blob.mac {
		return problemf(Damaged, regionBlobs, l.blob.offset, "%v does not match its MAC", l.blob.id())
	}
	return nil
}

// readLong reads all of a long list once: it is one, and is what was written.
func (s *store) readLong(ctx context.Context, b blob) (*list, error) {
	if s.bounds.list <= MaxBlob {
		return nil, problemf(TooLarge, regionBlobs, b.offset, "%v is longer than %d bytes", b.id(), MaxBlob)
	}
	in, err := s.openLong(ctx, b)
	if err != nil {
		return nil, err
	}
	l := &list{long: &b}
	for {
		p, err := in.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		l.size += int64(p.length)
	}
	var object *objects.Object
	err = guard(func() (err error) {
		var head bytes.Buffer
		if err = msgpack.NewEncoder(&head).EncodeMapLen(in.others); err == nil {
			object, err = objects.NewObjectFromBytes(append(head.Bytes(), in.rest.Bytes()...))
		}
		return err
	})
	if err != nil {
		return nil, s.malformed(b.id(), err)
	}
	l.mac, l.bytes = object.ContentMAC, in.bytes
	s.long.Store(b.mac, l)
	return l, nil
}
