package rig

import (
	"net"
	"sync"
)

// Breaker is a line to a server that breaks once: when so many bytes have come from the server, on all connections together, all of
// these are cut. What comes from a server that is written to are its answers, so that is spread over a run as what is done in it is.
type Breaker struct {
	Address string // host:port

	listener net.Listener
	dies     bool
	running  sync.WaitGroup

	mu     sync.Mutex
	after  int64
	passed int64
	broken bool
	open   map[net.Conn]bool
}

// StartBreaker passes connections on to address until so many bytes have come from there, for ever if after is 0. From then on it
// passes new connections on as if nothing had been or, if the server dies, takes none.
func StartBreaker(address string, after int64, dies bool) (*Breaker, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &Breaker{Address: listener.Addr().String(), listener: listener, dies: dies, after: after, open: map[net.Conn]bool{}}
	b.running.Go(func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			b.running.Go(func() { b.pass(in, address) })
		}
	})
	return b, nil
}

func (b *Breaker) pass(in net.Conn, address string) {
	out, err := net.Dial("tcp", address)
	if err != nil {
		in.Close()
		return
	}
	b.mu.Lock()
	b.open[in], b.open[out] = true, true
	b.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { b.copy(out, in, false) })
	both.Go(func() { b.copy(in, out, true) })
	both.Wait()
	b.mu.Lock()
	delete(b.open, in)
	delete(b.open, out)
	b.mu.Unlock()
}

// copy copies until an end closes, and then closes both.
func (b *Breaker) copy(to, from net.Conn, answers bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		breaks := false
		if answers {
			n, breaks = b.count(n)
		}
		_, writeErr := to.Write(buffer[:n])
		if breaks {
			b.cut()
		}
		if err != nil || writeErr != nil {
			return
		}
	}
}

// count tells how many of n bytes still pass, and whether the line breaks after them.
func (b *Breaker) count(n int) (pass int, breaks bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.after > 0 && !b.broken && b.passed+int64(n) >= b.after {
		n, b.broken, breaks = int(b.after-b.passed), true, true
	}
	b.passed += int64(n)
	return n, breaks
}

func (b *Breaker) cut() {
	if b.dies {
		b.listener.Close()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for conn := range b.open {
		conn.Close()
	}
}

// Passed is how many bytes have come from the server.
func (b *Breaker) Passed() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.passed
}

// Broken tells whether the line has broken.
func (b *Breaker) Broken() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.broken
}

// Close waits for the connections to end.
func (b *Breaker) Close() {
	b.listener.Close() // which it may be already
	b.running.Wait()
}
