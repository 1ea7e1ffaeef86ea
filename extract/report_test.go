package extract

import (
	"errors"
	"flag"
	"testing"

	"github.com/PlakarKorp/kpkg/finding/findingtest"
)

var update = flag.Bool("update", false, "rewrite the rules in the documentation")

// TestRules raises every rule of this package, and holds the documentation to the table.
func TestRules(t *testing.T) {
	r := Result{Failed: 1, Failures: []Failure{{"/a", errors.New("no room")}}, SetIDs: 2, Owners: 1}
	report := Report("data.ptar", nil, "out", r, nil)
	if !report.Failed {
		t.Error("an extraction that is not complete has not failed")
	}
	findingtest.Raised(t, Rules, report.Findings)
	findingtest.Documented(t, Rules, "../docs/extract.md", *update)
}
