package inspect_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/inspect"
)

// TestManyEntries puts more entries into a report than are kept in memory: all are in it, in their order, and nothing is left.
func TestManyEntries(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	for _, many := range []int{0, 1, 9_999, 10_000, 25_000} {
		var entries inspect.Entries
		for i := range many {
			if err := entries.Add(inspect.Entry{Path: fmt.Sprintf("<%d>&\n", i), Size: int64(i)}); err != nil {
				t.Fatal(err)
			}
		}
		var out bytes.Buffer
		if err := finding.Write(&out, "json", inspect.ListReport("a.ptar", nil, &entries, inspect.Listed{}, nil)); err != nil {
			t.Fatal(err)
		}
		if err := entries.Close(); err != nil {
			t.Fatal(err)
		}
		var report struct {
			Entries []struct {
				Path string
				Size int
			}
		}
		if err := json.Unmarshal(out.Bytes(), &report); err != nil || len(report.Entries) != many {
			t.Fatalf("%d of %d entries, %v", len(report.Entries), many, err)
		}
		for i, e := range report.Entries {
			if e.Size != i || e.Path != fmt.Sprintf("<%d>&\n", i) {
				t.Fatalf("entry %d is %+v", i, e)
			}
		}
		if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}
