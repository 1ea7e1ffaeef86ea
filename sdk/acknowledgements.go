package sdk

import (
	"context"
	"sync"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
)

// acknowledgements counts the host's answers for records, and passes them on to an importer that wants them. The host sends one
// for every record whether or not anybody takes them, and must not be kept waiting; so they queue here until Import has
// returned. After the last one the importer's channel is closed, which some importers wait for before they return.
type acknowledgements struct {
	results chan *connectors.Result // nil if the importer wants none

	mu      sync.Mutex
	changed sync.Cond
	queue   []*connectors.Result
	waiting int  // records without an answer
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

// received reports whether there was a record to answer for.
func (a *acknowledgements) received(result *connectors.Result) (expected bool) {
	a.update(func() {
		expected = a.waiting > 0
		a.waiting--
		if expected && a.results != nil && !a.over {
			a.queue = append(a.queue, result)
		}
	})
	return expected
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

// forward passes answers on until the last, or until the context ends; then it closes the importer's channel.
func (a *acknowledgements) forward(ctx context.Context) {
	if a.results == nil {
		return
	}
	defer close(a.results)
	for {
		a.mu.Lock()
		a.wait(ctx, func() bool { return len(a.queue) > 0 || a.last && a.waiting <= 0 || a.over })
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
