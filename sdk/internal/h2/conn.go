package h2

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// ErrNotHTTP2 is returned by Run when the input does not begin as an HTTP/2 client begins.
var ErrNotHTTP2 = errors.New("input is not http/2")

// errGone is why everything fails once the peer has closed its end.
var errGone = errors.New("the host closed the connection")

// Conn is one connection. One goroutine reads (the caller of Run), one writes, and every request has its handler's.
type Conn struct {
	ctx      context.Context
	cancel   context.CancelCauseFunc
	handle   func(*Stream)
	handlers sync.WaitGroup
	writer   sync.WaitGroup

	// Of the reading goroutine alone.
	in        *bufio.Reader
	headers   *headerReader
	last      uint32 // highest stream number seen
	continued *frame // HEADERS frame that CONTINUATION frames must follow

	receivable atomic.Int64 // what the peer may still send on the connection
	consumed   atomic.Int64 // what was read or dropped, and not yet given back to that window

	mu      sync.Mutex
	streams map[uint32]*Stream
	running int   // handlers
	err     error // why the connection is over
	outbox
}

// NewConn prepares a connection that reads from in and writes to out, and calls handle in a goroutine of its own for
// every request. The contexts of the streams are children of ctx; when it ends, what arrives is not read any more, but
// responses are still sent.
func NewConn(ctx context.Context, in io.Reader, out io.Writer, handle func(*Stream)) *Conn {
	c := &Conn{
		handle:  handle,
		in:      bufio.NewReaderSize(in, 64<<10),
		headers: newHeaderReader(),
		streams: make(map[uint32]*Stream),
	}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	c.receivable.Store(connWindow)
	c.outbox.init(&c.mu, out)
	return c
}

// Run reads until the peer closes its end, which is nil, or breaks the protocol. All streams have been cancelled when
// it returns, their handlers may still be running: see Wait.
func (c *Conn) Run() error {
	c.writer.Go(c.writeLoop)
	defer context.AfterFunc(c.ctx, c.interrupt)()
	err := c.read()
	if errors.Is(err, io.EOF) {
		err = nil
	}
	c.close(err)
	return err
}

// Wait waits for the handlers to return, but no longer than ctx. The requests of those that have not are ended by the
// block that unfinished makes, which is told whether the response's headers were sent. Nothing can be sent after it: see
// Flush.
func (c *Conn) Wait(ctx context.Context, unfinished func(headersSent bool) []byte) {
	wait(ctx, &c.handlers)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		for _, s := range c.streams {
			s.appendHeadersLocked(unfinished(s.headersSent), true)
		}
	}
	c.failLocked(errGone)
}

// Flush waits until what was sent before Wait returned is written, but no longer than ctx.
func (c *Conn) Flush(ctx context.Context) { wait(ctx, &c.writer) }

func wait(ctx context.Context, work *sync.WaitGroup) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		work.Wait()
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

func (c *Conn) read() error {
	begin, err := c.in.Peek(len(preface))
	if string(begin) != preface {
		if len(begin) == 0 {
			return err
		}
		return ErrNotHTTP2
	}
	c.in.Discard(len(preface))

	c.mu.Lock()
	c.pending = appendSettings(c.pending)
	c.pending = appendWindowUpdate(c.pending, 0, connWindow-initialWindow)
	c.wake.Signal()
	c.mu.Unlock()

	for first := true; ; first = false {
		header, err := c.in.Peek(frameHeaderLen)
		if err != nil {
			if len(header) > 0 && errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF
			}
			return err
		}
		f := parseFrame(header)
		c.in.Discard(frameHeaderLen)
		switch {
		case f.length > maxFrameLen:
			return &connError{codeFrameSize, "frame is larger than 16 KiB"}
		case first && (f.typ != frameSettings || f.has(flagAck)):
			return protocolError("the first frame is not SETTINGS")
		case c.continued != nil && (f.typ != frameContinuation || f.stream != c.continued.stream):
			return protocolError("header block is interrupted")
		}
		payload, err := c.in.Peek(f.length)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if err := c.dispatch(f, payload); err != nil {
			return err
		}
		c.in.Discard(f.length)
	}
}

// dispatch handles one frame. The payload is only valid until it returns.
func (c *Conn) dispatch(f frame, payload []byte) error {
	switch f.typ {
	case frameData:
		return c.readData(f, payload)
	case frameHeaders:
		return c.readHeaders(f, payload)
	case frameContinuation:
		if c.continued == nil {
			return protocolError("CONTINUATION without HEADERS")
		}
		return c.readFragment(f, payload)
	case frameRSTStream:
		return c.readReset(f, payload)
	case frameSettings:
		return c.readSettings(f, payload)
	case framePing:
		return c.readPing(f, payload)
	case frameWindowUpdate:
		return c.readWindowUpdate(f, payload)
	case framePushPromise:
		return protocolError("PUSH_PROMISE from a client")
	default:
		return nil // GOAWAY: the end of input follows. PRIORITY and unknown types are to be ignored.
	}
}

