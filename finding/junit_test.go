package finding_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/PlakarKorp/kpkg/finding"
)

func TestJUnit(t *testing.T) {
	report := finding.Report{Command: "test", Cases: []finding.Case{
		{Suite: "importer:ftp", Name: "plugin-starts", Seconds: 0.25},
		{Suite: "importer:ftp", Name: "plugin-ping", Seconds: 1, Failure: "it says \"no\" <&> \x1b[2J\xff"},
		{Suite: "importer:ftp", Name: "plugin-flags", Skipped: "no flags"},
		{Suite: "exporter:ftp", Name: "plugin-starts", Seconds: 2},
		finding.CaseOf("manifest.yaml", "key-missing", []finding.Finding{
			{Rule: "key-missing", Severity: finding.Error, File: "manifest.yaml", Message: "one", Hint: "write it"},
			{Rule: "key-missing", Severity: finding.Error, File: "manifest.yaml", Line: 3, Message: "two\x1b[2J"},
			{Rule: "key-missing", Severity: finding.Warning, File: "manifest.yaml", Message: "three"},
		}),
	}}
	report.Fail("gone.yaml", errors.New("no such file\nat all"))
	var out bytes.Buffer
	if err := finding.Write(&out, "junit", &report); err != nil {
		t.Fatal(err)
	}
	golden(t, "junit.golden", out.Bytes())
}

// TestRuleCases holds that what is right shows as a case, and that warnings do not fail.
func TestRuleCases(t *testing.T) {
	warning := finding.Finding{Rule: "a", Severity: finding.Warning, Message: "warned"}
	failure := finding.Finding{Rule: "b", Severity: finding.Error, Message: "failed"}
	if cases := finding.RuleCases("suite", "manifest", nil); len(cases) != 1 || cases[0].Name != "manifest" || cases[0].Failure != "" {
		t.Errorf("nothing found: %+v", cases)
	}
	cases := finding.RuleCases("suite", "manifest", []finding.Finding{warning, failure, warning})
	if len(cases) != 2 || cases[0].Name != "a" || cases[0].Failure != "" || cases[0].Output == "" || cases[1].Failure == "" {
		t.Errorf("%+v", cases)
	}
}
