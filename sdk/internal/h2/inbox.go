package h2

import (
	"bytes"
	"io"
	"sync"
)

// inbox holds what has arrived of a request and was not read yet: at most a window.
type inbox struct {
	mu      sync.Mutex
	arrived sync.Cond
	data    bytes.Buffer
	window  int   // what the peer may still send
	taken   int   // what was read and not yet given back to the window
	err     error // io.EOF, or why no more comes
}

func (b *inbox) init() {
	b.arrived.L = &b.mu
	b.window = streamWindow
}

// put adds the payload of a DATA frame whose length, padding included, was taken from the window.
func (b *inbox) put(data []byte, length int, end bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return nil // the stream is over, or this is what follows its end
	}
	if b.window -= length; b.window < 0 {
		return &ConnError{FlowControlError, "more data than the stream's window"}
	}
	b.taken += length - len(data)
	b.data.Write(data)
	if end {
		b.err = io.EOF
	}
	b.arrived.Signal()
	return nil
}

// end makes err what follows the data that arrived: for anything but the request's proper end that data is dropped.
func (b *inbox) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != io.EOF {
		b.data = bytes.Buffer{}
	} else if b.err != nil {
		return
	}
	b.err = err
	b.arrived.Signal()
}

// ended reports whether the peer has sent all of the request.
func (b *inbox) ended() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err != nil
}

// read waits for data. credit is how much the window is to be widened by, 0 for not yet.
func (b *inbox) read(p []byte) (n, credit int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.data.Len() == 0 && b.err == nil {
		b.arrived.Wait()
	}
	if b.data.Len() == 0 {
		return 0, 0, b.err
	}
	n, _ = b.data.Read(p)
	b.taken += n
	if b.err == nil && b.taken >= streamWindow/2 {
		credit, b.taken = b.taken, 0
		b.window += credit
	}
	return n, credit, nil
}
