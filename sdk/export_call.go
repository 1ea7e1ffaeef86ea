package sdk

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/PlakarKorp/kloset/connectors"

	"github.com/PlakarKorp/kpkg/sdk/internal/rpc"
	"github.com/PlakarKorp/kpkg/sdk/internal/wire"
)

// lateResults is how long an exporter that has returned without closing its results may be silent, while records are
// without a result, before it is taken to be done.
const lateResults = 3 * time.Second

var (
	errNoResult  = errors.New("the exporter did not say what became of this entry")
	errNilResult = errors.New("the exporter sent a nil result")
	errBrokenOff = errors.New("the host broke off within a file")
)

// exportCall is one export under way.
type exportCall struct {
	s       *exporterService
	call    *rpc.Call
	waiting *share
	queue   chan queuedRecord
	records chan *connectors.Record
	results chan *connectors.Result

	returned <-chan error  // what Export returned
	left     chan struct{} // closed when nobody takes records any more
	received chan error    // how the host's records ended
	buf      []byte

	mu        sync.Mutex
	pending   map[entry]int // records without a result
	count     int           // how many those are
	current   *content      // the file that is being received
	abandoned bool          // nobody takes records any more
}

func (s *exporterService) serveExport(call *rpc.Call) error {
	exporter, err := s.get()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(call.Context())
	defer cancel()
	run := &exportCall{
		s:        s,
		call:     call,
		waiting:  &share{backlog: s.backlog},
		queue:    make(chan queuedRecord, s.concurrency()),
		records:  make(chan *connectors.Record),
		results:  make(chan *connectors.Result, s.concurrency()),
		left:     make(chan struct{}),
		received: make(chan error, 1),
		pending:  make(map[entry]int),
	}
	run.returned = s.start("Export", func() error { return exporter.Export(ctx, run.records, run.results) })
	go func() {
		err := run.receive(ctx)
		close(run.queue)
		run.received <- err
	}()
	go run.forward(ctx)
	err = run.serve(ctx)
	cancel()
	go run.drain()
	return err
}

// queuedRecord is a record that the exporter has not taken, and what it takes of the backlog.
type queuedRecord struct {
	*connectors.Record
	size int
}

// forward hands the queued records to the exporter. Its channel has no buffer, so that what it has taken is known.
func (run *exportCall) forward(ctx context.Context) {
	defer close(run.records)
	defer run.waiting.end()
	for record := range run.queue {
		select {
		case run.records <- record.Record:
			run.waiting.grow(-record.size)
		case <-run.left:
			return
		case <-ctx.Done():
			return
		}
	}
}

