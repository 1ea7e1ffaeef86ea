package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/objects"
)

// sink is an exporter made of a function.
type sink struct {
	exportFn func(context.Context, <-chan *connectors.Record, chan<- *connectors.Result) error
}

func (s *sink) Origin() string              { return "origin" }
func (s *sink) Type() string                { return "sink" }
func (s *sink) Root() string                { return "/" }
func (s *sink) Flags() location.Flags       { return location.FLAG_EXPORTXATTR }
func (s *sink) Ping(context.Context) error  { return nil }
func (s *sink) Close(context.Context) error { return nil }

func (s *sink) Export(ctx context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
	return s.exportFn(ctx, records, results)
}

func (s *sink) service() func(*guard) service {
	return newExporterService(func(context.Context, *connectors.Options, string, map[string]string) (Exporter, error) {
		return s, nil
	})
}

func folder(path string) *connectors.Record {
	return &connectors.Record{Pathname: path, FileInfo: objects.FileInfo{Lname: path[1:], Lmode: fs.ModeDir | 0o755}}
}

// send exports these records as a host does, and returns the results by path.
func send(t *testing.T, p *plugin, sent ...*connectors.Record) (map[string]error, error) {
	t.Helper()
	exp := p.exporter(t, "test", nil)
	records := make(chan *connectors.Record)
	results := make(chan *connectors.Result)
	ended := make(chan struct{})
	outcomes := make(map[string]error)
	var work sync.WaitGroup
	work.Go(func() {
		defer close(records)
		for _, r := range sent {
			select {
			case records <- r:
			case <-ended:
				return
			}
		}
	})
	work.Go(func() {
		for result := range results {
			if _, twice := outcomes[result.Record.Pathname]; twice {
				t.Errorf("%s has two results", result.Record.Pathname)
			}
			outcomes[result.Record.Pathname] = result.Err
		}
	})
	err := exp.Export(t.Context(), records, results)
	close(ended)
	work.Wait()
	if err := exp.Ping(t.Context()); err != nil {
		t.Errorf("Ping afterwards: %v", err)
	}
	if err := exp.Close(t.Context()); err != nil {
		t.Errorf("Close afterwards: %v", err)
	}
	return outcomes, err
}

