package try_test

import (
	"errors"
	"flag"
	"testing"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/finding/findingtest"
	"github.com/PlakarKorp/kpkg/try"
)

var update = flag.Bool("update", false, "rewrite the rules in the documentation")

// TestRules raises every rule of this package, and holds the documentation to the table.
func TestRules(t *testing.T) {
	result := try.Result{
		Progress: try.Progress{Failed: 1, AttributesLeft: 2},
		Failures: []try.Failure{{Path: "/a", Error: "no room"}},
	}
	copied := try.TransferReport("try restore", try.Options{}, []string{"an unknown setting"}, result, nil)
	listed := try.ListReport("data.ptar", nil, try.Contents{Failures: result.Failures}, nil, nil)
	if !copied.Failed || listed.Failed {
		t.Errorf("a restore that is not complete has failed: %v; a list has: %v", copied.Failed, listed.Failed)
	}
	if broken := try.ListReport("data.ptar", nil, try.Contents{}, nil, errors.New("cut off")); !broken.Failed {
		t.Error("a data file that cannot be read is no failure")
	}
	var raised []finding.Finding
	raised = append(append(raised, copied.Findings...), listed.Findings...)
	findingtest.Raised(t, try.Rules, raised)
	findingtest.Documented(t, try.Rules, "../docs/try.md", *update)
}
