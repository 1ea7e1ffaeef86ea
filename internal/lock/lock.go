// Package lock tells the runs of kpkg apart: a file that is there is locked by one at a time, until it ends, however it does.
package lock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrHeld says that another run holds the lock.
var ErrHeld = errors.New("another run holds the lock")

// Hold makes the file at path, if it is not there, and holds its lock until the file is closed or the process ends. The error
// of a lock that another process holds wraps ErrHeld; where the file system knows no locks there is neither a file nor an error.
func Hold(path string) (*os.File, error) {
	made, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	made.Close()
	file, err := Try(path)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil, nil
	}
	return file, err
}

// Wait is Hold that waits as long as another process holds the lock, until ctx ends.
func Wait(ctx context.Context, path string) (*os.File, error) {
	for {
		file, err := Hold(path)
		if !errors.Is(err, ErrHeld) {
			return file, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for another run: %w", context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
