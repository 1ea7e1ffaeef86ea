package sdk

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/PlakarKorp/kloset/connectors"

	"github.com/PlakarKorp/kpkg/sdk/internal/wire"
)

// untaken is how long an importer may go without a single acknowledgement taken while the backlog is full of them.
const untaken = time.Minute

// errUntaken ends an import that would wait forever: the importer for the host to take records, the host for the importer
// to take acknowledgements. One that has taken any is only slow.
var errUntaken = errors.New("the importer has FLAG_NEEDACK and takes no acknowledgements, and more have come than " +
	"are kept: receive from results while sending records, or leave the flag out")

// acknowledgements counts the host's acknowledgements of records, and passes them on to an importer that wants them. The
// host sends one for every record, whether or not anybody takes them. They queue here until Import has returned, as far as
// the backlog has space. One is passed on once the record's reader is closed: importers of streams go on to the next entry
// then, which must not happen beside a Read of the last. After the last one the importer's channel is closed, which some
// importers wait for before they return.
type acknowledgements struct {
	results chan *connectors.Result // nil if the importer wants none; without a buffer, so that what was taken is known
	share   *share

	mu      sync.Mutex
	changed sync.Cond
	queue   [][]byte // as they came: that is smaller
	waiting int      // records that are not acknowledged
	reading int      // acknowledgements of records whose reader is not closed
	last    bool     // there are no more records, or no more acknowledgements
	over    bool     // Import has returned
	taken   bool     // the importer has taken one
}

func newAcknowledgements(wanted bool, of *backlog) *acknowledgements {
	a := &acknowledgements{share: &share{backlog: of}}
	a.changed.L = &a.mu
	if wanted {
		a.results = make(chan *connectors.Result)
	}
	return a
}

// kept is what an acknowledgement of so many bytes takes while it queues.
func kept(message int) int { return message + 64 }

// admit waits until there is space for an acknowledgement of so many bytes, if the importer wants it.
func (a *acknowledgements) admit(ctx context.Context, message int) error {
	if a.results == nil || a.share.tryAdd(kept(message)) {
		return nil
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	defer time.AfterFunc(untaken, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if !a.taken {
			stop(errUntaken)
		}
	}).Stop()
	return a.share.add(ctx, kept(message))
}

func (a *acknowledgements) update(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
	a.changed.Broadcast()
}

func (a *acknowledgements) recordSent()   { a.update(func() { a.waiting++ }) }
func (a *acknowledgements) recordsEnded() { a.update(func() { a.last = true }) }
func (a *acknowledgements) ended()        { a.update(func() { a.last, a.waiting = true, 0 }) }
func (a *acknowledgements) importReturned() {
	a.update(func() { a.over, a.queue = true, nil })
	a.share.end()
}

// received counts an acknowledgement, and reports whether there was a record for it. If the importer wants it, deliver follows.
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

// deliver queues an acknowledgement that was admitted for the importer.
func (a *acknowledgements) deliver(message []byte) {
	a.update(func() {
		a.reading--
		if !a.over {
			a.queue = append(a.queue, message)
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

// forward passes acknowledgements on until the last, or until the context ends. Then it closes the importer's channel. If
// Import is still waiting for them, closeReaders is called before, which must see to it that nothing is read any more.
func (a *acknowledgements) forward(ctx context.Context, closeReaders func()) {
	if a.results == nil {
		return
	}
	defer a.share.end()
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
		result, err := wire.DecodeResult(next)
		if err != nil {
			return // cannot be: it was decoded when it came
		}
		select {
		case a.results <- result:
			a.share.grow(-kept(len(next)))
			a.update(func() { a.taken = true })
		case <-ctx.Done():
			return
		}
	}
}
