package ptarread

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/pierrec/lz4/v4"
)

// errTooLong is inflate's answer to data that decompresses beyond its limit.
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

var inflaters = map[string]*sync.Pool{
	"LZ4":  {New: func() any { return lz4Inflater{lz4.NewReader(nil)} }},
	"GZIP": {New: func() any { return gzipInflater{new(gzip.Reader)} }},
}

// inflate decompresses all of src, at most limit bytes, into the memory of dst, which it grows as needed, and returns
// it. The algorithm is "LZ4", "GZIP", or "" for none.
func inflate(algorithm string, dst, src []byte, limit int) ([]byte, error) {
	dst = dst[:0]
	if algorithm == "" {
		if len(src) > limit {
			return nil, errTooLong
		}
		return append(dst, src...), nil
	}
	pool := inflaters[algorithm]
	inflater := pool.Get().(inflater)
	source := bytes.NewReader(src)
	if err := inflater.reset(source); err != nil {
		return nil, fmt.Errorf("does not decompress: %w", err)
	}
	for idle := 0; ; {
		if len(dst) == cap(dst) {
			grown := make([]byte, len(dst), min(max(2*cap(dst), 4<<10), limit+1))
			copy(grown, dst)
			dst = grown
		}
		n, err := inflater.Read(dst[len(dst):min(cap(dst), limit+1)])
		dst = dst[:len(dst)+n]
		if len(dst) > limit {
			return nil, errTooLong
		}
		if err == io.EOF {
			break
		}
		if n > 0 {
			idle = 0
		} else if idle++; idle > 100 {
			err = io.ErrNoProgress
		}
		if err != nil {
			return nil, fmt.Errorf("does not decompress: %w", err)
		}
	}
	if source.Len() > 0 {
		return nil, fmt.Errorf("has %d bytes after its compressed data", source.Len())
	}
	pool.Put(inflater)
	return dst, nil
}
