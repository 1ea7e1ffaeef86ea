package ptarbuild

import (
	"fmt"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/chunking"
	"github.com/PlakarKorp/kloset/compression"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/hashing"
	klosetpack "github.com/PlakarKorp/kloset/packfile"
	"github.com/google/uuid"
)

// Options are what decides the bytes of a package beside its files.
type Options struct {
	// Time is every time recorded in the package, to the nanosecond. The zero Time means the Unix epoch.
	Time time.Time
	// Compression of every blob; "" means DefaultCompression.
	Compression Compression
}

func (o Options) withDefaults() (Options, error) {
	if o.Time.IsZero() {
		o.Time = time.Unix(0, 0)
	}
	o.Time = o.Time.UTC()
	if o.Compression == "" {
		o.Compression = DefaultCompression
	}
	return o, o.Compression.check()
}

const hashAlgorithm = "BLAKE3"

// configuration is what the readers of the package need to know of it. The package is not encrypted.
func (o Options) configuration(id uuid.UUID) *storage.Configuration {
	return &storage.Configuration{
		Version:      formatVersion,
		Timestamp:    o.Time,
		RepositoryID: id,
		// One packfile holds everything, whatever its size.
		Packfile:    klosetpack.Configuration{MaxSize: 1<<64 - 1},
		Chunking:    chunking.Configuration{Algorithm: chunkAlgorithm, MinSize: pieceMin, NormalSize: pieceNormal, MaxSize: chunkMax},
		Hashing:     hashing.Configuration{Algorithm: hashAlgorithm, Bits: 256},
		Compression: &compression.Configuration{Algorithm: o.Compression.algorithm(), Level: -1, WindowSize: -1, ChunkSize: -1, BlockSize: -1},
	}
}

// Compression names how blobs are compressed. Uncompressed packages are not offered: no checksum but the compressor's
// protects a chunk when plakar installs a package, so a flipped bit would install. Neither is ZSTD, which no released
// client reads.
type Compression string

const (
	// GZIP is the smaller.
	GZIP Compression = "gzip"
	// LZ4 is the faster to write, to verify and to install.
	LZ4 Compression = "lz4"
	// DefaultCompression is chosen by size alone: a package is made once and downloaded many times. docs/benchmarks.md has the
	// numbers.
	DefaultCompression = GZIP
)

// Compressions lists what ParseCompression accepts.
var Compressions = []Compression{GZIP, LZ4}

// ParseCompression reads the name of a compression, as given on a command line.
func ParseCompression(name string) (Compression, error) {
	c := Compression(name)
	return c, c.check()
}

func (c Compression) check() error {
	for _, known := range Compressions {
		if c == known {
			return nil
		}
	}
	names := make([]string, len(Compressions))
	for i, known := range Compressions {
		names[i] = string(known)
	}
	return fmt.Errorf("unknown compression %q: use %s", string(c), strings.Join(names, " or "))
}
