package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gconn "github.com/PlakarKorp/integration-grpc"
	gimporter "github.com/PlakarKorp/integration-grpc/importer"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/location"
)

// TestBacklog adds a message for one call beside what two calls have waiting.
func TestBacklog(t *testing.T) {
	for _, test := range []struct {
		mine, others, size int
		fits               bool
	}{
		{0, 0, 1, true},
		{0, 0, 2 * maxBacklog, true}, // alone
		{0, 1, 2 * maxBacklog, false},
		{1, 0, maxBacklog, false},
		{1, 0, maxBacklog - 1, true},
		{0, maxBacklog, minShare, true},
		{0, maxBacklog, minShare + 1, false},
		{1, maxBacklog, minShare, false},
		{0, maxBacklog - minShare - 1, minShare + 1, true},
	} {
		b := newBacklog()
		mine, others := &share{backlog: b}, &share{backlog: b}
		mine.grow(test.mine)
		others.grow(test.others)
		if got := mine.tryAdd(test.size); got != test.fits {
			t.Errorf("%d bytes beside %d of the call's and %d of others: %v", test.size, test.mine, test.others, got)
		}
		if want := test.mine + test.others; test.fits && b.bytes != want+test.size || !test.fits && b.bytes != want {
			t.Errorf("%d bytes beside %d make %d", test.size, want, b.bytes)
		}
	}
}

// TestBacklogWaits frees the backlog in all ways there are while a call waits for it.
func TestBacklogWaits(t *testing.T) {
	cause := errors.New("cancelled")
	for name, test := range map[string]struct {
		free func(mine, others *share, cancel func(error))
		err  error
		left int // of what the two calls have waiting
	}{
		"taken":            {func(_, others *share, _ func(error)) { others.grow(-maxBacklog / 2) }, nil, maxBacklog},
		"the other's end":  {func(_, others *share, _ func(error)) { others.end() }, nil, maxBacklog / 2},
		"its own end":      {func(mine, _ *share, _ func(error)) { mine.end() }, nil, maxBacklog},
		"the call's end":   {func(_, _ *share, cancel func(error)) { cancel(cause) }, cause, maxBacklog},
		"not enough taken": {nil, cause, maxBacklog - 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBacklog()
				mine, others := &share{backlog: b}, &share{backlog: b}
				others.grow(maxBacklog)
				ctx, cancel := context.WithCancelCause(t.Context())
				added := make(chan error, 1)
				go func() { added <- mine.add(ctx, maxBacklog/2) }()
				synctest.Wait()
				if len(added) != 0 {
					t.Error("it did not wait")
				}
				if test.free == nil {
					others.grow(-1)
					synctest.Wait()
					if len(added) != 0 {
						t.Error("it did not wait on")
					}
					cancel(cause)
				} else {
					test.free(mine, others, cancel)
				}
				if err := <-added; !errors.Is(err, test.err) {
					t.Errorf("it returned %v", err)
				}
				if b.bytes != test.left {
					t.Errorf("%d bytes wait, want %d", b.bytes, test.left)
				}
			})
		})
	}
}

// TestUntaken imports with acknowledgements that nobody takes: without an end to that, host and importer would wait for
// each other. Whoever has taken one is only slow, for longer than that.
func TestUntaken(t *testing.T) {
	const entries = 400
	path := "/" + strings.Repeat("x", 64<<10) // more than fits the windows
	for name, test := range map[string]struct {
		takesOne bool
		failure  string
	}{
		"none": {false, "takes no acknowledgements"},
		"one":  {true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &source{flags: location.FLAG_NEEDACK}
				s.importFn = func(ctx context.Context, records chan<- *connectors.Record, results <-chan *connectors.Result) error {
					defer close(records)
					if test.takesOne {
						go func() {
							<-results
							time.Sleep(time.Hour)
							for range results {
							}
						}()
					}
					for i := range entries {
						select {
						case records <- file(fmt.Sprint(path, i), ""):
						case <-ctx.Done():
							return ctx.Err()
						}
					}
					return nil
				}
				began := time.Now()
				hostConn, pluginConn := net.Pipe()
				served := make(chan error)
				go func() {
					served <- serve(context.Background(), s.service()(&guard{stderr: io.Discard}), pluginConn, pluginConn)
				}()
				p := &plugin{ClientConn: connect(t, hostConn)}
				p.importer(t, "test", nil)
				imports, err := gimporter.NewImporterClient(p).Import(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for {
					var response *gimporter.ImportResponse
					if response, err = imports.Recv(); err != nil || response.GetFinished() {
						break
					}
					imports.Send(&gimporter.ImportRequest{Result: &gconn.Result{
						Header: response.GetRecord(), Error: strings.Repeat("x", maxBacklog/100),
					}})
				}
				wantError(t, "Import", err, test.failure)
				if waited := time.Since(began); test.takesOne && waited < time.Hour || waited < untaken {
					t.Errorf("nobody waited for longer than %v", waited)
				}
				imports.CloseSend()
				p.ClientConn.Close()
				hostConn.Close()
				if err := <-served; err != nil {
					t.Error(err)
				}
				time.Sleep(time.Minute) // what still waits ends
			})
		})
	}
}
