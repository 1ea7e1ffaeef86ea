// Package finding holds what kpkg's judges say and how it is shown.
//
// Everything that judges (manifest, gobuild, verify, the conformance suite) returns a list of findings; nothing else in
// kpkg prints one. This package knows nothing of manifests or packages and imports no other package of kpkg.
package finding

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity orders findings by what they mean for the package.
type Severity int

const (
	// Info is worth knowing and needs no action.
	Info Severity = iota
	// Warning does not stop the package from being built, installed and used by the released client.
	Warning
	// Error does.
	Error
)

var severities = [...]string{Info: "info", Warning: "warning", Error: "error"}

// String is "info", "warning" or "error", the spelling of every output format.
func (s Severity) String() string {
	if s < 0 || int(s) >= len(severities) {
		return fmt.Sprintf("severity(%d)", int(s))
	}
	return severities[s]
}

// MarshalText writes the spelling of String.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the spelling of String.
func (s *Severity) UnmarshalText(text []byte) error {
	i := slices.Index(severities[:], string(text))
	if i < 0 {
		return fmt.Errorf("unknown severity %q", text)
	}
	*s = Severity(i)
	return nil
}

// Finding is one judgement. Rule, Severity and Message are always set.
type Finding struct {
	// Rule is the stable identifier of the check, such as "protocol-builtin": lower case, words joined by dashes.
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// File is the file judged, as the user named it or relative to what the user named.
	File string `json:"file,omitempty"`
	// Line and Column count from 1; 0 means the finding is about all of the file. Columns count bytes.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
	// Message says what is wrong in one lower-case sentence without a full stop.
	Message string `json:"message"`
	// Hint says what to do about it, when there is something to say.
	Hint string `json:"hint,omitempty"`
	// More, when it is not 0, is how many findings of the rule and severity this one stands for, which are not shown.
	More int `json:"more,omitempty"`
}

// count is how many findings it stands for.
func (f Finding) count() int { return max(1, f.More) }

// String is the one-line form: file:line:column: severity: message [rule].
func (f Finding) String() string {
	return fmt.Sprintf("%s%s: %s [%s]", f.position(), f.Severity, f.Message, f.Rule)
}

func (f Finding) position() string {
	switch {
	case f.File == "":
		return ""
	case f.Line == 0:
		return f.File + ": "
	case f.Column == 0:
		return fmt.Sprintf("%s:%d: ", f.File, f.Line)
	}
	return fmt.Sprintf("%s:%d:%d: ", f.File, f.Line, f.Column)
}

// Sort orders findings by file, position, severity (worst first), rule and message, so that output never depends on the
// order of checks or maps.
func Sort(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(b.Severity, a.Severity),
			cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Message, b.Message),
		)
	})
}

// WorstFirst is the order in which people read findings: errors, then warnings, then notes, each as they were.
func WorstFirst(findings []Finding) []Finding {
	sorted := slices.Clone(findings)
	slices.SortStableFunc(sorted, func(a, b Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	return sorted
}

// Count returns how many findings have the severity, those included that others stand for.
func Count(findings []Finding, severity Severity) int {
	n := 0
	for _, f := range findings {
		if f.Severity == severity {
			n += f.count()
		}
	}
	return n
}

// HasErrors reports whether any finding is an Error.
func HasErrors(findings []Finding) bool { return Count(findings, Error) > 0 }
