package sdk

import (
	"io"
	"maps"
	"slices"
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

	stop   func()        // ends the call that reads it
	closed chan struct{} // its reader, after it was handed over
}

// announced keeps the contents of the records that the host knows and has not acknowledged. An importer may announce the
// same path several times: the host opens and acknowledges once for each, so they are taken in order, and
// acknowledgements count for those that were opened first.
type announced struct {
	mu      sync.Mutex
	entries map[entry]*announcedEntry
	reading map[*announcedFile]bool // those that were handed over and are not closed
	ahead   *prefetch
}

type announcedEntry struct {
	unopened []*announcedFile
	opened   []*announcedFile
}

func newAnnounced(ahead *prefetch) *announced {
	return &announced{entries: make(map[entry]*announcedEntry), reading: make(map[*announcedFile]bool), ahead: ahead}
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

// open hands a file over to a call, which closes its reader, says so by close, and can be ended by stop. It is nil if there
// is none left.
func (a *announced) open(e entry, stop func()) *announcedFile {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.entries[e]
	if known == nil || len(known.unopened) == 0 {
		return nil
	}
	f := shift(&known.unopened)
	f.stop = stop
	a.handOverLocked(f)
	known.opened = append(known.opened, f)
	return f
}

// handOverLocked is for a file whose reader somebody is going to close.
func (a *announced) handOverLocked(f *announcedFile) {
	f.closed = make(chan struct{})
	a.reading[f] = true
}

// close says that the reader of a file from open or drain is closed.
func (a *announced) close(f *announcedFile) {
	a.mu.Lock()
	delete(a.reading, f)
	a.mu.Unlock()
	close(f.closed)
}

// acknowledge is told that the host has acknowledged a record, and closes its reader if that was not opened. If it was and
// then is not nil, the call that reads it ends: the host needs no more of it. then is called once the reader is closed.
func (a *announced) acknowledge(e entry, then func()) {
	f, opened := a.take(e)
	if f != nil && !opened {
		a.ahead.skip(f)
	}
	if then == nil {
		return
	}
	if opened {
		select {
		case <-f.closed:
		default:
			f.stop()
			go func() {
				<-f.closed
				then()
			}()
			return
		}
	}
	then()
}

// take removes the file that an acknowledgement is for; nil if there is none.
func (a *announced) take(e entry) (f *announcedFile, opened bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.entries[e]
	if known == nil {
		return nil, false
	}
	if opened = len(known.opened) > 0; opened {
		f = shift(&known.opened)
	} else {
		f = shift(&known.unopened)
	}
	if len(known.opened) == 0 && len(known.unopened) == 0 {
		delete(a.entries, e)
	}
	return f, opened
}

// waitClosed waits until the readers that are open are closed.
func (a *announced) waitClosed() {
	a.mu.Lock()
	reading := slices.Collect(maps.Keys(a.reading))
	a.mu.Unlock()
	for _, f := range reading {
		<-f.closed
	}
}

func shift(files *[]*announcedFile) *announcedFile {
	first := (*files)[0]
	*files = (*files)[1:]
	return first
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
	for _, known := range a.entries {
		all = append(all, known.unopened...)
	}
	for _, f := range all {
		a.handOverLocked(f)
	}
	a.entries = make(map[entry]*announcedEntry)
	return all
}
