package rig

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// Cutter is a bad line to a server: it cuts each connection after so many bytes from the server.
type Cutter struct {
	Address string // host:port
	Cuts    atomic.Int64

	listener net.Listener
	running  sync.WaitGroup
}

// StartCutter passes connections on to address, and limit bytes back on each.
func StartCutter(address string, limit int64) (*Cutter, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &Cutter{Address: listener.Addr().String(), listener: listener}
	c.running.Go(func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			c.running.Go(func() { c.pass(in, address, limit) })
		}
	})
	return c, nil
}

func (c *Cutter) pass(in net.Conn, address string, limit int64) {
	defer in.Close()
	out, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer out.Close()
	c.running.Go(func() {
		_, _ = io.Copy(out, in) // either end closes it
		out.Close()
	})
	if n, _ := io.Copy(in, io.LimitReader(out, limit)); n == limit {
		c.Cuts.Add(1)
	}
}

// Close waits for the connections to end.
func (c *Cutter) Close() error {
	err := c.listener.Close()
	c.running.Wait()
	return err
}
