package image

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestInterruptedMaking ends the making of an image in the midst of one large file.
func TestInterruptedMaking(t *testing.T) {
	main := program(t, "amd64")
	large := filepath.Join(t.TempDir(), "large")
	if err := errors.Join(os.WriteFile(large, nil, 0o600), os.Truncate(large, 1<<40)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const enough = 1 << 20
	opened, late := 0, make(chan int64, 1)
	file := File{Name: "large", Open: func() (*os.File, error) {
		if opened++; opened == 1 { // its size is asked for
			return os.Open(large)
		}
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		go func() {
			defer w.Close()
			block, written := make([]byte, 1<<16), int64(0)
			for written < 1<<30 {
				n, err := w.Write(block)
				if written += int64(n); err != nil {
					break
				}
				if written >= enough {
					cancel()
				}
			}
			late <- written - enough
		}()
		return r, nil
	}}
	_, err := New(ctx, Options{
		Platform: amd64, Executable: "main", Files: []File{onDisk("main", main, true), file}, Time: time.Unix(1e9, 0),
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if n := <-late; n > 1<<28 {
		t.Errorf("%d bytes were read after the end", n)
	}
}

// TestInterruptedWriting ends the writing of an image in the midst of its layer.
func TestInterruptedWriting(t *testing.T) {
	main := program(t, "amd64")
	large := filepath.Join(t.TempDir(), "large")
	content := make([]byte, 2<<20)
	rand.Read(content) // what does not get smaller
	if err := os.WriteFile(large, content, 0o600); err != nil {
		t.Fatal(err)
	}
	i, err := New(t.Context(), Options{
		Platform: amd64, Executable: "main", Files: []File{onDisk("main", main, true), onDisk("large", large, false)}, Time: time.Unix(1e9, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	written := 0
	err = Write(ctx, writerFunc(func(b []byte) (int, error) {
		if written += len(b); written > 1<<18 {
			cancel()
		}
		return len(b), nil
	}), "", i)
	if !errors.Is(err, context.Canceled) || written > 1<<20 {
		t.Errorf("%v; %d bytes were written", err, written)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
