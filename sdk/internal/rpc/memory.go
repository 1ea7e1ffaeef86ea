package rpc

import "sync/atomic"

// MaxReceived is how many bytes the messages of all calls of a connection may take together, from their arrival until their
// call has moved on. Hosts send a few KiB, configurations of several MiB do occur, so this is far above what they need.
// With what package h2 buffers (32 MiB) it is what keeps a host that starts 1,024 calls at once and feeds them all from
// using up the machine: a message beyond it is refused.
const MaxReceived = 32 << 20

// memory counts what the calls of a connection have received.
type memory struct{ used atomic.Int64 }

// take reports whether there is space for so many bytes more.
func (m *memory) take(n int) bool {
	if m.used.Add(int64(n)) > MaxReceived {
		m.release(n)
		return false
	}
	return true
}

func (m *memory) release(n int) { m.used.Add(int64(-n)) }
