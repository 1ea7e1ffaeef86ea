package sdk

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/PlakarKorp/kpkg/sdk/internal/rpc"
	"github.com/PlakarKorp/kpkg/sdk/secrets"
)

var errNothingConstructed = errors.New("the constructor returned neither a connector nor an error")

// guard stands between the runtime and a connector's code: it turns panics into errors, and cuts secrets out of what
// comes out of there.
type guard struct {
	stderr  io.Writer
	secrets secrets.Set
}

// run calls into the connector. A panic becomes an error that names what was called, its stack goes to standard error.
func (g *guard) run(what string, call func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			g.logf("%s panicked: %v\n%s", what, value, debug.Stack())
			err = g.clean(rpc.Errorf(rpc.Internal, "%s panicked: %v", what, value))
		}
	}()
	return g.clean(call())
}

// start is run in a goroutine of its own, which the connector may even end (runtime.Goexit). The channel gets the error
// and is closed.
func (g *guard) start(what string, call func() error) <-chan error {
	done := make(chan error, 1)
	go func() {
		err := rpc.Errorf(rpc.Internal, "%s ended its goroutine instead of returning", what)
		defer func() {
			done <- err
			close(done)
		}()
		err = g.run(what, call)
	}()
	return done
}

// discard closes what the connector gave and nobody needs any more. Nobody can be told if that fails.
func (g *guard) discard(c io.Closer) {
	g.run("Close", c.Close)
}

// logf writes one message to standard error.
func (g *guard) logf(format string, args ...any) {
	fmt.Fprintln(g.stderr, g.secrets.Cut(fmt.Sprintf(format, args...)))
}

// clean cuts the secrets out of an error's text. What the error is stays.
func (g *guard) clean(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if clean := g.secrets.Cut(text); clean != text {
		return &cleaned{clean, err}
	}
	return err
}

type cleaned struct {
	text string
	err  error
}

func (c *cleaned) Error() string { return c.text }
func (c *cleaned) Unwrap() error { return c.err }
