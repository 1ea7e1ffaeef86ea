//go:build unix

package socket

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// Accept makes the socket that address names, readable and writable by all, since the host is another user outside of the
// container, and returns the first connection to it. The socket is gone then, as it is when ctx ends, which is the error.
func Accept(ctx context.Context, address string) (*os.File, error) {
	path, known := strings.CutPrefix(address, Scheme)
	if !known || path == "" {
		return nil, fmt.Errorf("%s is %q: only %sPATH is known", Variable, address, Scheme)
	}
	listener, err := listen(path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s, which %s names: %w", path, Variable, err)
	}
	defer os.Remove(path)
	defer listener.Close()
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	connection, err := accept(listener)
	if ctx.Err() != nil {
		if err == nil { // it came at the same time
			connection.Close()
		}
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("wait for a connection to %s: %w", path, err)
	}
	return connection, nil
}

// listen makes the socket. Who tries to connect to it earlier than that is possible is refused, and tries again.
func listen(path string) (*os.File, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	err = errors.Join(os.Chmod(path, 0o666), syscall.Listen(fd, 1), syscall.SetNonblock(fd, true))
	if err != nil {
		syscall.Close(fd)
		os.Remove(path)
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil // which waits by the runtime's poller, since it does not block
}

func accept(listener *os.File) (*os.File, error) {
	raw, err := listener.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	var acceptErr error
	err = raw.Read(func(socket uintptr) bool {
		for {
			fd, _, acceptErr = syscall.Accept(int(socket))
			if acceptErr != syscall.EINTR && acceptErr != syscall.ECONNABORTED {
				return acceptErr != syscall.EAGAIN
			}
		}
	})
	if err = errors.Join(err, acceptErr); err != nil {
		return nil, err
	}
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "host"), nil
}
