package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
)

// Check is one thing that is demanded of a connector.
type Check struct {
	// ID is stable: the family, then what it is about.
	ID string
	// Title is what is demanded, in a few words.
	Title string

	// gate checks are run first; when one fails, nothing could be judged that it blocks.
	gate  bool
	needs []requirement
	run   func(context.Context, *subject) error
}

// blocks tells whether a check could not be judged when the gate with the id has failed. Those of any plugin need no more
// than that it can be started and initialized.
func blocks(gate string, k Check) bool {
	const plugin = "plugin-"
	return gate != "" && (strings.HasPrefix(gate, plugin) || !strings.HasPrefix(k.ID, plugin))
}

// Checks lists the checks for a type of connector, in the order of their results.
func Checks(connectorType string) []Check {
	switch connectorType {
	case Importer:
		return slices.Concat(pluginGates, importerGates, pluginChecks, processChecks, importerContentChecks, importerHostChecks,
			importerSourceChecks)
	case Exporter:
		return slices.Concat(pluginGates, exporterGates, pluginChecks, processChecks, exporterContentChecks, exporterHostChecks)
	case Storage:
		return slices.Concat(pluginGates, storageGates, pluginChecks, processChecks, storageContentChecks, storageHostChecks)
	}
	return nil
}

// Status is how a check ended.
type Status string

const (
	Pass Status = "pass"
	Fail Status = "fail"
	Skip Status = "skip"
)

// Result is what a check said of a connector.
type Result struct {
	ID string `json:"id"`
	// Connector is TYPE:PROTOCOL.
	Connector string `json:"connector"`
	Title     string `json:"title"`
	Status    Status `json:"status"`
	// Detail is what was seen when it failed, and the reason when it was skipped.
	Detail  string  `json:"detail,omitempty"`
	Seconds float64 `json:"seconds"`
}

// Findings are errors for what failed, and notes for what was not checked, about a file, sorted. Checks of a connector that
// were not made for one reason are one note, of the first of them.
func Findings(file string, results []Result) []finding.Finding {
	var findings []finding.Finding
	same := map[string][]string{} // ids, by connector and reason
	for _, r := range results {
		if r.Status == Skip {
			same[r.Connector+r.Detail] = append(same[r.Connector+r.Detail], r.ID)
		}
	}
	for _, r := range results {
		f := finding.Finding{
			Rule: r.ID, Severity: finding.Error, File: file,
			Message: r.Connector + ": " + r.Detail, Hint: "demanded: " + r.Title,
		}
		switch r.Status {
		case Pass:
			continue
		case Skip:
			ids := same[r.Connector+r.Detail]
			if r.ID != ids[0] {
				continue
			}
			f.Severity = finding.Info
			f.Message = r.Connector + ": not checked: " + r.Detail
			if len(ids) > 1 {
				f.Message = fmt.Sprintf("%s: %d checks not made: %s", r.Connector, len(ids), r.Detail)
				f.Hint = "not made: " + strings.Join(ids, ", ")
			}
		}
		findings = append(findings, f)
	}
	finding.Sort(findings)
	return findings
}

// skipped is why a check could not be made.
type skipped string

func (s skipped) Error() string { return string(s) }

func skipf(format string, args ...any) error { return skipped(fmt.Sprintf(format, args...)) }

// outcome tells a check's outcome from its error.
func outcome(err error) (Status, string) {
	var skip skipped
	switch {
	case err == nil:
		return Pass, ""
	case errors.As(err, &skip):
		return Skip, string(skip)
	}
	return Fail, err.Error()
}