func TestMisbehavingExporters(t *testing.T) {
	full := errors.New("no space left")
	large := strings.Repeat("x", 3<<20)
	for _, test := range []struct {
		name     string
		exportFn func(context.Context, <-chan *connectors.Record, chan<- *connectors.Result) error

		failure  string   // what Export fails with at the host
		outcomes []string // what became of /folder, /large, /small, /last, "" for fine
	}{
		{
			name: "does as it should",
			exportFn: func(_ context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
				defer close(results)
				for r := range records {
					if r.Reader == nil {
						results <- r.Ok()
						continue
					}
					content, err := io.ReadAll(r.Reader)
					if n, err := r.Reader.Read(make([]byte, 1)); n != 0 || err != io.EOF {
						return fmt.Errorf("read after the end: %d, %v", n, err)
					}
					if int64(len(content)) != r.FileInfo.Lsize {
						err = fmt.Errorf("%d bytes", len(content))
					}
					results <- &connectors.Result{Record: *r, Err: err}
				}
				return nil
			},
			outcomes: []string{"", "", "", ""},
		},
		{
			name: "does not close its results",
			exportFn: func(_ context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
				for r := range records {
					results <- r.Ok()
				}
				return nil
			},
			outcomes: []string{"", "", "", ""},
		},
		{
			name: "sends results without reading or closing",
			exportFn: func(_ context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
				defer close(results)
				for r := range records {
					results <- &connectors.Result{Record: connectors.Record{Pathname: r.Pathname, FileInfo: r.FileInfo}}
				}
				return nil
			},
			outcomes: []string{"", "", "", ""},
		},
		{
			name: "closes and reads",
			exportFn: func(_ context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
				defer close(results)
				for r := range records {
					var err error
					if r.Reader != nil {
						r.Reader.Read(nil)
						r.Reader.Close()
						r.Reader.Close()
						_, err = r.Reader.Read(make([]byte, 10))
					}
					results <- r.Error(err)
				}
				return nil
			},
			outcomes: []string{"", "closed pipe", "closed pipe", ""},
		},
		{
			name: "sends no results",
			exportFn: func(_ context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
				defer close(results)
				for r := range records {
					r.Close()
				}
				return nil
			},
			outcomes: []string{"not say", "not say", "not say", "not say"},
		},
		{
			name: "sends results for some",
			exportFn: func(_ context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
				for r := range records {
					if r.Pathname != "/large" {
						results <- r.Ok()
					}
				}
				return nil
			},
			outcomes: []string{"", "not say", "", ""},
		},
		{
			name: "writes in parallel",
			exportFn: func(_ context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
				defer close(results)
				var both, writers sync.WaitGroup
				both.Add(2)
				for r := range records {
					if r.Reader == nil {
						results <- r.Ok()
						continue
					}
					writers.Go(func() {
						both.Done()
						both.Wait() // both files are here before either is read
						_, err := io.Copy(io.Discard, r.Reader)
						results <- r.Error(err)
					})
				}
				writers.Wait()
				return nil
			},
			outcomes: []string{"", "", "", ""},
		},
		{
			name: "fails at once",
			exportFn: func(context.Context, <-chan *connectors.Record, chan<- *connectors.Result) error {
				return full
			},
			failure: "no space left",
		},
		{
			name: "fails in the middle",
			exportFn: func(_ context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
				results <- (<-records).Ok()
				(<-records).Reader.Read(make([]byte, 1))
				return full
			},
			failure:  "no space left",
			outcomes: []string{""},
		},
		{
			name: "returns in the middle",
			exportFn: func(_ context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
				results <- (<-records).Ok()
				return nil
			},
			outcomes: []string{"", "not say", "not say", "not say"},
		},
		{
			name: "panics",
			exportFn: func(_ context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
				defer close(results)
				<-records
				panic("oh no")
			},
			failure: "Export panicked: oh no",
		},
		{
			name: "sends a nil result",
			exportFn: func(_ context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
				results <- nil
				for range records {
				}
				return nil
			},
			failure: "nil result",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			small := file("/small", "content")
			big := file("/large", large)
			outcomes, err := send(t, start(t, (&sink{test.exportFn}).service()), folder("/folder"), big, small, folder("/last"))
			wantError(t, "Export", err, test.failure)
			for i, want := range test.outcomes {
				path := []string{"/folder", "/large", "/small", "/last"}[i]
				got, found := outcomes[path]
				if !found {
					t.Errorf("%s: no result", path)
				}
				wantError(t, path, got, want)
			}
		})
	}
}

// TestBrokenOff ends a file without its end: the exporter must be able to tell.
func TestBrokenOff(t *testing.T) {
	half, seen := make(chan struct{}), make(chan error, 1)
	p := start(t, (&sink{func(ctx context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
		r := <-records
		_, err := io.ReadFull(r.Reader, make([]byte, len("half")))
		close(half)
		if err == nil {
			_, err = io.Copy(io.Discard, r.Reader)
		}
		seen <- err
		return err
	}}).service())
	exp := p.exporter(t, "test", nil)
	ctx, cancel := context.WithCancel(t.Context())
	records := make(chan *connectors.Record, 1)
	r := file("/file", "")
	content, writer := io.Pipe()
	r.Reader = content
	records <- r
	go func() {
		writer.Write([]byte("half"))
		<-half
		cancel()
		writer.CloseWithError(errors.New("cancelled"))
	}()
	if err := exp.Export(ctx, records, make(chan *connectors.Result)); err == nil {
		t.Error("no error")
	}
	if err := <-seen; err == nil {
		t.Error("the exporter took the file for complete")
	}
}

// TestLargeResult keeps an export alive whose host sends a record larger than what it accepts in a result.
func TestLargeResult(t *testing.T) {
	s := &sink{exportFn: func(_ context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
		defer close(results)
		for r := range records {
			if r.Pathname == "/refused" {
				results <- r.Error(errors.New("too many attributes"))
			} else {
				results <- r.Ok()
			}
		}
		return nil
	}}
	attributed := func(path string) *connectors.Record {
		r := folder(path)
		r.ExtendedAttributes = []string{strings.Repeat("x", 5<<20)}
		return r
	}
	outcomes, err := send(t, start(t, s.service()), folder("/before"), attributed("/large"), attributed("/refused"),
		folder("/after"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/before": "", "/large": "", "/refused": "too many attributes", "/after": ""} {
		got, found := outcomes[path]
		if !found || (want == "") != (got == nil) || got != nil && !strings.Contains(got.Error(), want) {
			t.Errorf("%s: a result: %v, %v, want %q", path, found, got, want)
		}
	}
}
