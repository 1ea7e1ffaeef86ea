package account

import (
	"net"
	"sync/atomic"
	"time"
)

// silence is how long a server may send and accept nothing during an exchange before its connection counts as dead.
const silence = 2 * time.Minute

// socket is a TCP connection that fails when its peer falls silent during an exchange, and that may lie idle for any
// time. The deadlines of the IMAP library do not fit: they bound messages, whatever their size and whoever
// is slow, and leave the wait for an answer unbounded.
type socket struct {
	net.Conn
	busy atomic.Bool
}

// setBusy begins or ends an exchange.
func (s *socket) setBusy(busy bool) error {
	s.busy.Store(busy)
	if busy {
		return s.Conn.SetReadDeadline(time.Now().Add(silence))
	}
	return s.Conn.SetReadDeadline(time.Time{})
}

func (s *socket) Read(p []byte) (int, error) {
	if s.busy.Load() {
		if err := s.Conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
			return 0, err
		}
	}
	return s.Conn.Read(p)
}

func (s *socket) Write(p []byte) (int, error) {
	// The server has no reason to speak while it is spoken to, so writing keeps the other direction alive too.
	if err := s.Conn.SetDeadline(time.Now().Add(silence)); err != nil {
		return 0, err
	}
	return s.Conn.Write(p)
}

// The library's deadlines.
func (s *socket) SetDeadline(time.Time) error      { return nil }
func (s *socket) SetReadDeadline(time.Time) error  { return nil }
func (s *socket) SetWriteDeadline(time.Time) error { return nil }
