package ptarbuild

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// noise is content that occurs nowhere else.
func noise(seed uint64, n int) []byte {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(data)
	return data
}

// cutAll cuts files and returns the chunks of each, after it has checked that they are the files.
func cutAll(t *testing.T, limit int, files ...[]byte) [][][]byte {
	t.Helper()
	c := newCutter()
	if limit > 0 {
		c.limit = limit
	}
	pieces := make([][]piece, len(files))
	for i, data := range files {
		keys, err := slice(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		pieces[i] = c.pieces(keys)
	}
	chunks := make([][][]byte, len(files))
	for i, data := range files {
		lengths := c.chunks(pieces[i])
		if most := freeChunks + len(data)/chunkMean + 1; len(lengths) > most {
			t.Errorf("file %d of %d bytes has %d chunks, more than %d", i, len(data), len(lengths), most)
		}
		rest := data
		for _, n := range lengths {
			if n > chunkMax || n > len(rest) || n == 0 && len(data) > 0 {
				t.Fatalf("a chunk of %d bytes, of %d left", n, len(rest))
			}
			chunks[i] = append(chunks[i], rest[:n])
			rest = rest[n:]
		}
		if len(rest) > 0 || len(lengths) == 0 {
			t.Fatalf("%d chunks leave %d bytes", len(lengths), len(rest))
		}
	}
	return chunks
}

// stored is how many bytes the different chunks have, and how many chunks that is.
func stored(files [][][]byte) (bytes, count int) {
	known := map[string]bool{}
	for _, chunks := range files {
		for _, chunk := range chunks {
			if !known[string(chunk)] {
				known[string(chunk)] = true
				bytes, count = bytes+len(chunk), count+1
			}
		}
	}
	return bytes, count
}

// What files share is stored once, in few chunks, wherever it stands in them; what they do not share in as few as can be.
func TestSharedContentIsCutOut(t *testing.T) {
	shared, more := noise(1, 300_000), noise(2, 200_000)
	one := slices.Concat(noise(3, 123_456), shared, noise(4, 77_777), more)
	other := slices.Concat(more, noise(5, 54_321), shared, noise(6, 200))
	bytes, count := stored(cutAll(t, 0, one, other))
	total := len(one) + len(other) - len(shared) - len(more)
	// At both ends of what is shared, the pieces are not.
	if limit := total + 4*2*pieceMax; bytes > limit {
		t.Errorf("%d bytes are stored, want at most %d", bytes, limit)
	}
	if count > 8 {
		t.Errorf("they are cut into %d different chunks", count)
	}
	if _, count := stored(cutAll(t, 0, noise(7, 3*chunkMax))); count > 4 {
		t.Errorf("content without repetitions is cut into %d chunks", count)
	}
}

func TestCutAnything(t *testing.T) {
	short := noise(8, 1000)
	for name, files := range map[string][][]byte{
		"nothing":        {nil, {}},
		"a byte":         {{1}},
		"zeros":          {make([]byte, 40<<20)},
		"the same":       {short, short, noise(9, 100_000), noise(9, 100_000)},
		"repetition":     {bytes.Repeat(noise(10, 5000), 4000)},
		"of two in turn": {bytes.Repeat(slices.Concat(noise(11, 9000), make([]byte, 9000)), 1000), noise(11, 9000)},
	} {
		t.Run(name, func(t *testing.T) {
			cutAll(t, 0, files...)
			cutAll(t, 3, files...)
		})
	}
}

// With no room to know more pieces, the others are still cut out where they are known.
func TestCutterForgetsWhatIsTooMuch(t *testing.T) {
	known, other := noise(12, 100_000), noise(13, 2*chunkMax)
	files := [][]byte{known, other, slices.Concat(other[:chunkMax], known)}
	c := newCutter()
	keys, err := slice(bytes.NewReader(known))
	if err != nil {
		t.Fatal(err)
	}
	c.pieces(keys)
	bytes, _ := stored(cutAll(t, len(c.ids), files...))
	if limit := 3*chunkMax + len(known) + 4*pieceMax; bytes > limit {
		t.Errorf("%d bytes are stored, want at most %d", bytes, limit)
	}
}
