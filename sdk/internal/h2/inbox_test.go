package h2

import (
	"errors"
	"io"
	"testing"
)

// TestInboxEnd keeps what has arrived before the proper end of a request for its reader, and drops it before any other end.
func TestInboxEnd(t *testing.T) {
	for _, test := range []struct {
		err     error
		dropped int
		left    int
	}{{io.EOF, 0, 3}, {errors.New("reset"), 3, 0}} {
		b := new(inbox)
		b.data.WriteString("abc")
		if got := b.end(test.err); got != test.dropped {
			t.Errorf("at %v %d bytes are dropped, not %d", test.err, got, test.dropped)
		}
		if b.data.Len() != test.left || !errors.Is(b.err, test.err) {
			t.Errorf("at %v %d bytes are left, and the end is %v", test.err, b.data.Len(), b.err)
		}
	}
}
