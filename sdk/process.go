package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/PlakarKorp/kpkg/sdk/internal/h2"
	"github.com/PlakarKorp/kpkg/sdk/internal/rpc"
	"github.com/PlakarKorp/kpkg/sdk/internal/socket"
	"github.com/PlakarKorp/kpkg/sdk/internal/stdio"
)

const (
	// ending and closing bound what happens between the host's end or a signal, and the process's: together they
	// are below the 2 seconds after which a plugin that outlives its host is a nuisance.
	ending  = 500 * time.Millisecond
	closing = 1000 * time.Millisecond
)

const (
	exitFailure = 1
	exitUsage   = 2
	exitSignal  = 128 // plus the signal's number
)

// service serves the calls of one kind of connector.
type service interface {
	methods() rpc.Server
	close(context.Context) error
}

// run serves a connector to the host that started this process, and ends the process.
func run(kind string, newService func(*guard) service) {
	ctx, stop := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	// SIGPIPE is asked for, and ignored, so that printing after the host's death does not kill before Close has run.
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	code := 0
	go func() {
		for received := range signals {
			if number, ok := received.(syscall.Signal); ok && number != syscall.SIGPIPE {
				code = exitSignal + int(number)
				stop(rpc.Errorf(rpc.Unavailable, "the integration was stopped by a signal: %s", received))
				return
			}
		}
	}()
	in, out, err := channel(ctx)
	if errors.Is(err, stdio.ErrByHand) {
		explain(kind)
		os.Exit(exitUsage)
	}
	if ctx.Err() != nil { // nobody has come, and nothing is to be closed
		os.Exit(code)
	}
	if err != nil {
		fatal(err)
	}
	err = serve(ctx, newService(&guard{stderr: os.Stderr}), in, out)
	if ctx.Err() != nil {
		os.Exit(code)
	}
	if errors.Is(err, h2.ErrNotHTTP2) {
		explain(kind)
		os.Exit(exitUsage)
	}
	// A host that is killed leaves one of these: within a frame, or with what it has not read of a socket.
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.ECONNRESET) {
		fatal(err)
	}
	os.Exit(0)
}

// channel is where the host is: at the socket that it asks for, once it has connected, or else at standard input and output.
func channel(ctx context.Context) (in, out *os.File, err error) {
	if address := os.Getenv(socket.Variable); address != "" {
		connection, err := socket.Accept(ctx, address)
		return connection, connection, err
	}
	return stdio.Claim()
}

// serve serves a host until it closes its end or ctx does. Whatever happens, the connector was closed when it returns,
// unless its Close takes too long.
func serve(ctx context.Context, s service, in io.Reader, out io.Writer) error {
	conn := h2.NewConn(ctx, in, out, s.methods().Handler())
	ended := make(chan error, 1)
	go func() { ended <- conn.Run() }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	limit, cancel := context.WithTimeout(context.Background(), ending)
	defer cancel()
	conn.Wait(limit, func(headersSent bool) []byte { return rpc.Failure(errStuck(err), headersSent) })

	within, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- s.close(within) }()
	select {
	case <-closed: // nobody is left to be told
	case <-within.Done():
	}
	conn.Flush(within)
	return err
}

// errStuck is the status of a call whose method does not return.
func errStuck(cause error) error {
	return rpc.Errorf(rpc.Unavailable, "%v, and the call did not end within %v", cause, ending)
}

func fatal(err error) {
	fmt.Fprintf(os.Stderr, "%s: cannot serve plakar: %v\n", filepath.Base(os.Args[0]), err)
	os.Exit(exitFailure)
}

// explain is for whoever starts a plugin by hand.
func explain(kind string) {
	fmt.Fprintf(os.Stderr, `%s is a plugin for plakar: %s.

plakar starts it and speaks to it over its standard input and output; there is nothing to do with it by hand.
To use it, install the package it came in with "plakar pkg add PACKAGE.ptar" and name its protocol in a location.
`, filepath.Base(os.Args[0]), kind)
}
