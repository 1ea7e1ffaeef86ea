package interruptible

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestRead(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		open func() (io.ReadCloser, error)
		want string
		err  error
	}{
		"all":     {func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("abc")), nil }, "abc", nil},
		"limit":   {func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("abcdef")), nil }, "abcd", nil},
		"no file": {func() (io.ReadCloser, error) { return nil, broken }, "", broken},
	} {
		data, err := Read(t.Context(), test.open, 4)
		if string(data) != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	silent, typist := io.Pipe()
	defer typist.Close()
	for name, open := range map[string]func() (io.ReadCloser, error){
		"nobody opens":  func() (io.ReadCloser, error) { select {} },
		"nobody writes": func() (io.ReadCloser, error) { return silent, nil },
	} {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, broken)
		defer cancel()
		if _, err := Read(ctx, open, 4); err != broken {
			t.Errorf("%s: %v, want the reason of the end", name, err)
		}
	}
}

// TestReader copies until its context ends, in the midst of what there is to read.
func TestReader(t *testing.T) {
	broken := errors.New("broken")
	ctx, cancel := context.WithCancelCause(t.Context())
	reads := 0
	endless := readerFunc(func(b []byte) (int, error) {
		if reads++; reads == 3 {
			cancel(broken)
		}
		return len(b), nil
	})
	n, err := io.Copy(io.Discard, Reader(ctx, endless))
	if err != broken || reads != 3 || n == 0 {
		t.Errorf("%d reads, %d bytes, %v", reads, n, err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
