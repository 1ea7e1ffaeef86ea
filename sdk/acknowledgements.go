package sdk

import (
	"context"
	"sync"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
)

// acknowledgements counts the host's answers for records, and passes them on to an importer that wants them. The host sends
// one for every record whether or not anybody takes them, and must not be kept waiting; so they queue here until Import has
// returned. One is passed on once the record's reader is closed: importers of streams go on to the next entry then, which
// must not happen beside a Read of the last. After the last one the importer's channel is closed, which some importers wait
// for before they return.
type acknowledgements struct {
	results chan *connectors.Result // nil if the importer wants none

	mu      sync.Mutex
	changed sync.Cond
	queue   []*connectors.Result
	waiting int  // records without an answer
	reading int  // answers for records whose reader is not closed
	last    bool // there are no more records, or no more answers
	over    bool // Import has returned
}

func newAcknowledgements(wanted bool, size int) *acknowledgements {
	a := &acknowledgements{}
	a.changed.L = &a.mu
	if wanted {
		a.results = make(chan *connectors.Result, size)
	}
	return a
}

func (a *acknowledgements) update(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
	a.changed.Broadcast()
}

func (a *acknowledgements) recordSent()     { a.update(func() { a.waiting++ }) }
func (a *acknowledgements) recordsEnded()   { a.update(func() { a.last = true }) }
func (a *acknowledgements) answersEnded()   { a.update(func() { a.last, a.waiting = true, 0 }) }
func (a *acknowledgements) importReturned() { a.update(func() { a.over, a.queue = true, nil }) }

// received counts an answer, and reports whether there was a record for it. If the importer wants it, deliver follows.
func (a *acknowledgements) received() (expected bool) {
	a.update(func() {
		expected = a.waiting > 0
		a.waiting--
		if expected && a.results != nil {
			a.reading++
		}
	})
	return expected
}

// deliver queues an answer for the importer.
func (a *acknowledgements) deliver(result *connectors.Result) {
	a.update(func() {
		a.reading--
		if !a.over {
			a.queue = append(a.queue, result)
		}
	})
}

// wait waits, with the mutex locked, until the condition is true or the context has ended.
func (a *acknowledgements) wait(ctx context.Context, until func() bool) {
	stop := context.AfterFunc(ctx, func() { a.update(func() {}) })
	defer stop()
	for !until() && ctx.Err() == nil {
		a.changed.Wait()
	}
}

// await waits, no longer than this, until the host has acknowledged every record it was sent.
func (a *acknowledgements) await(ctx context.Context, atMost time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wait(ctx, func() bool { return a.waiting <= 0 })
}

// forward passes answers on until the last, or until the context ends. Then it closes the importer's channel. If Import is
// still waiting for answers, closeReaders is called before, which must see to it that nothing is read any more.
func (a *acknowledgements) forward(ctx context.Context, closeReaders func()) {
	if a.results == nil {
		return
	}
	defer func() {
		a.mu.Lock()
		over := a.over
		a.mu.Unlock()
		if !over {
			closeReaders()
		}
		close(a.results)
	}()
	for {
		a.mu.Lock()
		a.wait(ctx, func() bool { return len(a.queue) > 0 || a.last && a.waiting <= 0 && a.reading == 0 || a.over })
		if len(a.queue) == 0 {
			a.mu.Unlock()
			return
		}
		next := a.queue[0]
		a.queue = a.queue[1:]
		a.mu.Unlock()
		select {
		case a.results <- next:
		case <-ctx.Done():
			return
		}
	}
}
