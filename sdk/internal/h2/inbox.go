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

// put adds the payload of a DATA frame whose length, padding included, was taken from the window. It returns how much of
// that length it did not keep.
func (b *inbox) put(data []byte, length int, end bool) (dropped int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return length, nil // the stream is over, or this is what follows its end
	}
	if b.window -= length; b.window < 0 {
		return 0, &connError{codeFlowControl, "more data than the stream's window"}
	}
	dropped = length - len(data)
	b.taken += dropped
	b.data.Write(data)
	if end {
		b.err = io.EOF
	}
	b.arrived.Signal()
	return dropped, nil
}

// end makes err what follows the data that arrived: for anything but the request's proper end that data is dropped.
// It returns how much that was.
func (b *inbox) end(err error) (dropped int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != io.EOF {
		dropped = b.data.Len()
		b.data = bytes.Buffer{}
	} else if b.err != nil {
		return 0
	}
	b.err = err
	b.arrived.Signal()
	return dropped
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
