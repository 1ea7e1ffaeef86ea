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
		return slices.Concat(pluginGates, importerGates, locatedChecks, pluginChecks, settingsChecks, processChecks,
			importerContentChecks, importerHostChecks, importerSourceChecks)
	case Exporter:
		return slices.Concat(pluginGates, exporterGates, locatedChecks, pluginChecks, settingsChecks, processChecks,
			exporterContentChecks, exporterHostChecks)
	case Storage:
		return slices.Concat(pluginGates, storageGates, locatedChecks, pluginChecks, settingsChecks, processChecks,
			storageContentChecks, storageHostChecks)
	case SecretProvider:
		return slices.Concat(pluginGates, secretProviderGates, pluginChecks, settingsChecks, processChecks, secretProviderChecks)
	case Inventory:
		return slices.Concat(pluginGates, inventoryGates, pluginChecks, settingsChecks, processChecks, inventoryChecks)
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
	Detail string `json:"detail,omitempty"`
	// Sent and Hurts, of what failed, are what the check had sent, and what the failure does to plakar's users.
	Sent  string `json:"sent,omitempty"`
	Hurts string `json:"hurts,omitempty"`
	// SDK is the name and version of the SDK whose fault it is, and not the connector's author's.
	SDK     string  `json:"sdk,omitempty"`
	Seconds float64 `json:"seconds"`
}

// Findings are errors for what failed, and notes for what was not checked, about a file, sorted. Checks of a connector that
// were not made for one reason are one note, of the first of them. What an SDK is to blame for is one error and one note.
func Findings(file string, results []Result) []finding.Finding {
	findings := sdkFindings(file, results)
	results = slices.DeleteFunc(slices.Clone(results), func(r Result) bool { return r.SDK != "" })
	same := map[string][]string{} // ids, by connector and reason
	for _, r := range results {
		if r.Status == Skip {
			same[r.Connector+r.Detail] = append(same[r.Connector+r.Detail], r.ID)
		}
	}
	for _, r := range results {
		f := finding.Finding{
			Rule: r.ID, Severity: finding.Error, File: file,
			Message: r.Connector + ": " + r.Detail, Hint: r.hint(),
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
			if strings.HasPrefix(r.Detail, noteMark) {
				f.Message = r.Connector + ": " + r.Detail
			}
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

// hint is what was expected and, of what failed, of what, and why it is.
func (r Result) hint() string {
	hint := "expected: " + r.Title
	if r.Hurts != "" {
		hint += "; sent: " + r.Sent + "; otherwise " + r.Hurts
	}
	return hint
}

// sdkFindings are what the SDKs are to blame for that plugins are built on: one error for what plakar's users can meet, and
// one note for what they cannot, whichever connectors it was seen with.
func sdkFindings(file string, results []Result) []finding.Finding {
	type blame struct {
		sdk    string
		status Status
	}
	seen := map[blame][]Result{}
	var order []blame
	for _, r := range results {
		key := blame{r.SDK, r.Status}
		if r.SDK == "" || slices.ContainsFunc(seen[key], func(other Result) bool { return other.ID == r.ID }) {
			continue
		}
		if seen[key] == nil {
			order = append(order, key)
		}
		seen[key] = append(seen[key], r)
	}
	var findings []finding.Finding
	for _, key := range order {
		f := finding.Finding{Rule: seen[key][0].ID, Severity: finding.Info, File: file}
		var ids, each []string
		for _, r := range seen[key] {
			ids = append(ids, r.ID)
			each = append(each, fmt.Sprintf("%s (%s; otherwise %s)", r.ID, r.Detail, r.Hurts))
		}
		f.Message = fmt.Sprintf("%s, on which this is built, has faults that no author of a connector can mend, and plakar "+
			"never triggers: %s", key.sdk, strings.Join(ids, ", "))
		f.Hint = "kpkg's SDK has none of them: docs/converting.md"
		if key.status == Fail {
			f.Severity = finding.Error
			f.Message = fmt.Sprintf("%s, on which this is built, is to blame and no author of a connector: %s", key.sdk,
				strings.Join(each, "; "))
			f.Hint = "kpkg's SDK has none of these faults, and takes one line in each executable: docs/converting.md"
		}
		findings = append(findings, f)
	}
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
