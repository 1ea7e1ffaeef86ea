package sdk

import (
	"io"
	"sync"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"
)

// entry is how the host names a record when it opens it and when it acknowledges it.
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

// announcedFile is the content of a record that the host knows and has not acknowledged.
type announcedFile struct {
	reader  io.ReadCloser
	size    int64 // what the record says
	fetched *fetched
	taken   bool // by the host, which reads it or did not want it
}

// announced keeps the contents of the records that the host knows and has not acknowledged. An importer may announce the
// same path several times: the host opens and answers once for each, so they are taken in order and answers are counted
// against those that were opened first.
type announced struct {
	mu      sync.Mutex
	entries map[entry]*announcedEntry
	ahead   *prefetch
}

type announcedEntry struct {
	unopened []*announcedFile
	opened   int
}

func newAnnounced(ahead *prefetch) *announced {
	return &announced{entries: make(map[entry]*announcedEntry), ahead: ahead}
}

// add keeps the reader of a record.
func (a *announced) add(r *connectors.Record) {
	f := &announcedFile{reader: r.Reader, size: r.FileInfo.Lsize}
	a.mu.Lock()
	e := entryOf(r)
	if a.entries[e] == nil {
		a.entries[e] = &announcedEntry{}
	}
	a.entries[e].unopened = append(a.entries[e].unopened, f)
	a.mu.Unlock()
	a.ahead.announced(f)
}

// open hands a file over, to be closed by the caller. It is nil if there is none left.
func (a *announced) open(e entry) *announcedFile {
	a.mu.Lock()
	defer a.mu.Unlock()
	entry := a.entries[e]
	if entry == nil || len(entry.unopened) == 0 {
		return nil
	}
	entry.opened++
	return entry.pop()
}

func (e *announcedEntry) pop() *announcedFile {
	f := e.unopened[0]
	e.unopened = e.unopened[1:]
	return f
}

// release is told that the host has acknowledged a record. If it did not open it, release returns the file, to be closed
// by the caller.
func (a *announced) release(e entry) *announcedFile {
	a.mu.Lock()
	defer a.mu.Unlock()
	entry := a.entries[e]
	if entry == nil {
		return nil
	}
	var f *announcedFile
	if entry.opened > 0 {
		entry.opened--
	} else {
		f = entry.pop()
	}
	if entry.opened == 0 && len(entry.unopened) == 0 {
		delete(a.entries, e)
	}
	return f
}

// empty reports whether the host has acknowledged every record with a reader.
func (a *announced) empty() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.entries) == 0
}

// drain returns all files that were not opened, to be closed by the caller.
func (a *announced) drain() []*announcedFile {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []*announcedFile
	for _, entry := range a.entries {
		all = append(all, entry.unopened...)
	}
	a.entries = make(map[entry]*announcedEntry)
	return all
}
