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

// heldFile is the content of a record that the host knows and has not answered for.
type heldFile struct {
	reader  io.ReadCloser
	size    int64 // what the record says
	fetched *fetched
	taken   bool // by the host, which reads it or did not want it
}

// held keeps the contents of the records that the host knows and has not answered for. An importer may announce the
// same path several times: the host opens and answers once for each, so they are taken in order and answers are counted
// against those that were opened first.
type held struct {
	mu      sync.Mutex
	entries map[entry]*heldEntry
	ahead   *prefetch
}

type heldEntry struct {
	unopened []*heldFile
	opened   int
}

func newHeld(ahead *prefetch) *held {
	return &held{entries: make(map[entry]*heldEntry), ahead: ahead}
}

// hold keeps the reader of a record.
func (h *held) hold(r *connectors.Record) {
	f := &heldFile{reader: r.Reader, size: r.FileInfo.Lsize}
	h.mu.Lock()
	e := entryOf(r)
	if h.entries[e] == nil {
		h.entries[e] = &heldEntry{}
	}
	h.entries[e].unopened = append(h.entries[e].unopened, f)
	h.mu.Unlock()
	h.ahead.announced(f)
}

// open hands a file over, to be closed by the caller. It is nil if there is none left.
func (h *held) open(e entry) *heldFile {
	h.mu.Lock()
	defer h.mu.Unlock()
	entry := h.entries[e]
	if entry == nil || len(entry.unopened) == 0 {
		return nil
	}
	entry.opened++
	return entry.pop()
}

func (e *heldEntry) pop() *heldFile {
	f := e.unopened[0]
	e.unopened = e.unopened[1:]
	return f
}

// release is told that the host has answered for a record. If it did not open it, release returns the file, to be closed
// by the caller.
func (h *held) release(e entry) *heldFile {
	h.mu.Lock()
	defer h.mu.Unlock()
	entry := h.entries[e]
	if entry == nil {
		return nil
	}
	var f *heldFile
	if entry.opened > 0 {
		entry.opened--
	} else {
		f = entry.pop()
	}
	if entry.opened == 0 && len(entry.unopened) == 0 {
		delete(h.entries, e)
	}
	return f
}

// empty reports whether the host has answered for every record with a reader.
func (h *held) empty() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.entries) == 0
}

// drain returns all files that were not opened, to be closed by the caller.
func (h *held) drain() []*heldFile {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*heldFile
	for _, entry := range h.entries {
		all = append(all, entry.unopened...)
	}
	h.entries = make(map[entry]*heldEntry)
	return all
}
