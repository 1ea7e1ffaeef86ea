package ptarbuild

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	chunkers "github.com/PlakarKorp/go-cdc-chunkers"
	_ "github.com/PlakarKorp/go-cdc-chunkers/chunkers/fastcdc" // registers the algorithm
)

// How files are cut into chunks decides how small a package is. Small chunks find more of what the executables of a package
// have in common; large ones are compressed better, because each is compressed alone. So files are first cut into small
// pieces by their content, and then pieces that always follow one another, wherever they occur, are joined into chunks: what
// two executables share is stored once, in as few chunks as can be, and the rest as if the pieces had been large.
//
// docs/benchmarks.md has what that gains. Readers do not care where chunks end.
const (
	chunkAlgorithm = "fastcdc-v1.0.0"
	pieceMin       = 1 << 10
	pieceNormal    = 2 << 10
	pieceMax       = 8 << 10
	// chunkMax bounds the memory of writers and readers: they hold a few chunks for each processor.
	chunkMax = 1 << 20
	// maxPieces bounds the memory for knowing pieces again; they are those of some 700 MiB. What comes after them and is none of
	// them is taken for content that occurs once.
	maxPieces = 1 << 18
	// A file has at most freeChunks chunks and one more for every chunkMean bytes, so that a file that repeats itself does not
	// have more of them than readers take.
	freeChunks = 1 << 10
	chunkMean  = 64 << 10
)

// pieceID is the number of a piece's content; unknownPiece is one that is not looked for. Neighbours of the first and last
// piece of a file are noPiece.
type pieceID int32

const (
	noPiece      pieceID = -1
	unknownPiece pieceID = -2
	several      pieceID = -3 // different neighbours in different places
)

// piece is a part of a file.
type piece struct {
	id     pieceID
	length int32
}

// cutter cuts the files of one package. It sees the pieces of them all before it cuts the first.
type cutter struct {
	ids   map[pieceKey]pieceID
	limit int // of ids
	// before and after are the neighbours of each known piece.
	before, after []pieceID
}

func newCutter() *cutter { return &cutter{ids: map[pieceKey]pieceID{}, limit: maxPieces} }

// pieceKey is the length of a piece and the check sum of its content. That does to know a piece again: those that are mistaken for one
// another only end a chunk somewhere else, since chunks are compared by their MACs.
type pieceKey struct{ length, sum uint32 }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// cut returns the lengths of the chunks to cut each of the files of a package into.
func cut(ctx context.Context, files []File) ([][]int, error) {
	keys := make([][]pieceKey, len(files))
	err := readAll(ctx, files, func(i int, r io.Reader) (err error) {
		keys[i], err = slice(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	c := newCutter()
	pieces := make([][]piece, len(files))
	for i := range files {
		pieces[i] = c.pieces(keys[i])
		keys[i] = nil
	}
	lengths := make([][]int, len(files))
	for i := range files {
		lengths[i] = c.chunks(pieces[i])
	}
	return lengths, nil
}

// slice cuts what r gives into pieces.
func slice(r io.Reader) ([]pieceKey, error) {
	chunker, err := chunkers.NewChunker(chunkAlgorithm, r,
		&chunkers.ChunkerOpts{MinSize: pieceMin, NormalSize: pieceNormal, MaxSize: pieceMax})
	if err != nil {
		return nil, fmt.Errorf("set up the chunker: %w", err)
	}
	var keys []pieceKey
	for {
		data, err := chunker.Next()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if len(data) > 0 {
			keys = append(keys, pieceKey{uint32(len(data)), crc32.Checksum(data, castagnoli)})
		}
		if err != nil {
			return keys, nil
		}
	}
}

// identify gives pieces of the same content the same number.
func (c *cutter) identify(key pieceKey) pieceID {
	id, known := c.ids[key]
	switch {
	case known:
		return id
	case len(c.ids) == c.limit:
		return unknownPiece
	}
	id = pieceID(len(c.before))
	c.ids[key] = id
	c.before, c.after = append(c.before, noPiece), append(c.after, noPiece)
	return id
}

// pieces are those of a file, in order, known from now on.
func (c *cutter) pieces(keys []pieceKey) []piece {
	var pieces []piece
	seen := len(c.before) // pieces with a lower number have neighbours already
	for _, key := range keys {
		id, length := c.identify(key), int32(key.length)
		last := len(pieces) - 1
		if id == unknownPiece && last >= 0 && pieces[last].id == unknownPiece && pieces[last].length+length <= chunkMax {
			pieces[last].length += length
			continue
		}
		pieces = append(pieces, piece{id, length})
	}
	met := map[pieceID]bool{} // of this file's own, those that have neighbours
	for i, p := range pieces {
		if p.id == unknownPiece {
			continue
		}
		before, after := noPiece, noPiece
		if i > 0 {
			before = pieces[i-1].id
		}
		if i+1 < len(pieces) {
			after = pieces[i+1].id
		}
		if int(p.id) >= seen && !met[p.id] {
			met[p.id] = true
			c.before[p.id], c.after[p.id] = before, after
			continue
		}
		if c.before[p.id] != before {
			c.before[p.id] = several
		}
		if c.after[p.id] != after {
			c.after[p.id] = several
		}
	}
	return pieces
}

// inseparable reports whether two pieces always follow one another.
func (c *cutter) inseparable(one, other pieceID) bool {
	return one != unknownPiece && other != unknownPiece && c.after[one] == other && c.before[other] == one
}

// chunks joins the pieces of a file to chunks and returns their lengths; an empty file has one empty chunk.
func (c *cutter) chunks(pieces []piece) []int {
	if len(pieces) == 0 {
		return []int{0}
	}
	var lengths []int
	length, offset := int(pieces[0].length), int64(pieces[0].length)
	for i := 1; i < len(pieces); i++ {
		next := int(pieces[i].length)
		spent := int64(len(lengths)) >= freeChunks+offset/chunkMean
		if (c.inseparable(pieces[i-1].id, pieces[i].id) || spent) && length+next <= chunkMax {
			length += next
		} else {
			lengths = append(lengths, length)
			length = next
		}
		offset += int64(next)
	}
	return append(lengths, length)
}
