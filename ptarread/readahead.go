package ptarread

import (
	"io"
	"slices"
	"sync"

	"github.com/PlakarKorp/kpkg/internal/ptar"
)

// readahead reads stored blobs. Who goes through a snapshot comes by small blobs that lie next to each other, in a few places of
// the file at once: entries, objects, chunks. Once two follow each other, more is read than was asked for.
type readahead struct {
	mu    sync.Mutex
	next  int // the window that goes when none fits
	views [16]window
}

const (
	// windowSize is how many bytes are read ahead.
	windowSize = 256 << 10
	// windowGap is how far from the end of a window its next blob may be.
	windowGap = 16 << 10
)

// window is a part of the file from start to end. Whoever moves it on reads it.
type window struct {
	start, end int64

	mu   sync.Mutex
	at   int64 // of data, which is what was read last
	data []byte
}

// readStored reads a blob as it is stored into the memory of dst, which it grows as needed.
func (s *store) readStored(b blob, dst []byte) ([]byte, error) {
	dst = slices.Grow(dst[:0], int(b.length))[:b.length]
	if b.length > windowSize/4 || !s.ahead.read(s.file, b, s.index.at.Offset, dst) {
		return dst, ptar.ReadAt(s.file, dst, b.offset)
	}
	return dst, nil
}

// read copies a blob out of a window, if there is one for it. Blobs end at limit.
func (r *readahead) read(file io.ReaderAt, b blob, limit int64, dst []byte) bool {
	w, start, end := r.view(b, limit)
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at != start || len(w.data) == 0 {
		if b.offset != start { // not the one who moved it, who is not there yet or was overtaken
			return false
		}
		w.at, w.data = start, slices.Grow(w.data[:0], windowSize)[:end-start]
		if ptar.ReadAt(file, w.data, start) != nil {
			w.data = w.data[:0]
			return false
		}
	}
	return int64(copy(dst, w.data[b.offset-start:])) == int64(b.length)
}

// view is the window for a blob and where that is, nil for a blob that is near none.
func (r *readahead) view(b blob, limit int64) (w *window, start, end int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.views {
		w = &r.views[i]
		switch {
		case w.end == 0:
		case b.offset >= w.start && b.end() <= w.end:
			return w, w.start, w.end
		case b.offset >= w.end && b.offset <= w.end+windowGap:
			w.start, w.end = b.offset, min(b.offset+windowSize, limit)
			return w, w.start, w.end
		}
	}
	w = &r.views[r.next]
	r.next = (r.next + 1) % len(r.views)
	w.start, w.end = b.end(), b.end()
	return nil, 0, 0
}
