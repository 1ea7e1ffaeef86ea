package main

import (
	"errors"
	"net"
	"path/filepath"
	"time"

	"github.com/PlakarKorp/plakar/appcontext"
	"github.com/PlakarKorp/plakar/subcommands/cached"
)

// serveState runs the service that keeps the state of stores, in this process: the client would leave it running as a
// daemon if it found none.
func serveState(ctx *appcontext.AppContext) error {
	service := &cached.Cached{}
	if err := service.Parse(ctx, []string{"-foreground", "-teardown", "1h"}); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		_, err := service.Execute(appcontext.NewAppContextFrom(ctx), nil)
		ended <- err
	}()

	// The service has no way to say that it listens.
	socket := filepath.Join(ctx.CacheDir, "cached.sock")
	for {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			return conn.Close()
		}
		select {
		case err := <-ended:
			return errors.Join(errors.New("the state service ended at once"), err)
		case <-time.After(time.Millisecond):
		}
	}
}
