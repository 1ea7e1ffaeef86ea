package ptarbuild

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/pierrec/lz4/v4"
)

// gzipLevel is where klauspost's gzip stops paying: level 9 takes some ten times as long for a third of a per cent.
const gzipLevel = 8

// algorithm is kloset's name of the compression.
func (c Compression) algorithm() string {
	if c == LZ4 {
		return "LZ4"
	}
	return "GZIP"
}

// compressor is one that can be used again; both libraries' writers allocate too much to be made for each blob.
type compressor interface {
	io.WriteCloser
	Reset(io.Writer)
}

var compressors = map[Compression]*sync.Pool{
	GZIP: {New: func() any {
		w, err := gzip.NewWriterLevel(nil, gzipLevel)
		if err != nil {
			panic(err) // only for a level out of range
		}
		return w
	}},
	LZ4: {New: func() any {
		w := lz4.NewWriter(nil)
		// The smallest block a chunk fits in: the default of 4 MiB is allocated for each writer.
		if err := w.Apply(lz4.BlockSizeOption(lz4.Block1Mb)); err != nil {
			panic(err) // only for a size out of range
		}
		return w
	}},
}

// encode compresses one blob. What comes out depends only on data and on the version of the compression library, which
// generation (fingerprint.go) stands for.
func (c Compression) encode(out *bytes.Buffer, data []byte) error {
	pool := compressors[c]
	w := pool.Get().(compressor)
	defer pool.Put(w)
	out.Grow(len(data) + len(data)/64 + 64) // what cannot be compressed becomes a little longer
	w.Reset(out)
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("compress a blob: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("compress a blob: %w", err)
	}
	return nil
}
