package conformance

import (
	"errors"
	"fmt"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/host"
)

// Report is the report of a RunPackage at path: findings on what failed and what was not checked, and every check as a
// list. In CI systems a connector is a suite. result is nil when there is an error.
func Report(path string, result *PackageResult, err error) *finding.Report {
	report := &finding.Report{Command: "test"}
	var checks []Result
	var rejected *host.RejectedError
	switch {
	case errors.As(err, &rejected):
		report.Cases = finding.RuleCases(rejected.Path, "package", report.Add(rejected.Findings...))
	case err != nil:
		report.Fail(path, err)
	default:
		for _, r := range result.Results {
			r.Connector, r.Detail = finding.Cut(r.Connector), finding.CutMessage(r.Detail)
			checks = append(checks, r)
			report.Cases = append(report.Cases, r.testCase())
		}
		report.Add(Findings(result.Package, result.Results)...)
		for _, connector := range result.Untested {
			report.Fail(result.Package, fmt.Errorf("%s was hardly tested, it needs a location: %s",
				finding.Cut(connector), locationFlags(finding.Cut(connector))))
		}
	}
	report.Lists = []finding.List{finding.NewList("checks", checks)}
	return report
}

// locationFlags is what gives a connector a location.
func locationFlags(connector string) string {
	_, protocol, _ := strings.Cut(connector, ":")
	return "add --connector " + connector + " --config location=" + protocol + "://..., or write it into " + SettingsName +
		" beside the manifest"
}

func (r Result) testCase() finding.Case {
	c := finding.Case{Suite: r.Connector, Name: r.ID, Seconds: r.Seconds}
	switch r.Status {
	case Fail:
		c.Failure = r.Title + ": " + r.Detail
		if r.Hurts != "" {
			c.Failure += "; sent: " + r.Sent + "; otherwise " + r.Hurts
		}
	case Skip:
		c.Skipped = r.Detail
	}
	return c
}

// Rules are the checks of all types of connectors as rules: what each demands, and where to read on.
func Rules() []finding.Rule {
	var rules []finding.Rule
	known := map[string]bool{}
	for _, connectorType := range []string{Importer, Exporter, Storage} {
		for _, check := range Checks(connectorType) {
			if known[check.ID] {
				continue
			}
			known[check.ID] = true
			rules = append(rules, finding.Rule{
				ID: check.ID, Severity: finding.Error, Title: "Demanded of connectors: " + check.Title + ".",
				Fix: explained(check.ID),
			})
		}
	}
	return rules
}

// explained is what a rule says of a check: what is sent, what a failure does, and where to read on.
func explained(id string) string {
	is := meanings[id]
	fix := "What is sent: " + is.sent + ". Otherwise " + is.hurts + "."
	if is.never != "" {
		return fix + " It is a note, as " + is.never + "."
	}
	return fix + " The finding says what came. A note means that the check was not made, and why; docs/testing.md has the rest."
}
