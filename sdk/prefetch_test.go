package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/location"
)

// slow is a file whose first byte takes a round trip.
type slow struct {
	io.Reader
	waited     bool
	open, most *atomic.Int32
}

func (s *slow) Read(p []byte) (int, error) {
	if !s.waited {
		s.waited = true
		if n := s.open.Add(1); n > s.most.Load() {
			s.most.Store(n)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return s.Reader.Read(p)
}

func (s *slow) Close() error {
	if s.waited {
		s.open.Add(-1)
	}
	return nil
}

func TestPrefetch(t *testing.T) {
	const count = 200
	broken := errors.New("connection reset")
	for name, test := range map[string]struct {
		flags   location.Flags
		size    int64 // what is announced: files have 1000 bytes
		skip    int   // the host skips every so many
		atLeast int32 // readers open at once
	}{
		"read ahead":             {size: 1000, atLeast: 3},
		"longer than announced":  {size: 1, atLeast: 3},
		"shorter than announced": {size: 5000, atLeast: 3},
		"large":                  {size: prefetchSize + 1},
		"mostly skipped":         {size: 1000, skip: 2},
		"some skipped":           {size: 1000, skip: 50, atLeast: 3},
		"in order":               {size: 1000, flags: location.FLAG_STREAM},
		"acknowledged":           {size: 1000, flags: location.FLAG_NEEDACK},
	} {
		t.Run(name, func(t *testing.T) {
			var open, most atomic.Int32
			content := strings.Repeat("x", 1000)
			s := &source{
				flags: test.flags,
				importFn: func(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
					defer close(records)
					for i := range count {
						r := file(fmt.Sprint("/", i), content)
						r.FileInfo.Lsize = test.size
						if i%100 == 99 {
							r.Reader = io.NopCloser(io.MultiReader(strings.NewReader("half"), errReader{broken}))
						}
						r.Reader = &slow{Reader: r.Reader, open: &open, most: &most}
						records <- r
					}
					return nil
				},
			}
			imp := start(t, s.service()).importer(t, "test", nil)
			records := make(chan *connectors.Record)
			results := make(chan *connectors.Result, 1)
			go func() { // a host with one processor
				defer close(results)
				for i := 0; ; i++ {
					r, more := <-records
					if !more {
						return
					}
					if test.skip == 0 || i%test.skip != 0 {
						got, err := io.ReadAll(r.Reader)
						if i%100 == 99 {
							wantError(t, r.Pathname, err, "connection reset")
						} else if string(got) != content || err != nil {
							t.Errorf("%s: %d bytes, %v", r.Pathname, len(got), err)
						}
					}
					results <- r.Ok()
				}
			}()
			if err := imp.Import(t.Context(), records, results); err != nil {
				t.Error(err)
			}
			if err := imp.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if n := most.Load(); n > readersAtOnce || n < test.atLeast || test.atLeast == 0 && n > 2 {
				t.Errorf("%d readers at once", n)
			}
			for open.Load() != 0 {
				time.Sleep(time.Millisecond)
			}
		})
	}
}
