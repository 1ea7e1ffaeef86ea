//go:build unix

package socket

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// late has ended, and has told nobody yet.
type late struct{ context.Context }

func (late) Err() error { return context.Canceled }

// TestAcceptAtTheEnd holds that a connection which comes as ctx ends is closed, so that who made it does not wait for an answer.
func TestAcceptAtTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	accepted := make(chan error, 1)
	go func() {
		connection, err := Accept(late{context.Background()}, Scheme+path)
		if connection != nil {
			err = errors.Join(err, errors.New("there is a connection"), connection.Close())
		}
		accepted <- err
	}()
	var connection net.Conn
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		var err error
		if connection, err = net.Dial("unix", path); err == nil {
			break
		}
		if time.Since(start) > time.Minute {
			t.Fatal(err)
		}
	}
	defer connection.Close()
	if err := <-accepted; !errors.Is(err, context.Canceled) {
		t.Errorf("Accept: %v", err)
	}
	connection.SetReadDeadline(time.Now().Add(time.Minute))
	if n, err := connection.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("the connection gives %d bytes, %v", n, err)
	}
}
