package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestViolations holds the translation of the schema library's errors: on each line where, which keyword, and its value.
func TestViolations(t *testing.T) {
	input, err := os.ReadFile(filepath.Join("testdata", "violations.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	document := Read("violations.yaml", input)
	if len(document.problems) > 0 {
		t.Fatal(document.problems)
	}
	var out strings.Builder
	for _, v := range violations(document.root.plain(true)) {
		of := ""
		if v.ofKey {
			of = " (the key)"
		}
		limit := fmt.Sprint(v.limit)
		if len(limit) > 60 {
			limit = limit[:60] + "..."
		}
		fmt.Fprintf(&out, "%v%s: %s %s\n", v.path, of, v.keyword, limit)
	}
	golden := filepath.Join("testdata", "violations.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Error(diff)
	}
}
