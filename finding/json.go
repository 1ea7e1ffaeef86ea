package finding

import (
	"encoding/json"
	"io"
)

// JSONVersion is the version of all JSON that kpkg's commands print. It changes only when a field goes away or changes its
// meaning; fields may be added.
const JSONVersion = 1

// Report is the JSON of a command that only judges: {"version": 1, "errors": 0, "warnings": 1, "findings": [...]}.
// Commands that say more embed it.
type Report struct {
	Version  int       `json:"version"`
	Errors   int       `json:"errors"`
	Warnings int       `json:"warnings"`
	Findings []Finding `json:"findings"`
}

// NewReport counts the findings.
func NewReport(findings []Finding) Report {
	if findings == nil {
		findings = []Finding{} // an array in JSON, never null
	}
	return Report{Version: JSONVersion, Errors: Count(findings, Error), Warnings: Count(findings, Warning), Findings: findings}
}

// WriteJSON writes any report, indented.
func WriteJSON(w io.Writer, report any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(report)
}
