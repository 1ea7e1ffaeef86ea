package connector

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// TestReadAhead reads contents of lengths around those of the blocks, to their end or to where they break off, or not to the end.
func TestReadAhead(t *testing.T) {
	broken := errors.New("the line was cut")
	for _, length := range []int{0, 1, packet, maxBlock - 1, maxBlock, maxBlock + 1, 3*maxBlock + 7} {
		content := make([]byte, length)
		rand.Read(content)
		for _, want := range []error{nil, broken, io.ErrUnexpectedEOF} {
			source := io.Reader(iotest.HalfReader(bytes.NewReader(content)))
			if want != nil {
				source = io.MultiReader(source, iotest.ErrReader(want))
			}
			closed := 0
			r := readAhead(source, closer(func() error { closed++; return nil }), int64(length))
			got, err := io.ReadAll(r)
			if !errors.Is(err, want) || !bytes.Equal(got, content) {
				t.Errorf("%d bytes: got %d, %v, want %v", length, len(got), err, want)
			}
			if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil {
				t.Errorf("%d bytes: %d more, %v", length, n, err)
			}
			if err := errors.Join(r.Close(), r.Close()); err != nil || closed != 1 {
				t.Errorf("closed %d times: %v", closed, err)
			}
		}
		r := readAhead(bytes.NewReader(content), closer(func() error { return nil }), int64(length))
		if _, err := io.CopyN(io.Discard, r, int64(length/2)); err != nil {
			t.Error(err)
		}
		r.Close()
	}
}

type closer func() error

func (c closer) Close() error { return c() }
