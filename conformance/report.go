package conformance

import (
	"errors"
	"fmt"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/host"
)

// Tested is what came of testing the package, or the source, at a path: a result or an error, RunPackage's.
type Tested struct {
	Path   string
	Result *PackageResult
	Err    error
}

// Elsewhere tells why the package does not run on this machine; "" if it does, as far as is known.
func (t Tested) Elsewhere() string {
	var elsewhere *host.ElsewhereError
	if !errors.As(t.Err, &elsewhere) {
		return ""
	}
	return elsewhere.Error()
}

// packageCheck and packageCost are a result and a cost as a report lists them, with the package that was tested.
type packageCheck struct {
	Package string `json:"package"`
	Result
}

type packageCost struct {
	Package string `json:"package"`
	Cost
}

// Report is the report of tests: findings on what failed and what was not checked, and every check and what connectors cost
// as lists. In CI systems a connector is a suite. Of several packages, those that do not run here are notes, unless that is
// all of them.
func Report(tests ...Tested) *finding.Report {
	report := &finding.Report{Command: "test"}
	var checks []packageCheck
	var costs []packageCost
	elsewhere := 0
	for _, t := range tests {
		if t.Elsewhere() != "" {
			elsewhere++
		}
	}
	for _, t := range tests {
		var rejected *host.RejectedError
		switch {
		case errors.As(t.Err, &rejected):
			report.Cases = append(report.Cases, finding.RuleCases(rejected.Path, "package", report.Add(rejected.Findings...))...)
		case t.Elsewhere() != "" && elsewhere < len(tests):
			report.Add(finding.Finding{Rule: notHere, Severity: finding.Info, File: t.Path, Message: "not tested: " + t.Elsewhere()})
		case t.Err != nil:
			report.Fail(t.Path, t.Err)
		default:
			name := finding.Cut(t.Path)
			for _, r := range t.Result.Results {
				r.Connector, r.Detail = finding.Cut(r.Connector), finding.CutMessage(r.Detail)
				checks = append(checks, packageCheck{name, r})
				report.Cases = append(report.Cases, r.testCase(name, len(tests) > 1))
			}
			for _, c := range t.Result.Costs {
				c.Connector = finding.Cut(c.Connector)
				costs = append(costs, packageCost{name, c})
			}
			if t.Result.Containers != "" {
				report.Add(finding.Finding{
					Rule: contained, Severity: finding.Info, File: t.Path,
					Message: finding.CutMessage("its containers were made by " + t.Result.Containers),
				})
			}
			report.Add(Findings(t.Result.Package, t.Result.Results)...)
			for _, connector := range t.Result.Untested {
				report.Fail(t.Result.Package, fmt.Errorf("%s was hardly tested, %s", finding.Cut(connector), needs(finding.Cut(connector))))
			}
		}
	}
	report.Lists = []finding.List{finding.NewList("checks", checks), finding.NewList("costs", costs)}
	return report
}

const (
	// notHere is the rule of packages that do not run on this machine.
	notHere = "package-not-here"
	// contained is that of packages whose connectors are in images.
	contained = "package-in-containers"
)

// PackageRules are the rules on packages that are tested, as Rules are those on their connectors.
var PackageRules = []finding.Rule{{
	ID: notHere, Severity: finding.Info, Title: "The package is for a platform whose executables do not run on this machine.",
	Fix: "Linux runs those of other architectures with qemu-user (`--emulator`); others are tested on machines of their own.",
}, {
	ID: contained, Severity: finding.Info, Title: "The connectors of the package ran in containers, and this made them.",
	Fix: "Nothing; crun is taken where it is in PATH and works (docs/images.md).",
}}

// needs is what a connector lacks to be tested, and what gives it that.
func needs(connector string) string {
	connectorType, protocol, _ := strings.Cut(connector, ":")
	what, setting := "a location", "location="+protocol+"://..."
	if !(Config{Type: connectorType}).worksAtLocation() {
		what, setting = "the settings that its validator requires", "KEY=VALUE"
	}
	return fmt.Sprintf("it needs %s: add --connector %s --config %s, or write it into %s beside the manifest", what, connector, setting,
		SettingsName)
}

// testCase is a check as a CI system shows it. The suite of one of several packages begins with the package's name.
func (r Result) testCase(name string, several bool) finding.Case {
	c := finding.Case{Suite: r.Connector, Name: r.ID, Seconds: r.Seconds}
	if several {
		c.Suite = name + " " + r.Connector
	}
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
	for _, connectorType := range Types() {
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
