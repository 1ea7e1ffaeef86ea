package host

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// channel is the host's end of a plugin's standard input and output, or of its socket, as a connection.
type channel struct {
	in  half // the plugin's standard output
	out half // its standard input

	mu    sync.Mutex
	watch frames
	ended bool // whether the plugin has closed its output

	ending sync.Once
	close  sync.Once
}

// half is one direction of a channel. Closing that which is written to tells the plugin that its host is done.
type half interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

var errForeign = errors.New("the plugin wrote to its standard output what is not HTTP/2")

func (c *channel) Read(b []byte) (int, error) {
	n, err := c.in.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = c.ended || err != nil
	if !c.watch.look(b[:n]) {
		return 0, errForeign // or gRPC would wait for the rest of the frame that it takes it for
	}
	return n, err
}

// foreign returns what came from the plugin that is not HTTP/2; "" if there was nothing of the kind.
func (c *channel) foreign() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watch.text()
}

// broken tells whether nothing will come from the plugin any more.
func (c *channel) broken() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

func (c *channel) Write(b []byte) (int, error) { return c.out.Write(b) }

func (c *channel) LocalAddr() net.Addr  { return &net.UnixAddr{Name: "plugin", Net: "unix"} }
func (c *channel) RemoteAddr() net.Addr { return c.LocalAddr() }

func (c *channel) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
func (c *channel) SetReadDeadline(t time.Time) error  { return c.in.SetReadDeadline(t) }
func (c *channel) SetWriteDeadline(t time.Time) error { return c.out.SetWriteDeadline(t) }

func (c *channel) endInput() { c.ending.Do(func() { c.out.Close() }) }

func (c *channel) Close() error {
	c.endInput()
	c.close.Do(func() { c.in.Close() })
	return nil
}
