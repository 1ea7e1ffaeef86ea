package ptarbuild

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	chunkers "github.com/PlakarKorp/go-cdc-chunkers"
	"github.com/PlakarKorp/kloset/hashing"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/klauspost/compress/gzip"
	"github.com/pierrec/lz4/v4"
)

var executables = flag.String("executables", "", "comma-separated files to cut and compress (default those of the Go toolchain)")

// BenchmarkEncoding cuts and compresses executables in all the ways that were considered, for docs/benchmarks.md: the time
// is that of compression alone, "stored" the bytes that a package would hold for each byte of the files.
func BenchmarkEncoding(b *testing.B) {
	files := strings.Split(*executables, ",")
	if *executables == "" {
		tools, err := filepath.Glob(filepath.Join(os.Getenv("GOROOT"), "bin", "*"))
		if err != nil || len(tools) == 0 {
			b.Fatal("no Go toolchain in GOROOT: name files with -executables")
		}
		files = tools
	}
	gzipAt := func(level int) func(io.Writer) compressor {
		return func(w io.Writer) compressor {
			e, err := gzip.NewWriterLevel(w, level)
			if err != nil {
				b.Fatal(err)
			}
			return e
		}
	}
	lz4At := func(level lz4.CompressionLevel) func(io.Writer) compressor {
		return func(w io.Writer) compressor {
			e := lz4.NewWriter(w)
			if err := e.Apply(lz4.BlockSizeOption(lz4.Block256Kb), lz4.CompressionLevelOption(level)); err != nil {
				b.Fatal(err)
			}
			return e
		}
	}
	for _, way := range []struct {
		name string
		cut  func() ([][]byte, int64)
	}{
		{"32KiB", func() ([][]byte, int64) { return cutAlike(b, files, 32) }},
		{"512KiB", func() ([][]byte, int64) { return cutAlike(b, files, 512) }},
		{"joined", func() ([][]byte, int64) { return cutJoined(b, files) }},
	} {
		cutting := way.name
		chunks, total := way.cut()
		for _, way := range []struct {
			name string
			make func(io.Writer) compressor
		}{
			{"lz4", lz4At(lz4.Fast)}, {"lz4-hc3", lz4At(lz4.Level3)}, {"lz4-hc9", lz4At(lz4.Level9)},
			{"gzip1", gzipAt(1)}, {"gzip6", gzipAt(6)}, {"gzip8", gzipAt(8)}, {"gzip9", gzipAt(9)},
		} {
			b.Run(way.name+"/"+cutting, func(b *testing.B) {
				b.SetBytes(total)
				var out bytes.Buffer
				compressor := way.make(&out)
				var stored int
				for b.Loop() {
					stored = 0
					for _, chunk := range chunks {
						out.Reset()
						compressor.Reset(&out)
						compressor.Write(chunk)
						compressor.Close()
						stored += out.Len()
					}
				}
				b.ReportMetric(float64(stored)/float64(total), "stored")
			})
		}
	}
}

// cutJoined returns the different chunks of the files as packages have them.
func cutJoined(b *testing.B, files []string) (chunks [][]byte, total int64) {
	b.Helper()
	c := newCutter()
	contents, pieces := make([][]byte, len(files)), make([][]piece, len(files))
	for i, file := range files {
		var err error
		if contents[i], err = os.ReadFile(file); err != nil {
			b.Fatal(err)
		}
		total += int64(len(contents[i]))
		keys, err := slice(bytes.NewReader(contents[i]))
		if err != nil {
			b.Fatal(err)
		}
		pieces[i] = c.pieces(keys)
	}
	known := map[string]bool{}
	for i, rest := range contents {
		for _, n := range c.chunks(pieces[i]) {
			if chunk := rest[:n]; !known[string(chunk)] {
				known[string(chunk)] = true
				chunks = append(chunks, chunk)
			}
			rest = rest[n:]
		}
	}
	return chunks, total
}

// cutAlike returns the different chunks of the files, from least KiB on, normally twice and at most eight times that.
func cutAlike(b *testing.B, files []string, least int) (chunks [][]byte, total int64) {
	b.Helper()
	least <<= 10
	chunker, err := chunkers.NewChunker("fastcdc-v1.0.0", nil, &chunkers.ChunkerOpts{MinSize: least, NormalSize: 2 * least, MaxSize: 8 * least})
	if err != nil {
		b.Fatal(err)
	}
	known := map[objects.MAC]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		total += int64(len(data))
		chunker.Reset(bytes.NewReader(data))
		for {
			chunk, err := chunker.Next()
			h := hashing.GetHasher(hashAlgorithm)
			h.Write(chunk)
			if mac := objects.MAC(h.Sum(nil)); len(chunk) > 0 && !known[mac] {
				known[mac] = true
				chunks = append(chunks, bytes.Clone(chunk))
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	return chunks, total
}
