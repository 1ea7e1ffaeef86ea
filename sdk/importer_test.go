package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	gconn "github.com/PlakarKorp/integration-grpc"
	gimporter "github.com/PlakarKorp/integration-grpc/importer"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/objects"
)

// source is an importer made of functions.
type source struct {
	flags    location.Flags
	ping     func(context.Context) error
	importFn func(context.Context, chan<- *connectors.Record, <-chan *connectors.Result) error
	close    func(context.Context) error
}

func (s *source) Origin() string        { return "origin" }
func (s *source) Type() string          { return "source" }
func (s *source) Root() string          { return "/" }
func (s *source) Flags() location.Flags { return s.flags }

func (s *source) Ping(ctx context.Context) error {
	if s.ping == nil {
		return nil
	}
	return s.ping(ctx)
}

func (s *source) Import(ctx context.Context, records chan<- *connectors.Record, results <-chan *connectors.Result) error {
	return s.importFn(ctx, records, results)
}

func (s *source) Close(ctx context.Context) error {
	if s.close == nil {
		return nil
	}
	return s.close(ctx)
}

// service makes a service of an importer.
func (s *source) service() func(*guard) service {
	return newImporterService(func(context.Context, *connectors.Options, string, map[string]string) (Importer, error) {
		return s, nil
	})
}

func file(path, content string) *connectors.Record {
	return &connectors.Record{
		Pathname: path,
		FileInfo: objects.FileInfo{Lname: path[1:], Lsize: int64(len(content)), Lmode: 0o644, LmodTime: time.Unix(1, 2)},
		Reader:   io.NopCloser(strings.NewReader(content)),
	}
}

// errReader fails after some content.
type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestMisbehavingImporters(t *testing.T) {
	disk := errors.New("disk on fire")
	for _, test := range []struct {
		name     string
		flags    location.Flags
		importFn func(context.Context, chan<- *connectors.Record, <-chan *connectors.Result) error

		failure string            // what Import fails with at the host
		content map[string]string // what was read
		errors  map[string]string // what was not
		stderr  string
	}{
		{
			name: "fails at once",
			importFn: func(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
				return disk
			},
			failure: "disk on fire",
		},
		{
			name: "fails after its last record",
			importFn: func(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
				records <- file("/a", "A")
				close(records)
				time.Sleep(50 * time.Millisecond)
				return disk
			},
			failure: "disk on fire",
			content: map[string]string{"/a": "A"},
		},
		{
			name: "fails without closing its records",
			importFn: func(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
				records <- file("/a", "A")
				return disk
			},
			failure: "disk on fire",
			content: map[string]string{"/a": "A"},
		},
		{
			name: "panics",
			importFn: func(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
				records <- file("/a", "A")
				panic("oh no")
			},
			failure: "Import panicked: oh no",
			content: map[string]string{"/a": "A"},
			stderr:  "importer_test.go",
		},
		{
			name: "forgets to close its records",
			importFn: func(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
				records <- file("/a", "A")
				return nil
			},
			content: map[string]string{"/a": "A"},
			stderr:  "without closing its records",
		},
		{
			name: "returns before it has sent its records",
			importFn: func(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
				go func() {
					defer close(records)
					for i := range 3 {
						time.Sleep(50 * time.Millisecond)
						records <- file(fmt.Sprint("/", i), "late")
					}
				}()
				return nil
			},
			content: map[string]string{"/0": "late", "/1": "late", "/2": "late"},
		},
		{
			name: "sends a nil record",
			importFn: func(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
				defer close(records)
				records <- nil
				return nil
			},
			failure: "nil record",
		},
		{
			name: "sends what a host cannot take",
			importFn: func(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
				defer close(records)
				records <- file("/not \xff UTF-8", "A")
				large := file("/large", "A")
				large.Target = strings.Repeat("x", 5<<20)
				records <- large
				records <- file("/"+strings.Repeat("long", 2<<20), "A")
				records <- connectors.NewError("/failed", errors.New(""))
				records <- file("/fine", "A")
				return nil
			},
			content: map[string]string{"/fine": "A"},
			errors: map[string]string{
				`/not \xff UTF-8`: "not UTF-8",
				"/large":          "metadata takes",
				"/" + strings.Repeat("long", 16<<10)[:64<<10-1]: "metadata takes",
				"/failed": "error without a message",
			},
		},
		{
			name: "has bad readers",
			importFn: func(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
				defer close(records)
				for path, reader := range map[string]io.Reader{
					"/fails":   io.MultiReader(strings.NewReader("half"), errReader{disk}),
					"/missing": errReader{fs.ErrNotExist},
					"/stuck":   errReader{nil},
					"/cut":     io.MultiReader(strings.NewReader("half"), errReader{fmt.Errorf("the line was cut: %w", io.EOF)}),
				} {
					r := file(path, "")
					r.Reader = io.NopCloser(reader)
					records <- r
				}
				r := file("/panics", "")
				r.Reader = connectors.NewLazyReader(nil)
				records <- r
				r = file("/nil", "")
				r.Reader = connectors.NewLazyReader(func() (io.ReadCloser, error) { return nil, nil })
				records <- r
				r = file("/none", "")
				r.Reader = nil
				records <- r
				return nil
			},
			errors: map[string]string{
				"/fails":   "disk on fire",
				"/missing": "file does not exist",
				"/stuck":   "multiple Read calls return no data",
				"/cut":     "the line was cut",
				"/panics":  "panicked",
				"/nil":     "panicked",
				"/none":    "not announced",
			},
		},
		{
			name:  "waits for its results to end",
			flags: location.FLAG_NEEDACK,
			importFn: func(_ context.Context, records chan<- *connectors.Record, results <-chan *connectors.Result) error {
				for i := range 100 {
					records <- file(fmt.Sprint("/", i), "")
				}
				close(records)
				count := 0
				for range results {
					count++
				}
				if count != 100 {
					return fmt.Errorf("%d results", count)
				}
				return nil
			},
		},
		{
			name:  "never takes its results",
			flags: location.FLAG_NEEDACK,
			importFn: func(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
				defer close(records)
				for i := range 1000 {
					records <- file(fmt.Sprint("/", i), "")
				}
				return nil
			},
		},
		{
			name: "sends the same path twice",
			importFn: func(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
				defer close(records)
				for range 1000 {
					records <- file("/same", "A")
				}
				return nil
			},
			content: map[string]string{"/same": "A"},
		},
		{
			name: "ends its goroutine",
			importFn: func(context.Context, chan<- *connectors.Record, <-chan *connectors.Result) error {
				runtime.Goexit()
				return nil
			},
			failure: "ended its goroutine",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := start(t, (&source{flags: test.flags, importFn: test.importFn}).service())
			imp := p.importer(t, "test", nil)
			all, err := readAll(t.Context(), imp)
			wantError(t, "Import", err, test.failure)
			for path, want := range test.content {
				if got := string(all.content[path]); got != want {
					t.Errorf("%s: %q, want %q", path, got, want)
				}
			}
			for path, want := range test.errors {
				wantError(t, path, all.errors[path], want)
			}
			if len(all.errors) != len(test.errors) {
				t.Errorf("%d errors, want %d", len(all.errors), len(test.errors))
			}
			if !strings.Contains(p.stderr.String(), test.stderr) {
				t.Errorf("standard error is %q, want %q", p.stderr, test.stderr)
			}
			if err := imp.Ping(t.Context()); err != nil {
				t.Errorf("Ping afterwards: %v", err)
			}
			if err := imp.Close(t.Context()); err != nil {
				t.Errorf("Close afterwards: %v", err)
			}
		})
	}
}

