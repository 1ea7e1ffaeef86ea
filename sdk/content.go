package sdk

import (
	"io"
	"sync"
)

// readAhead is how much of the files to come is buffered for an exporter, in bytes. The host sends one file after the other;
// without reading ahead an exporter could never write two at a time.
const readAhead = 16 << 20

// blockSize is the size of the buffered pieces.
const blockSize = 64 << 10

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// ahead is what all contents of an export share.
type ahead struct {
	mu      sync.Mutex
	changed sync.Cond
	bytes   int
}

func newAhead() *ahead {
	a := &ahead{}
	a.changed.L = &a.mu
	return a
}

// content is the content of one file while it arrives: the Reader of an exporter's record.
type content struct {
	*ahead
	blocks [][]byte
	offset int   // in the first block
	err    error // after the blocks: io.EOF, or why there is no more
	closed bool
}

// Read waits for content. It returns io.EOF only after all of the file: if the host breaks off, the error is
// another one.
func (c *content) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.blocks) == 0 && c.err == nil && !c.closed {
		c.changed.Wait()
	}
	switch {
	case c.closed:
		return 0, io.ErrClosedPipe
	case len(c.blocks) == 0:
		return 0, c.err
	}
	n := copy(p, c.blocks[0][c.offset:])
	if c.offset += n; c.offset == len(c.blocks[0]) {
		c.freeLocked(1)
	}
	return n, nil
}

// Close drops what was not read, and may be called any number of times.
func (c *content) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.freeLocked(len(c.blocks))
	c.changed.Broadcast()
	return nil
}

// freeLocked gives back the first blocks.
func (c *content) freeLocked(count int) {
	for i, block := range c.blocks[:count] {
		c.bytes -= cap(block)
		freeBlock(block)
		c.blocks[i] = nil
	}
	c.blocks = c.blocks[count:]
	c.offset = 0
	c.changed.Broadcast()
}

// push adds a block, waiting for space. A content of which nothing is buffered always has space for one block: its reader may
// be the one that everything waits for. It reports whether anybody wants more.
func (c *content) push(block []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closed && len(c.blocks) > 0 && c.bytes+cap(block) > readAhead {
		c.changed.Wait()
	}
	if c.closed {
		freeBlock(block)
		return false
	}
	c.blocks = append(c.blocks, block)
	c.bytes += cap(block)
	c.changed.Broadcast()
	return true
}

// end says what follows the blocks.
func (c *content) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	c.changed.Broadcast()
}

// newBlock returns a block for size bytes, or for the first of them.
func newBlock(size int) []byte {
	if size < blockSize {
		return make([]byte, size)
	}
	return blocks.Get().(*[blockSize]byte)[:]
}

func freeBlock(block []byte) {
	if cap(block) == blockSize {
		blocks.Put((*[blockSize]byte)(block[:blockSize]))
	}
}