// serve sends the exporter's results until there are no more. A failure is reported after the host has sent all its
// records: to a host that is still sending, it would look like the end of the connection.
func (run *exportCall) serve(ctx context.Context) error {
	failure := run.sendResults(ctx)
	run.abandon()
	select {
	case err := <-run.received:
		if failure == nil {
			failure = err
		}
	case <-time.After(drainTime):
		return errors.Join(failure, errUnread)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if failure != nil {
		return failure
	}
	return run.sendMissing()
}

// sendResults sends results until Export has returned and nothing is left.
func (run *exportCall) sendResults(ctx context.Context) error {
	results, returned := run.results, run.returned
	var timeout <-chan time.Time // after Export has returned
	for results != nil || returned != nil {
		select {
		case result, more := <-results:
			if !more {
				results = nil
				continue
			}
			if err := run.sendResult(result); err != nil {
				return err
			}
		case err := <-returned:
			if flushErr := run.flush(); err == nil {
				err = flushErr
			}
			if err != nil || run.missing() <= 0 {
				return err
			}
			returned = nil
			timeout = time.After(lateResults)
		case <-timeout:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// flush sends what was still in the channel when Export returned.
func (run *exportCall) flush() error {
	for range len(run.results) {
		if result, more := <-run.results; more {
			if err := run.sendResult(result); err != nil {
				return err
			}
		}
	}
	return nil
}

func (run *exportCall) sendResult(result *connectors.Result) error {
	if result == nil {
		return errNilResult
	}
	if c, ours := result.Record.Reader.(*content); ours {
		c.Close() // its result may be for a file it did not have read to the end
	}
	run.mu.Lock()
	run.count--
	if e := entryOf(&result.Record); run.pending[e] > 1 {
		run.pending[e]--
	} else {
		delete(run.pending, e)
	}
	run.mu.Unlock()

	clean := &connectors.Result{Record: result.Record, Err: run.s.clean(result.Err)}
	if err := wire.Usable(&clean.Record); err != nil {
		clean.Record = *wire.Failed(&clean.Record, err)
	}
	run.buf = wire.AppendResult(rpc.Begin(run.buf), clean)
	if len(run.buf) > rpc.MaxMessage { // hosts send larger records than they accept; the path says which one it was
		clean.Record = connectors.Record{
			Pathname: wire.Text(result.Record.Pathname), IsXattr: result.Record.IsXattr,
			XattrName: wire.Text(result.Record.XattrName), XattrType: result.Record.XattrType,
		}
		run.buf = wire.AppendResult(rpc.Begin(run.buf), clean)
	}
	return run.call.Send(run.buf)
}

func (run *exportCall) missing() int {
	run.mu.Lock()
	defer run.mu.Unlock()
	return run.count
}

// sendMissing sends a failure for every record the exporter sent no result for: to the host, no result is success.
func (run *exportCall) sendMissing() error {
	if run.missing() <= 0 {
		return nil // if results have other paths than their records, what they are for cannot be told
	}
	for e, n := range run.pending {
		record := connectors.Record{Pathname: e.path, IsXattr: e.xattr, XattrName: e.name, XattrType: e.kind, Err: errNoResult}
		run.buf = wire.AppendResult(rpc.Begin(run.buf), record.Error(errNoResult))
		for range n {
			if err := run.call.Send(run.buf); err != nil {
				return err
			}
		}
	}
	return nil
}

// receive takes records and their contents from the host until it has sent the last.
func (run *exportCall) receive(ctx context.Context) error {
	for {
		record, hasReader, err := run.nextRecord(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		run.mu.Lock()
		run.count++
		run.pending[entryOf(record.Record)]++
		var c *content
		if hasReader {
			c = &content{ahead: run.s.ahead}
			record.Reader = c
			run.current = c
			if run.abandoned {
				c.Close()
			}
		}
		run.mu.Unlock()

		select {
		case run.queue <- record:
		case <-run.left:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if c == nil {
			continue
		}
		stop := context.AfterFunc(ctx, func() { c.Close() })
		err = run.receiveContent(c)
		stop()
		if err != nil {
			c.end(err)
			return err
		}
		c.end(io.EOF)
	}
}

// nextRecord receives the packet that carries a record, once the backlog has space for it.
func (run *exportCall) nextRecord(ctx context.Context) (record queuedRecord, hasReader bool, err error) {
	if _, err := run.call.Next(); err != nil {
		return record, false, err
	}
	tag, err := wire.ReadTag(run.call)
	if err != nil || tag.Number != 1 {
		return record, false, rpc.Errorf(rpc.InvalidArgument, "the host sent no record where one was due")
	}
	if err := run.waiting.add(ctx, min(tag.Length, maxRequest)); err != nil {
		return record, false, err
	}
	message, err := run.call.Rest(nil, tag.Length, maxRequest)
	if err != nil {
		return record, false, err
	}
	record.Record, hasReader, err = wire.DecodeRecord(message)
	if err != nil {
		return record, false, rpc.Errorf(rpc.InvalidArgument, "cannot read a record: %v", err)
	}
	record.size = sizeInMemory(record.Record, len(message))
	run.waiting.grow(record.size - len(message))
	return record, hasReader, nil
}

// receiveContent receives the chunks of a file up to the empty one that ends it.
func (run *exportCall) receiveContent(c *content) error {
	wanted := true
	for {
		switch _, err := run.call.Next(); {
		case errors.Is(err, io.EOF):
			return errBrokenOff
		case err != nil:
			return err
		}
		tag, err := wire.ReadTag(run.call)
		if err != nil || tag.Number != 2 || tag.Length != run.call.Left() {
			return rpc.Errorf(rpc.InvalidArgument, "the host sent no chunk where one was due")
		}
		if tag.Length == 0 {
			return nil
		}
		for wanted && run.call.Left() > 0 {
			block := newBlock(run.call.Left())
			n, err := io.ReadFull(run.call, block[:min(len(block), run.call.Left())])
			if err != nil {
				return err
			}
			wanted = c.push(block[:n])
		}
	}
}

// abandon makes receive read on without keeping anything.
func (run *exportCall) abandon() {
	run.mu.Lock()
	defer run.mu.Unlock()
	run.abandoned = true
	run.waiting.end()
	close(run.left)
	if run.current != nil {
		run.current.Close()
	}
}

// drain lets an exporter that does not heed its context run to its end.
func (run *exportCall) drain() {
	for {
		select {
		case _, more := <-run.results:
			if !more {
				return
			}
		case <-run.returned:
			return
		}
	}
}
