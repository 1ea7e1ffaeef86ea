package sdk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/location"

	"github.com/PlakarKorp/kpkg/sdk/internal/rpc"
	"github.com/PlakarKorp/kpkg/sdk/internal/wire"
)

const (
	// silence is how long the records of an importer that has returned without closing them may be silent before they
	// are taken for complete.
	silence = 3 * time.Second

	// lateSilence is the same once a record has come after Import returned: there are goroutines at work then that
	// should close the channel, and not to hear of them again is no reason to think that they are done.
	lateSilence = time.Minute

	// lateAcknowledgements is how long a failed import waits for the host to take the records before it reports the failure.
	lateAcknowledgements = 5 * time.Second
)

var (
	// errNilRecord ends an import: an entry that cannot be named would be missing from the backup.
	errNilRecord = errors.New("the importer sent a nil record")

	errLost = errors.New("the importer has returned while still sending records, and did not close them")

	errHostEnded = errors.New("the host ended the import")
)

// importCall is one import under way.
//
// The host takes "finished" for success and reads nothing after it. It is therefore sent last, when Import has returned
// without an error and every record is out; an import that failed ends with an error status instead.
type importCall struct {
	s         *importerService
	call      *rpc.Call
	announced *announced
	acks      *acknowledgements
	records   chan *connectors.Record

	returned <-chan error // what Import returned
	received chan error   // how the host's acknowledgements ended
	buf      []byte
}

func (s *importerService) serveImport(call *rpc.Call) error {
	importer, err := s.get()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(call.Context())
	flags := importer.Flags()
	run := &importCall{
		s:         s,
		call:      call,
		announced: s.begin(flags),
		acks:      newAcknowledgements(flags&location.FLAG_NEEDACK != 0, s.backlog),
		records:   make(chan *connectors.Record, s.concurrency()),
		received:  make(chan error, 1),
	}
	go run.acks.forward(ctx, run.closeReaders)
	run.returned = s.start("Import", func() error { return importer.Import(ctx, run.records, run.acks.results) })
	go func() {
		err := run.receive(ctx)
		run.received <- err
		if errors.Is(err, errUntaken) {
			run.discardAcknowledgements()
		}
	}()

	err = run.serve(ctx)
	cancel()
	if err != nil {
		go run.drain()
	}
	if err != nil || run.announced.empty() {
		s.forget(run.announced)
	}
	return err
}

// closeReaders closes what the host has not opened, and waits until it has closed the rest.
func (run *importCall) closeReaders() {
	run.s.forget(run.announced)
	run.announced.waitClosed()
}

// serve sends what the importer produces until the end.
func (run *importCall) serve(ctx context.Context) error {
	if err := run.send(ctx); err != nil {
		run.acks.await(ctx, lateAcknowledgements)
		return err
	}
	if err := run.call.Send(wire.AppendFinished(rpc.Begin(run.buf))); err != nil {
		return err
	}
	select {
	case err := <-run.received: // the host ends the call once it has acknowledged every record
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// send sends records until there are no more and Import has returned.
func (run *importCall) send(ctx context.Context) error {
	records, returned := run.records, run.returned
	var timeout <-chan time.Time // after Import has returned
	late := false
	for records != nil || returned != nil {
		select {
		case record, more := <-records:
			if !more {
				records = nil
				run.acks.recordsEnded()
				continue
			}
			if err := run.sendRecord(record); err != nil {
				return err
			}
			if returned == nil {
				timeout, late = time.After(lateSilence), true
			}
		case err := <-returned:
			run.acks.importReturned()
			if flushErr := run.flush(); err == nil {
				err = flushErr
			}
			if err != nil {
				return err
			}
			returned = nil
			timeout = time.After(silence)
		case <-timeout:
			if late {
				return errLost
			}
			run.s.logf("importer: Import has returned without closing its records: what it sent is taken for all")
			records = nil
			run.acks.recordsEnded()
		case err := <-run.received:
			if err == nil {
				err = errHostEnded
			}
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return context.Cause(ctx) // some importers return nil when they are told to stop
}

// flush sends what was still in the channel when Import returned.
func (run *importCall) flush() error {
	for range len(run.records) {
		if record, more := <-run.records; more {
			if err := run.sendRecord(record); err != nil {
				return err
			}
		}
	}
	return nil
}

func (run *importCall) sendRecord(r *connectors.Record) error {
	if r == nil {
		return errNilRecord
	}
	reader := r.Reader
	if err := wire.Usable(r); err != nil {
		r = wire.Failed(r, err)
	} else if r.Err != nil {
		r = wire.Failed(r, run.s.clean(r.Err))
	}
	run.buf = wire.AppendImported(rpc.Begin(run.buf), r)
	if size := len(run.buf); size > rpc.MaxMessage {
		r = wire.Failed(r, fmt.Errorf("the entry's metadata takes %d bytes, a host accepts %d", size, rpc.MaxMessage))
		run.buf = wire.AppendImported(rpc.Begin(run.buf), r)
	}
	switch {
	case r.Reader != nil:
		run.announced.add(r)
	case reader != nil:
		run.s.discard(reader)
	}
	run.acks.recordSent()
	return run.call.Send(run.buf)
}

// receive takes the host's acknowledgements until it has sent the last.
func (run *importCall) receive(ctx context.Context) error {
	defer run.acks.ended()
	var buf []byte
	for {
		length, err := run.call.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := run.acks.admit(ctx, min(length, maxRequest)); err != nil {
			return err
		}
		buf, err = run.call.Rest(rpc.Reuse(buf), length, maxRequest)
		if err != nil {
			return err
		}
		result, err := wire.DecodeResult(buf)
		if err != nil {
			return rpc.Errorf(rpc.InvalidArgument, "cannot read the acknowledgement of a record: %v", err)
		}
		if !run.acks.received() {
			return rpc.Errorf(rpc.InvalidArgument, "the host acknowledges more records than it was sent")
		}
		var deliver func()
		if run.acks.results != nil {
			message := bytes.Clone(buf)
			deliver = func() { run.acks.deliver(message) }
		}
		run.announced.acknowledge(entryOf(&result.Record), deliver)
	}
}

// discardAcknowledgements lets the host go on until it has taken the failure of its import.
func (run *importCall) discardAcknowledgements() {
	for {
		if _, err := run.call.Next(); err != nil {
			return
		}
	}
}

// drain lets an importer that does not heed its context run to its end, and closes the readers it still sends.
func (run *importCall) drain() {
	discard := func(r *connectors.Record) {
		if r != nil && r.Reader != nil {
			run.s.discard(r.Reader)
		}
	}
	for {
		select {
		case r, more := <-run.records:
			if !more {
				return
			}
			discard(r)
		case <-run.returned:
			for range len(run.records) {
				discard(<-run.records)
			}
			return
		}
	}
}
