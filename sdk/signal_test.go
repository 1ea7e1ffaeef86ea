package sdk

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
)

// busy is an importer with a call of every kind under way, none of which ends by itself.
func busy(context.Context, *connectors.Options, string, map[string]string) (Importer, error) {
	return &source{
		ping: func(context.Context) error { os.Stdout.WriteString("pinged\n"); time.Sleep(time.Hour); return nil },
		importFn: func(ctx context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
			defer close(records)
			endless := file("/endless", "")
			endless.Reader = io.NopCloser(zeros{})
			records <- endless
			stuck := file("/stuck", "")
			stuck.Reader = io.NopCloser(stuckReader{})
			records <- stuck
			<-ctx.Done()
			return ctx.Err()
		},
		close: func(context.Context) error {
			os.Stdout.WriteString("closed\n")
			return nil
		},
	}, nil
}

// stuckReader reads for ever, and heeds nothing.
type stuckReader struct{}

func (stuckReader) Read([]byte) (int, error) {
	os.Stdout.WriteString("stuck\n")
	time.Sleep(time.Hour)
	return 0, io.EOF
}

func init() { plugins["busy"] = func() { RunImporter(busy) } }

// TestSignal stops a plugin in the middle of calls: every one of them ends with the reason, whether the connector heeds
// its context or not; then Close runs.
func TestSignal(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			p := execute(t, command("busy"))
			imp := p.importer(t, "test", nil)
			records := make(chan *connectors.Record)
			var mu sync.Mutex
			failures := make(map[string]error)
			fail := func(call string, err error) {
				mu.Lock()
				defer mu.Unlock()
				failures[call] = err
			}
			var calls sync.WaitGroup
			results := make(chan *connectors.Result)
			calls.Go(func() { fail("Import", imp.Import(t.Context(), records, results)) })
			calls.Go(func() { fail("Ping", imp.Ping(t.Context())) })
			endless, stuck := <-records, <-records
			if _, err := io.ReadFull(endless.Reader, make([]byte, 1<<20)); err != nil { // and no more until it is stopped
				t.Fatal(err)
			}
			calls.Go(func() {
				_, err := stuck.Reader.Read(make([]byte, 1))
				fail("Open of a stuck file", err)
			})
			for printed := ""; !strings.Contains(printed, "pinged") || !strings.Contains(printed, "stuck"); printed = p.stderr.String() {
				time.Sleep(time.Millisecond)
			}

			began := time.Now()
			p.cmd.Process.Signal(signal)
			calls.Go(func() {
				time.Sleep(50 * time.Millisecond)
				_, err := io.Copy(io.Discard, endless.Reader)
				fail("Open of an endless file", err)
			})
			var exit interface{ ExitCode() int }
			if err := p.cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitSignal+int(signal) {
				t.Errorf("the process ended with %v", err)
			}
			if took := time.Since(began); took >= drainTime {
				t.Errorf("it took what the host goes on sending, as after a failure: %v", took)
			}
			close(results)
			for range records {
			}
			calls.Wait()
			for _, call := range []string{"Import", "Ping", "Open of a stuck file", "Open of an endless file"} {
				wantError(t, call, failures[call], "stopped by a signal: "+signal.String())
			}
			if lines := strings.Fields(p.stderr.String()); !slices.Contains(lines, "closed") {
				t.Errorf("Close did not run: %s", p.stderr)
			}
		})
	}
}
