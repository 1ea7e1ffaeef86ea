package main

import (
	"bytes"
	"context"
	"os"
	"time"
)

// lastWrite is how long after ^C the standard output may take what is written, so that the end of a report is still seen.
const lastWrite = 250 * time.Millisecond

// stdout is the standard output, whose reader may have stopped reading: what waits for it ends with ctx.
type stdout struct{ ctx context.Context }

// Fd tells a terminal.
func (o stdout) Fd() uintptr { return os.Stdout.Fd() }

func (o stdout) Write(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	written := make(chan result, 1)
	own := bytes.Clone(p) // a write that is given up still reads it
	go func() {
		n, err := os.Stdout.Write(own)
		written <- result{n, err}
	}()
	select {
	case r := <-written:
		return r.n, r.err
	case <-o.ctx.Done():
	}
	select {
	case r := <-written:
		return r.n, r.err
	case <-time.After(lastWrite):
		return 0, context.Cause(o.ctx)
	}
}
