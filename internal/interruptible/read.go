// Package interruptible reads what may keep its reader busy for long, or waiting for ever, and stops when it is told to: a file may be
// large, a pipe that nobody writes to cannot be opened, and a terminal that nobody types at cannot be read.
package interruptible

import (
	"context"
	"io"
)

// Read returns what open's reader holds, up to limit bytes of it. When ctx ends first, what blocks is left to itself until
// the program ends.
func Read(ctx context.Context, open func() (io.ReadCloser, error), limit int64) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		r, err := open()
		if err != nil {
			done <- result{nil, err}
			return
		}
		defer r.Close()
		data, err := io.ReadAll(io.LimitReader(r, limit))
		done <- result{data, err}
	}()
	select {
	case r := <-done:
		return r.data, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
