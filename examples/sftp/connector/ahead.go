package connector

import (
	"io"
	"os"
	"sync"
)

const (
	// packet is how much one request asks for, in bytes: what is shorter needs no others.
	packet = 32 << 10
	// maxBlock is how much is asked for at once, in bytes, in requests that wait for each other's answers no longer than for one.
	maxBlock = 512 << 10
)

// ahead reads a file while what it has read before is used, for a line is idle while nobody asks for more.
type ahead struct {
	blocks chan []byte // that were read, in order; closed after the last
	unused chan []byte // whole, or nil where one can be made
	block  []byte      // that is used, and what of it is left
	rest   []byte
	err    error // after the last block; read when blocks is closed

	ended chan struct{} // when it is closed
	close func() error
}

// readAhead reads size bytes or so, in blocks of which two are there at a time.
func readAhead(r io.Reader, file io.Closer, size int64) io.ReadCloser {
	a := &ahead{blocks: make(chan []byte, 1), unused: make(chan []byte, 2), ended: make(chan struct{})}
	a.unused <- nil
	a.unused <- nil
	a.close = sync.OnceValue(func() error {
		close(a.ended)
		return file.Close()
	})
	go a.read(r, int(min(size+1, maxBlock))) // one more, to see the end
	return a
}

func (a *ahead) read(r io.Reader, size int) {
	defer close(a.blocks)
	for a.err == nil {
		var block []byte
		select {
		case block = <-a.unused:
		case <-a.ended:
			a.err = os.ErrClosed
			return
		}
		if block == nil {
			block = make([]byte, size)
		}
		n := 0
		for n < len(block) && a.err == nil {
			var read int
			read, a.err = r.Read(block[n:])
			n += read
		}
		select {
		case a.blocks <- block[:n]:
		case <-a.ended:
			a.err = os.ErrClosed
		}
	}
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.block != nil {
			a.unused <- a.block[:cap(a.block)]
		}
		var more bool
		if a.block, more = <-a.blocks; !more {
			a.block = nil
			return 0, a.err
		}
		a.rest = a.block
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// Close ends the reading too.
func (a *ahead) Close() error { return a.close() }
