package h2

import (
	"context"
)

// Stream is one request and its response. Read and the sending methods may be used by one goroutine each.
type Stream struct {
	// Fields are the request's headers, pseudo-headers included.
	Fields []Field

	conn   *Conn
	id     uint32
	ctx    context.Context
	cancel context.CancelCauseFunc
	inbox  inbox

	// Guarded by the connection's mutex.
	window      int64 // what the peer lets the stream send
	stopped     error // why what would have to wait is not sent any more
	headersSent bool
	err         error // why nothing can be sent any more
}

func newStream(c *Conn, id uint32, fields []Field) *Stream {
	s := &Stream{Fields: fields, conn: c, id: id, window: c.initial}
	s.ctx, s.cancel = context.WithCancelCause(c.ctx)
	s.inbox.init()
	return s
}

// Context ends when the peer resets the stream, when the connection ends, and when the handler has returned.
func (s *Stream) Context() context.Context { return s.ctx }

// Read reads the request's body. It ends with io.EOF only if the peer ended the request itself.
func (s *Stream) Read(p []byte) (int, error) {
	n, credit, err := s.inbox.read(p)
	s.conn.credit(n)
	if credit > 0 {
		s.conn.control(appendWindowUpdate(nil, s.id, credit))
	}
	return n, err
}

// Write sends body bytes, waiting for the peer's window. The response's headers must have been sent.
func (s *Stream) Write(p []byte) (int, error) {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.wake.Signal()
	total := len(p)
	for len(p) > 0 {
		if err := s.spaceLocked(true); err != nil {
			return total - len(p), err
		}
		n := min(len(p), maxFrameLen, int(min(c.window, s.window)))
		c.pending = appendFrame(c.pending, frame{length: n, typ: frameData, stream: s.id})
		c.pending = append(c.pending, p[:n]...)
		c.window -= int64(n)
		s.window -= int64(n)
		p = p[n:]
	}
	return total, nil
}

// WriteHeaders sends a block made by HeaderBlock, which must fit a frame: first the response's headers, at last its
// trailers with end set. A block that is both makes a response without a body.
func (s *Stream) WriteHeaders(block []byte, end bool) error {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := s.spaceLocked(false); err != nil {
		return err
	}
	s.appendHeadersLocked(block, end)
	return nil
}

func (s *Stream) appendHeadersLocked(block []byte, end bool) {
	c := s.conn
	s.headersSent = true
	flags := uint8(flagEndHeaders)
	if end {
		flags |= flagEndStream
		s.err = errFinished
		delete(c.streams, s.id)
	}
	c.pending = appendFrame(c.pending, frame{length: len(block), typ: frameHeaders, flags: flags, stream: s.id})
	c.pending = append(c.pending, block...)
	if end && !s.inbox.ended() {
		c.pending = appendRSTStream(c.pending, s.id, codeNone) // RFC 9113 section 8.1: "stop sending, all is well"
	}
	c.wake.Signal()
}

// spaceLocked waits for space in the outbox and, for data, in the windows, which a stream that
// was stopped does not.
func (s *Stream) spaceLocked(data bool) error {
	c := s.conn
	for {
		switch {
		case s.err != nil:
			return s.err
		case c.err != nil:
			return c.err
		case len(c.pending) < outboxLimit && (!data || c.window > 0 && s.window > 0):
			return nil
		case data && s.stopped != nil:
			return s.stopped
		}
		c.wake.Signal()
		c.changed.Wait()
	}
}

// abort ends the stream because the peer wants it so.
func (s *Stream) abort(cause error) {
	c := s.conn
	c.mu.Lock()
	delete(c.streams, s.id)
	if s.err == nil {
		s.err = cause
	}
	c.changed.Broadcast()
	c.mu.Unlock()
	s.cancel(cause)
	s.end(cause)
}

// Stop ends the stream's context and what its handler waits for. The handler can still end the response, but the peer will
// not understand it if a message was cut short: this is for responses that nobody waits for.
func (s *Stream) Stop(cause error) {
	s.cancel(cause)
	s.conn.mu.Lock()
	s.stopped = cause
	s.conn.changed.Broadcast()
	s.conn.mu.Unlock()
	s.end(cause)
}

// end makes err what follows the part of the request that has arrived.
func (s *Stream) end(err error) { s.conn.credit(s.inbox.end(err)) }

// finish releases the stream when its handler has returned. One whose response is incomplete is reset.
func (s *Stream) finish() {
	c := s.conn
	c.mu.Lock()
	c.running--
	if s.err == nil && c.err == nil {
		s.err = errFinished
		delete(c.streams, s.id)
		c.pending = appendRSTStream(c.pending, s.id, codeProtocol)
		c.wake.Signal()
	}
	c.mu.Unlock()
	s.cancel(errFinished)
	s.end(errFinished)
}
