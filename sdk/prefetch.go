package sdk

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"time"
)

const (
	// readersAtOnce is how many readers are open at once at least, if there is reason to: what a host with eight
	// processors opens, and importers must be able to serve anyway. Hosts open as many as they have processors, which
	// is few when every open costs a round trip to a server.
	readersAtOnce = 8

	// prefetchSize is the largest file that is read ahead, and prefetchBytes all of them together, in bytes.
	prefetchSize  = 1 << 20
	prefetchBytes = 8 << 20

	// slowOpen is how long the first byte of a file takes, on average, from where on reading ahead pays.
	slowOpen = 500 * time.Microsecond

	// wantedInRow is how many files in a row the host must have opened: one that has most files already skips them.
	wantedInRow = 8
)

// prefetch reads small files before the host opens them, if the source is slow to open and the host wants all there is.
type prefetch struct {
	*guard
	workers int // 0 turns it off

	mu      sync.Mutex
	queue   []*announcedFile // announced, in order
	running int
	bytes   int64         // of what is fetched and not taken
	opening time.Duration // average time to the first byte
	wanted  int           // files opened since one was skipped
}

// fetched is a file that is read, or being read, ahead. It holds one of the workers' places while its reader is open.
type fetched struct {
	done chan struct{} // closed when the file may be read
	io.Reader
	close func() error
}

func (f *fetched) Close() error { return f.close() }

// announced queues a file.
func (p *prefetch) announced(f *announcedFile) {
	if p.workers == 0 || f.size <= 0 || f.size > prefetchSize {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, f)
	p.moreLocked()
}

// open is told that the host opens the file. The caller reads and closes what it returns.
func (p *prefetch) open(f *announcedFile) io.ReadCloser {
	ahead := p.take(f, true)
	if ahead != nil {
		<-ahead.done
		return ahead
	}
	if p.workers == 0 {
		return f.reader
	}
	return &timed{ReadCloser: f.reader, began: time.Now(), report: p.opened}
}

// skip is told that the host does not want the file.
func (p *prefetch) skip(f *announcedFile) {
	ahead := p.take(f, false)
	if ahead == nil {
		p.discard(f.reader)
		return
	}
	go func() {
		<-ahead.done
		p.discard(ahead)
	}()
}

func (p *prefetch) take(f *announcedFile, wanted bool) *fetched {
	p.mu.Lock()
	defer p.mu.Unlock()
	f.taken = true
	p.wanted++
	if !wanted {
		p.wanted = 0
	}
	if f.fetched != nil {
		p.bytes -= f.size
	}
	p.moreLocked()
	return f.fetched
}

// opened takes the time that a first byte took.
func (p *prefetch) opened(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opening += (took - p.opening) / 8
	p.moreLocked()
}

// moreLocked starts fetching the next files if that pays.
func (p *prefetch) moreLocked() {
	for len(p.queue) > 0 {
		next := p.queue[0]
		if !next.taken {
			if p.opening < slowOpen || p.wanted < wantedInRow || p.running >= p.workers || p.bytes+next.size > prefetchBytes {
				return
			}
			p.running++
			p.bytes += next.size
			next.fetched = &fetched{done: make(chan struct{})}
			go p.fetch(next.fetched, next.reader, next.size)
		}
		p.queue[0] = nil
		p.queue = p.queue[1:]
	}
}

// fetch reads a file of the size that was announced, and closes it. One that turns out to be longer is left open, for
// its reader to go on.
func (p *prefetch) fetch(f *fetched, reader io.ReadCloser, size int64) {
	data := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead)) // growing would take thrice that
	err := p.run("a reader's Read", func() error {
		_, err := io.Copy(data, io.LimitReader(reader, size+1))
		return err
	})
	release := sync.OnceValue(func() error {
		defer p.released()
		return p.run("a reader's Close", reader.Close)
	})
	rest := io.Reader(reader)
	switch {
	case err != nil:
		rest = failing{err}
		release()
	case int64(data.Len()) <= size:
		rest = failing{io.EOF}
		release()
	}
	f.Reader, f.close = io.MultiReader(data, rest), release
	close(f.done)
}

func (p *prefetch) released() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	p.moreLocked()
}

// failing is a reader at its end.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// timed reports how long the first read took.
type timed struct {
	io.ReadCloser
	began  time.Time
	report func(time.Duration)
}

func (t *timed) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if t.report != nil && (err == nil || errors.Is(err, io.EOF)) {
		t.report(time.Since(t.began))
		t.report = nil
	}
	return n, err
}
