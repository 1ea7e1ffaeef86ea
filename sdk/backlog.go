package sdk

import (
	"context"
	"sync"

	"github.com/PlakarKorp/kloset/connectors"
)

const (
	// maxBacklog is how many bytes of messages may wait for the connector in all calls of a connection together: records
	// that an exporter has not taken, acknowledgements that an importer has not. It is a few ten thousand of the usual
	// ones, and small beside the 256 MiB that the runtime may take in all, of which the garbage collector needs half. The
	// host waits beyond it, which HTTP/2's windows see to once nothing is read. A message that is larger than all of it
	// waits alone.
	maxBacklog = 16 << 20

	// minShare is what each call may always have waiting, whatever the others have: a call whose connector waits for
	// that of another goes on. 1,024 calls take no more than the backlog this way.
	minShare = 16 << 10

	// recordSize is about what a record takes beside its texts, in bytes.
	recordSize = 512
)

// sizeInMemory is about what a record takes that was read from a message of so many bytes.
func sizeInMemory(r *connectors.Record, message int) int {
	return message + recordSize + 16*cap(r.ExtendedAttributes)
}

// backlog counts what waits for the connector in all calls of a connection.
type backlog struct {
	mu    sync.Mutex
	freed sync.Cond
	bytes int
}

func newBacklog() *backlog {
	b := &backlog{}
	b.freed.L = &b.mu
	return b
}

// share is what one call has in the backlog.
type share struct {
	*backlog
	bytes int
	over  bool // nothing waits any more
}

// tryAdd counts a message of so many bytes if there is space for it.
func (s *share) tryAdd(size int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tryAddLocked(size)
}

func (s *share) tryAddLocked(size int) bool {
	total := s.backlog.bytes
	if !s.over && total > 0 && total+size > maxBacklog && s.bytes+size > minShare {
		return false
	}
	s.addLocked(size)
	return true
}

// add counts a message once there is space for it. It fails only with the cause of the context's end.
func (s *share) add(ctx context.Context, size int) error {
	if s.tryAdd(size) {
		return nil
	}
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.freed.Broadcast()
	})()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.tryAddLocked(size) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s.freed.Wait()
	}
	return nil
}

// grow counts what a message takes beyond its size, or, with a negative number, what no longer waits.
func (s *share) grow(size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addLocked(size)
}

func (s *share) addLocked(size int) {
	if s.over {
		return
	}
	s.bytes += size
	s.backlog.bytes += size
	if size < 0 {
		s.freed.Broadcast()
	}
}

// end takes the call's messages out of the backlog. What still comes is not kept, and not counted.
func (s *share) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.backlog.bytes -= s.bytes
	s.bytes, s.over = 0, true
	s.freed.Broadcast()
}
