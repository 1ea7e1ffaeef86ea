package h2

import (
	"errors"
	"io"
	"sync"
	"time"
)

const (
	// outboxLimit is where handlers wait for the writer. Two buffers of about this size are all that sending takes.
	outboxLimit = 256 << 10

	// controlLimit is where a peer that asks for replies (PING, SETTINGS) without reading them is cut off.
	controlLimit = outboxLimit + 1<<20

	// answerDelay is how long an answer to PING waits for others. grpc-go learns from its pings how large a window pays, and sends
	// the next with what comes in after an answer: answered at once, that is a ping for every small file.
	answerDelay = 20 * time.Millisecond
)

var errFlood = &connError{codeEnhanceYourCalm, "too many unread replies"}

// outbox is what is on its way to the peer. Frames are put into one buffer while the writer writes the other out, so
// that many small frames leave in one system call and the reading goroutine never waits for the peer to read.
// All of it is guarded by the connection's mutex.
type outbox struct {
	out     io.Writer
	pending []byte
	spare   []byte
	answers []byte    // to PING, that wait
	wake    sync.Cond // the writer: there is something to write, or the end
	changed sync.Cond // senders: space, a wider window, or the end
	window  int64     // what the peer lets the connection send
	initial int64     // what it lets a new stream send
}

func (o *outbox) init(mu *sync.Mutex, out io.Writer) {
	o.out = out
	o.wake.L, o.changed.L = mu, mu
	o.window, o.initial = initialWindow, initialWindow
}

func (c *Conn) writeLoop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for len(c.pending) == 0 && c.err == nil {
			c.wake.Wait()
		}
		if len(c.pending) == 0 {
			return
		}
		frames := c.pending
		c.pending = c.spare[:0]
		c.changed.Broadcast()
		c.mu.Unlock()
		_, err := c.out.Write(frames)
		c.mu.Lock()
		c.spare = frames
		if err != nil {
			c.pending = c.pending[:0]
			c.failLocked(err)
			return
		}
	}
}

// failLocked makes err the reason why nothing can be sent any more.
func (c *Conn) failLocked(err error) {
	if c.err == nil {
		c.err = err
	}
	c.wake.Signal()
	c.changed.Broadcast()
}

func (c *Conn) control(frame []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.controlLocked(frame)
}

// controlLocked sends a frame that takes no window and must not wait.
func (c *Conn) controlLocked(frame []byte) error {
	if len(c.pending)+len(frame) > controlLimit {
		return errFlood
	}
	c.pending = append(c.pending, frame...)
	c.wake.Signal()
	return nil
}

// answer answers a PING, a little later.
func (c *Conn) answer(payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pending)+len(c.answers) > controlLimit {
		return errFlood
	}
	if len(c.answers) == 0 {
		time.AfterFunc(answerDelay, c.sendAnswers)
	}
	c.answers = appendFrame(c.answers, frame{length: len(payload), typ: framePing, flags: flagAck})
	c.answers = append(c.answers, payload...)
	return nil
}

func (c *Conn) sendAnswers() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = append(c.pending, c.answers...)
	c.answers = c.answers[:0]
	c.wake.Signal()
}

var errWindow = &connError{codeFlowControl, "window above 2^31-1"}

// openWindowLocked widens the window of a stream, or with 0 of the connection.
func (c *Conn) openWindowLocked(id uint32, increment int64) error {
	window := &c.window
	if id != 0 {
		s := c.streams[id]
		if s == nil {
			return nil
		}
		window = &s.window
	}
	if *window += increment; *window > maxWindow {
		return errWindow
	}
	c.changed.Broadcast()
	return nil
}

// resizeWindowsLocked applies a new initial window to the streams there are: theirs may become negative.
func (c *Conn) resizeWindowsLocked(initial int64) error {
	delta := initial - c.initial
	c.initial = initial
	for _, s := range c.streams {
		if s.window += delta; s.window > maxWindow {
			return errWindow
		}
	}
	c.changed.Broadcast()
	return nil
}

var errFinished = errors.New("the stream has ended")
