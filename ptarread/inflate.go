package ptarread

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/pierrec/lz4/v4"

	"github.com/PlakarKorp/kpkg/internal/interruptible"
	"github.com/PlakarKorp/kpkg/internal/ptar"
)

// errTooLong is the error for data that decompresses beyond its limit.
var errTooLong = errors.New("decompresses to more than allowed")

// inflater decompresses one blob after the other without a goroutine for each, which kloset's own streams start, and in
// which a panic could not be recovered.
type inflater interface {
	io.Reader
	reset(io.Reader) error
}

type lz4Inflater struct{ *lz4.Reader }

func (l lz4Inflater) reset(r io.Reader) error {
	l.Reset(r)
	return nil
}

type gzipInflater struct{ *gzip.Reader }

func (g gzipInflater) reset(r io.Reader) error { return g.Reset(r) }

type storedInflater struct{ io.Reader }

func (s *storedInflater) reset(r io.Reader) error {
	s.Reader = r
	return nil
}

var inflaters = map[string]*sync.Pool{
	"":     {New: func() any { return new(storedInflater) }},
	"LZ4":  {New: func() any { return lz4Inflater{lz4.NewReader(nil)} }},
	"GZIP": {New: func() any { return gzipInflater{new(gzip.Reader)} }},
}

// source is compressed data. That it can be read by the byte keeps decompressors from reading ahead of what they need.
type source interface {
	io.Reader
	io.ByteReader
}

// stream is the decompressed form of all that a source holds. Its end is an error when the source has more than that, or
// when there were more bytes than allowed.
type stream struct {
	inflater inflater
	source   source
	left     int64
	idle     int
}

// newStream decompresses source to at most limit bytes. The algorithm is "LZ4", "GZIP", or "" for none. Whoever has read
// it to its end may call release.
func newStream(algorithm string, source source, limit int64) (*stream, error) {
	s := &stream{inflater: inflaters[algorithm].Get().(inflater), source: source, left: limit}
	if err := s.inflater.reset(source); err != nil {
		return nil, fmt.Errorf("does not decompress: %w", err)
	}
	return s, nil
}

func (s *stream) release(algorithm string) { inflaters[algorithm].Put(s.inflater) }

func (s *stream) Read(p []byte) (int, error) {
	// One byte more than is left tells whether there is more.
	n, err := s.inflater.Read(p[:min(int64(len(p)), s.left+1)])
	if s.left -= int64(n); s.left < 0 {
		return 0, errTooLong
	}
	if err == io.EOF {
		if _, err := s.source.ReadByte(); err == nil {
			return n, errors.New("has bytes after its compressed data")
		} else if err != io.EOF {
			return n, err
		}
		return n, io.EOF
	}
	if n > 0 {
		s.idle = 0
	} else if s.idle++; s.idle > 100 && err == nil {
		err = io.ErrNoProgress
	}
	if err != nil {
		return n, fmt.Errorf("does not decompress: %w", err)
	}
	return n, nil
}

// inflate decompresses all of src, at most limit bytes, into the memory of dst, which it grows as needed, and returns
// it.
func inflate(algorithm string, dst, src []byte, limit int) ([]byte, error) {
	in, err := newStream(algorithm, bytes.NewReader(src), int64(limit))
	if err != nil {
		return nil, err
	}
	if dst = dst[:0]; cap(dst) == 0 {
		dst = make([]byte, 0, min(max(4*len(src), 512), limit+1))
	}
	for {
		if len(dst) == cap(dst) {
			grown := make([]byte, len(dst), max(min(2*cap(dst), limit+1), len(dst)+1))
			copy(grown, dst)
			dst = grown
		}
		n, err := in.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			in.release(algorithm)
			return dst, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// regionStream is a part of the file as it decompresses, without holding it. fileErr tells a failure to read the file
// from what is wrong with its bytes.
type regionStream struct {
	*bufio.Reader
	in      *stream
	fileErr error
}

// openRegion decrypts and decompresses a range of the file to at most limit bytes.
func (s *store) openRegion(ctx context.Context, at ptar.Section, limit int64) (*regionStream, error) {
	r := &regionStream{}
	s.expect(at)
	file := interruptible.Reader(ctx, io.NewSectionReader(s.file, at.Offset, at.Length))
	stored := bufio.NewReaderSize(readerFunc(func(p []byte) (int, error) {
		n, err := file.Read(p)
		if err != nil && err != io.EOF {
			r.fileErr = err
		}
		return n, err
	}), 64<<10)
	packed := source(stored)
	if s.secret != nil {
		decrypted, err := s.secret.reader(stored)
		if err != nil {
			return r, err
		}
		packed = decrypted
	}
	in, err := newStream(s.config.compression, packed, limit)
	if err != nil {
		return r, err
	}
	r.in, r.Reader = in, bufio.NewReaderSize(in, 64<<10)
	return r, nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
