package sdk

import (
	"io"
	"sync"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"
)

// entry is how the host names a record when it opens it and when it answers for it.
type entry struct {
	path  string
	xattr bool
	name  string
	kind  objects.Attribute
}

func entryOf(r *connectors.Record) entry {
	e := entry{path: r.Pathname, xattr: r.IsXattr}
	if r.IsXattr {
		e.name, e.kind = r.XattrName, r.XattrType
	}
	return e
}

// held keeps the readers of the records that the host knows and has not answered for. An importer may announce the same
// path several times: the host opens and answers once for each, so they are taken in order and answers are counted
// against those that were opened first.
type held struct {
	mu      sync.Mutex
	readers map[entry]*readers
}

type readers struct {
	unopened []io.ReadCloser
	opened   int
}

func newHeld() *held {
	return &held{readers: make(map[entry]*readers)}
}

// hold keeps the reader of a record.
func (h *held) hold(r *connectors.Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := entryOf(r)
	if h.readers[e] == nil {
		h.readers[e] = &readers{}
	}
	h.readers[e].unopened = append(h.readers[e].unopened, r.Reader)
}

// open hands a reader over, to be closed by the caller. It is nil if there is none left.
func (h *held) open(e entry) io.ReadCloser {
	h.mu.Lock()
	defer h.mu.Unlock()
	rs := h.readers[e]
	if rs == nil || len(rs.unopened) == 0 {
		return nil
	}
	reader := rs.unopened[0]
	rs.unopened = rs.unopened[1:]
	rs.opened++
	return reader
}

// release is told that the host has answered for a record. If it did not open it, release returns the reader, to be
// closed by the caller.
func (h *held) release(e entry) io.ReadCloser {
	h.mu.Lock()
	defer h.mu.Unlock()
	rs := h.readers[e]
	if rs == nil {
		return nil
	}
	var reader io.ReadCloser
	if rs.opened > 0 {
		rs.opened--
	} else {
		reader = rs.unopened[0]
		rs.unopened = rs.unopened[1:]
	}
	if rs.opened == 0 && len(rs.unopened) == 0 {
		delete(h.readers, e)
	}
	return reader
}

// empty reports whether the host has answered for every record with a reader.
func (h *held) empty() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.readers) == 0
}

// drain returns all readers that were not opened, to be closed by the caller.
func (h *held) drain() []io.ReadCloser {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []io.ReadCloser
	for _, rs := range h.readers {
		all = append(all, rs.unopened...)
	}
	h.readers = make(map[entry]*readers)
	return all
}