// TestStoppedImport stops the process, as a signal does, in the middle of an import whose importer then returns nil.
func TestStoppedImport(t *testing.T) {
	s := &source{importFn: func(ctx context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
		defer close(records)
		records <- file("/a", "A")
		<-ctx.Done()
		return nil
	}}
	p, stop := startStoppable(t, s.service())
	imp := p.importer(t, "test", nil)
	go func() {
		for !strings.Contains(p.stderr.String(), "ready") {
			time.Sleep(time.Millisecond)
		}
		stop(errors.New("told to stop"))
	}()
	records := make(chan *connectors.Record)
	results := make(chan *connectors.Result, 1)
	go func() {
		defer close(results)
		for r := range records {
			results <- r.Ok()
			fmt.Fprintln(p.stderr, "ready")
		}
	}()
	wantError(t, "Import", imp.Import(t.Context(), records, results), "told to stop")
}

func TestMalformedAcknowledgements(t *testing.T) {
	s := &source{importFn: func(ctx context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
		defer close(records)
		records <- file("/a", "A")
		<-ctx.Done()
		return ctx.Err()
	}}
	for name, test := range map[string]struct {
		acknowledgements []*gimporter.ImportRequest
		want             string
	}{
		"empty":     {[]*gimporter.ImportRequest{{}}, "cannot read the acknowledgement"},
		"no record": {[]*gimporter.ImportRequest{{Result: &gconn.Result{}}}, "cannot read the acknowledgement"},
		"one too many": {slices.Repeat([]*gimporter.ImportRequest{{Result: &gconn.Result{
			Header: &gconn.Record{Pathname: "/a", FileInfo: &gconn.FileInfo{}},
		}}}, 2), "more records than it was sent"},
		"flood": {slices.Repeat([]*gimporter.ImportRequest{{Result: &gconn.Result{
			Header: &gconn.Record{Pathname: "/a", FileInfo: &gconn.FileInfo{}},
		}}}, 100), "more records than it was sent"},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, s.service())
			p.importer(t, "test", nil)
			stream, err := gimporter.NewImporterClient(p).Import(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := stream.Recv(); err != nil {
				t.Fatal(err)
			}
			for _, acknowledgement := range test.acknowledgements {
				stream.Send(acknowledgement)
			}
			_, err = stream.Recv()
			wantError(t, "Import", err, test.want)
		})
	}
}
