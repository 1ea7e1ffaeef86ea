package sdk

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/PlakarKorp/kloset/connectors"
)

// TestCancelledImport gives up on imports: the importer is told, one that does not listen is drained, its readers are
// closed, and the next import is complete.
func TestCancelledImport(t *testing.T) {
	const count = 1000
	for _, heeds := range []bool{true, false} {
		t.Run(fmt.Sprint("heeds its context: ", heeds), func(t *testing.T) {
			var opened, imports atomic.Int32
			returned := make(chan struct{}, 2)
			s := &source{importFn: func(
				ctx context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result,
			) error {
				defer func() { returned <- struct{}{} }()
				defer close(records)
				for i := range count {
					r := file(fmt.Sprint("/", i), "content")
					opened.Add(1)
					r.Reader = watched{r.Reader, func() { opened.Add(-1) }}
					select {
					case records <- r:
					case <-done(ctx, heeds):
						r.Close()
						return ctx.Err()
					}
				}
				if imports.Add(1) == 1 {
					<-ctx.Done() // the first is cancelled
				}
				return nil
			}}
			imp := start(t, s.service()).importer(t, "test", nil)

			ctx, cancel := context.WithCancel(t.Context())
			records := make(chan *connectors.Record)
			results := make(chan *connectors.Result)
			var host sync.WaitGroup
			host.Go(func() {
				for range 10 {
					results <- (<-records).Ok()
				}
				cancel()
				for range records {
				}
				close(results)
			})
			if err := imp.Import(ctx, records, results); err == nil {
				t.Error("no error")
			}
			host.Wait()
			<-returned
			imports.Store(1)

			all, err := readAll(t.Context(), imp)
			if err != nil || len(all.content) != count || len(all.errors) > 0 {
				t.Errorf("afterwards: %d files, %d errors, %v", len(all.content), len(all.errors), err)
			}
			if err := imp.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if n := opened.Load(); n != 0 {
				t.Errorf("%d readers were not closed", n)
			}
		})
	}
}

func done(ctx context.Context, heeds bool) <-chan struct{} {
	if heeds {
		return ctx.Done()
	}
	return nil
}

// watched calls a function when it is closed.
type watched struct {
	io.Reader
	closed func()
}

func (c watched) Close() error {
	c.closed()
	return nil
}

// TestAbandonedReaders reads nothing, or the beginning, of files: every reader is closed all the same.
func TestAbandonedReaders(t *testing.T) {
	var opened atomic.Int32
	s := &source{importFn: func(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
		defer close(records)
		for i := range 100 {
			r := file(fmt.Sprint("/", i), "")
			r.FileInfo.Lsize = 10 << 20
			opened.Add(1)
			r.Reader = watched{io.LimitReader(zeros{}, 10<<20), func() { opened.Add(-1) }}
			records <- r
		}
		return nil
	}}
	p := start(t, s.service())
	imp := p.importer(t, "test", nil)
	records := make(chan *connectors.Record)
	results := make(chan *connectors.Result, 100)
	var host sync.WaitGroup
	host.Go(func() {
		defer close(results)
		for r := range records {
			if strings.HasSuffix(r.Pathname, "1") {
				if _, err := io.ReadFull(r.Reader, make([]byte, 300<<10)); err != nil {
					t.Error(err)
				}
			}
			results <- r.Ok()
		}
	})
	if err := imp.Import(t.Context(), records, results); err != nil {
		t.Error(err)
	}
	host.Wait()
	if err := imp.Close(t.Context()); err != nil {
		t.Error(err)
	}
	p.ClientConn.Close()
	p.pipes.Close()
	if err := <-p.served; err != nil {
		t.Error(err)
	}
	p.served <- nil
	if n := opened.Load(); n != 0 {
		t.Errorf("%d readers were not closed", n)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestLateReaders reads after the import is over, as hosts may that have acknowledged nothing yet.
func TestLateReaders(t *testing.T) {
	s := &source{importFn: func(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
		defer close(records)
		for i := range 100 {
			records <- file(fmt.Sprint("/", i), fmt.Sprint(i))
		}
		return nil
	}}
	imp := start(t, s.service()).importer(t, "test", nil)
	records := make(chan *connectors.Record)
	results := make(chan *connectors.Result)
	var host sync.WaitGroup
	host.Go(func() {
		defer close(results)
		var all []*connectors.Record
		for r := range records {
			all = append(all, r)
		}
		var readers sync.WaitGroup
		for i, r := range all {
			readers.Go(func() {
				if got, err := io.ReadAll(r.Reader); string(got) != fmt.Sprint(i) || err != nil {
					t.Errorf("%s: %q, %v", r.Pathname, got, err)
				}
				results <- r.Ok()
			})
		}
		readers.Wait()
	})
	if err := imp.Import(t.Context(), records, results); err != nil {
		t.Error(err)
	}
	host.Wait()
}
