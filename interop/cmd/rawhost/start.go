package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// start starts a plugin as plakar does, and connects to it; end ends it and waits for it.
func start(ctx context.Context, executable string) (plugin *grpc.ClientConn, end func() error, err error) {
	cmd := exec.CommandContext(ctx, executable)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	plugin, err = grpc.NewClient("passthrough:///plugin",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return pipes{out, in}, nil }))
	if err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return nil, nil, err
	}
	return plugin, func() error {
		plugin.Close()
		// What a plugin exits with once its host has left is its own affair; upstream's SDK has no rule for it.
		if err := cmd.Wait(); cmd.ProcessState == nil {
			return fmt.Errorf("wait for %s: %w", executable, err)
		}
		return nil
	}, nil
}

// pipes is the connection to a plugin: its standard output and input. Neither side of gRPC needs deadlines on it.
type pipes struct {
	io.Reader
	io.WriteCloser
}

func (pipes) LocalAddr() net.Addr              { return &net.UnixAddr{Name: "plugin", Net: "unix"} }
func (p pipes) RemoteAddr() net.Addr           { return p.LocalAddr() }
func (pipes) SetDeadline(time.Time) error      { return nil }
func (pipes) SetReadDeadline(time.Time) error  { return nil }
func (pipes) SetWriteDeadline(time.Time) error { return nil }
