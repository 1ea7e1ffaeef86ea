package rpc

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"sync/atomic"

	"github.com/PlakarKorp/kpkg/sdk/internal/h2"
)

// prefixLen is the length of what precedes a message: a byte that says if it is compressed, and its length.
const prefixLen = 5

// MaxMessage is the size, in bytes, of the largest message a stock host accepts: gRPC's default.
const MaxMessage = 4 << 20

// Call is one call under way. One goroutine may receive while another sends.
type Call struct {
	ctx    context.Context
	stream *h2.Stream

	memory      *memory
	taken       atomic.Int64 // of memory, by the current message
	left        int          // of the message being received
	headersSent bool
	header      [prefixLen]byte
}

// Context ends when the host cancels the call, at the call's deadline, and when the call is over.
func (c *Call) Context() context.Context { return c.ctx }

// Next moves on to the next message, whatever is left of the last one, and returns its length. After the last message
// it returns io.EOF. What Message and Rest returned of the last one counts no longer as received.
func (c *Call) Next() (int, error) {
	c.release()
	if _, err := c.Discard(); err != nil {
		return 0, err
	}
	switch _, err := io.ReadFull(c.stream, c.header[:]); {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return 0, Errorf(InvalidArgument, "the call ended within a message")
	case err != nil:
		return 0, err
	case c.header[0] != 0:
		return 0, Errorf(Unimplemented, "compressed messages are not supported")
	}
	length := binary.BigEndian.Uint32(c.header[1:])
	if length > 1<<31-1 {
		return 0, Errorf(ResourceExhausted, "message of %d bytes", length)
	}
	c.left = int(length)
	return c.left, nil
}

// Left is how much of the current message was not read yet.
func (c *Call) Left() int { return c.left }

// Read reads from the current message, and returns io.EOF at its end.
func (c *Call) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	n, err := c.stream.Read(p[:min(len(p), c.left)])
	c.left -= n
	if errors.Is(err, io.EOF) {
		err = Errorf(InvalidArgument, "the call ended within a message")
	}
	return n, err
}

// ReadByte reads one byte of the current message.
func (c *Call) ReadByte() (byte, error) {
	_, err := c.Read(c.header[:1])
	return c.header[0], err
}

// Discard skips what is left of the current message and returns how much that was.
func (c *Call) Discard() (int64, error) {
	if c.left == 0 {
		return 0, nil
	}
	return io.Copy(io.Discard, c)
}

// Message receives the next message, appended to buf, which grows only as bytes arrive. One longer than limit
// is refused.
func (c *Call) Message(buf []byte, limit int) ([]byte, error) {
	length, err := c.Next()
	if err != nil {
		return buf, err
	}
	return c.Rest(buf, length, limit)
}

// Rest receives the next length bytes of the current message, appended to buf.
func (c *Call) Rest(buf []byte, length, limit int) ([]byte, error) {
	if length > limit {
		return buf, Errorf(ResourceExhausted, "message of %d bytes is larger than the %d this call takes", length, limit)
	}
	if length > c.left {
		return buf, Errorf(InvalidArgument, "malformed message: a field is longer than what holds it")
	}
	const step = 64 << 10
	for length > 0 {
		n := min(length, step)
		if !c.memory.take(n) {
			c.release()
			return buf, Errorf(ResourceExhausted, "the calls under way have sent the %d bytes that are kept at once", MaxReceived)
		}
		c.taken.Add(int64(n))
		buf = slices.Grow(buf, n)
		part := buf[len(buf) : len(buf)+n]
		if _, err := io.ReadFull(c, part); err != nil {
			c.release() // the call may be over already, and what receives its messages a goroutine of its own
			return buf, err
		}
		buf = buf[:len(buf)+n]
		length -= n
	}
	return buf, nil
}

func (c *Call) release() { c.memory.release(int(c.taken.Swap(0))) }

// Stop ends the call's context and what it waits for, with an error.
func (c *Call) Stop(cause error) { c.stream.Stop(cause) }

// Request receives the only message of a call that takes one.
func (c *Call) Request(limit int) ([]byte, error) {
	request, err := c.Message(nil, limit)
	if errors.Is(err, io.EOF) {
		err = Errorf(InvalidArgument, "the call carries no message")
	}
	return request, err
}

// Begin returns buf emptied, with room for a message's prefix: what Send takes.
func Begin(buf []byte) []byte { return append(Reuse(buf), 0, 0, 0, 0, 0) }

// maxReused is the largest buffer that a call keeps for its next message, in bytes: a thousand calls may keep one.
const maxReused = 64 << 10

// Reuse returns buf emptied, or nil if it was made for a message too large to be kept for the next.
func Reuse(buf []byte) []byte {
	if cap(buf) > maxReused {
		return nil
	}
	return buf[:0]
}

// Send sends a message that was appended to the result of Begin. The bytes may be used again when it returns.
func (c *Call) Send(message []byte) error {
	size := len(message) - prefixLen
	if size > MaxMessage {
		return Errorf(ResourceExhausted, "response of %d bytes is larger than the %d a host accepts", size, MaxMessage)
	}
	message[0] = 0
	binary.BigEndian.PutUint32(message[1:], uint32(size))
	if err := c.sendHeaders(); err != nil {
		return err
	}
	_, err := c.stream.Write(message)
	return err
}

func (c *Call) sendHeaders() error {
	if c.headersSent {
		return nil
	}
	c.headersSent = true
	return c.stream.WriteHeaders(headers, false)
}
