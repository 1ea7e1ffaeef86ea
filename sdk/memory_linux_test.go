//go:build !race

package sdk

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/PlakarKorp/kloset/connectors"
)

// maxMemory is above what the test's executable takes by itself, and far below what it is made to send, in KiB. (The race
// detector multiplies memory: hence the constraint on this file.)
const maxMemory = 64 << 10

// plenty imports 20,000 small files and one of 1 GiB, out of nothing.
func plenty(context.Context, *connectors.Options, string, map[string]string) (Importer, error) {
	return &source{
		importFn: func(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
			defer close(records)
			large := file("/large", "")
			large.FileInfo.Lsize = 1 << 30
			large.Reader = io.NopCloser(io.LimitReader(zeros{}, large.FileInfo.Lsize))
			records <- large
			for i := range 20000 {
				records <- file(fmt.Sprint("/", i), "content")
			}
			return nil
		},
		close: func(context.Context) error {
			status, err := os.ReadFile("/proc/self/status")
			os.Stdout.Write(status)
			return err
		},
	}, nil
}

// peak finds the most memory a process took, in KiB, in its /proc/self/status. (What the system tells its parent
// includes the parent's own.)
func peak(t *testing.T, status string) int {
	t.Helper()
	_, rest, _ := strings.Cut(status, "VmHWM:")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kib, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	return kib
}

func TestMemory(t *testing.T) {
	p := execute(t, command("plenty"))
	imp := p.importer(t, "test", nil)
	records := make(chan *connectors.Record)
	results := make(chan *connectors.Result, 1)
	var files, total int64
	go func() {
		defer close(results)
		for r := range records {
			n, err := io.Copy(io.Discard, r.Reader)
			if err != nil {
				t.Errorf("%s: %v", r.Pathname, err)
			}
			files++
			total += n
			results <- r.Ok()
		}
	}()
	if err := imp.Import(t.Context(), records, results); err != nil {
		t.Error(err)
	}
	for range results {
	}
	if want := int64(1<<30 + 20000*len("content")); files != 20001 || total != want {
		t.Errorf("%d files of %d bytes, want %d", files, total, want)
	}
	if err := imp.Close(t.Context()); err != nil {
		t.Error(err)
	}
	p.end(t)
	if used := peak(t, p.stderr.String()); used > maxMemory {
		t.Errorf("the plugin took %d KiB", used)
	}
}

func init() { plugins["plenty"] = func() { RunImporter(plenty) } }