func (c *Conn) readData(f frame, payload []byte) error {
	if f.stream == 0 || f.stream > c.last {
		return protocolError("DATA on a stream that was not opened")
	}
	if c.receivable.Add(int64(-f.length)) < 0 {
		return &connError{codeFlowControl, "more data than the connection's window"}
	}
	data, err := unpad(f, payload)
	if err != nil {
		return err
	}
	s := c.stream(f.stream)
	if s == nil {
		return c.credit(f.length) // crossed our end of the stream on its way
	}
	dropped, err := s.inbox.put(data, f.length, f.has(flagEndStream))
	if err != nil {
		return err
	}
	return c.credit(dropped)
}

// credit gives bytes that were read or dropped back to the connection's window.
func (c *Conn) credit(n int) error {
	if c.consumed.Add(int64(n)) < connWindow/2 {
		return nil
	}
	increment := c.consumed.Swap(0)
	if increment == 0 {
		return nil // another goroutine was faster
	}
	c.receivable.Add(increment)
	return c.control(appendWindowUpdate(nil, 0, int(increment)))
}

func (c *Conn) readHeaders(f frame, payload []byte) error {
	if f.stream%2 == 0 {
		return protocolError("HEADERS on a stream that is not a client's")
	}
	fragment, err := unpad(f, payload)
	if err != nil {
		return err
	}
	if f.has(flagPriority) {
		if len(fragment) < 5 {
			return protocolError("HEADERS is too short for its priority")
		}
		fragment = fragment[5:]
	}
	c.continued = &f
	return c.readFragment(f, fragment)
}

func (c *Conn) readFragment(f frame, fragment []byte) error {
	if err := c.headers.add(fragment); err != nil {
		return err
	}
	if !f.has(flagEndHeaders) {
		return nil
	}
	begin := *c.continued
	c.continued = nil
	fields, err := c.headers.finish()
	if err != nil {
		return err
	}
	end := begin.has(flagEndStream)
	if begin.stream <= c.last { // trailers, or a stream that is over already
		if s := c.stream(begin.stream); s != nil && end {
			_, err := s.inbox.put(nil, 0, true)
			return err
		}
		return nil
	}
	c.last = begin.stream
	return c.open(begin.stream, fields, end)
}

// open starts the handler of a new request.
func (c *Conn) open(id uint32, fields []Field, end bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running >= MaxStreams {
		return c.controlLocked(appendRSTStream(nil, id, codeRefusedStream))
	}
	if fields == nil {
		return c.controlLocked(appendRSTStream(nil, id, codeEnhanceYourCalm))
	}
	s := newStream(c, id, fields)
	if end {
		s.inbox.end(io.EOF)
	}
	if c.ctx.Err() != nil {
		s.inbox.end(context.Cause(c.ctx))
	}
	c.streams[id] = s
	c.running++
	c.handlers.Go(func() {
		defer s.finish() // even if the handler ends its goroutine
		c.handle(s)
	})
	return nil
}

func (c *Conn) readReset(f frame, payload []byte) error {
	if len(payload) != 4 {
		return &connError{codeFrameSize, "RST_STREAM is not 4 bytes long"}
	}
	if f.stream == 0 || f.stream > c.last {
		return protocolError("RST_STREAM on a stream that was not opened")
	}
	if s := c.stream(f.stream); s != nil {
		s.abort(context.Canceled)
	}
	return nil
}

func (c *Conn) readPing(f frame, payload []byte) error {
	if len(payload) != 8 {
		return &connError{codeFrameSize, "PING is not 8 bytes long"}
	}
	if f.has(flagAck) {
		return nil
	}
	return c.answer(payload)
}

func (c *Conn) readWindowUpdate(f frame, payload []byte) error {
	if len(payload) != 4 {
		return &connError{codeFrameSize, "WINDOW_UPDATE is not 4 bytes long"}
	}
	if f.stream > c.last {
		return protocolError("WINDOW_UPDATE on a stream that was not opened")
	}
	increment := int64(binary.BigEndian.Uint32(payload) &^ (1 << 31))
	if increment == 0 {
		return protocolError("WINDOW_UPDATE of nothing")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.openWindowLocked(f.stream, increment)
}

func (c *Conn) stream(id uint32) *Stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.streams[id]
}

// interrupt wakes the handlers that wait for the peer to send. Those that wait for it to read do so on: a response that is
// cut short within a message hides its status from the peer.
func (c *Conn) interrupt() {
	c.mu.Lock()
	streams := slices.Collect(maps.Values(c.streams))
	c.mu.Unlock()
	for _, s := range streams {
		s.end(context.Cause(c.ctx))
	}
}

// close ends everything, after telling the peer why if the peer is the reason.
func (c *Conn) close(err error) {
	cause := err
	if cause == nil {
		cause = errGone
	}
	c.mu.Lock()
	if violation := (*connError)(nil); errors.As(err, &violation) {
		c.pending = appendGoAway(c.pending, c.last, violation.Code, violation.Reason)
	}
	c.failLocked(cause)
	streams := c.streams
	c.streams = make(map[uint32]*Stream)
	c.mu.Unlock()

	c.cancel(cause)
	for _, s := range streams {
		s.end(cause)
	}
}
