package finding

import (
	"io"
	"strings"
)

// Report is what a command says that judges or makes, in any format: what was found, and what the command adds.
// Findings come into it by Add, in groups of what they are about, so that it stays within bounds.
type Report struct {
	// Command is the command's name, such as "verify".
	Command string
	// Findings are those added, in their order.
	Findings []Finding
	// Lists are what the command says beside findings, for programs.
	Lists []List
	// Rules are those that findings may name, for formats that say what a rule is about.
	Rules []Rule
	// Locate, when set, names a file as whoever shows findings beside the code does: from the top of the repository.
	Locate func(file string) string
	// Cases are the command's checks as CI systems show them. Without any, the findings are: see junit.go.
	Cases []Case
	// Text is how the findings are shown to people. Show, when set, writes all that people are shown in their place.
	Text Text
	Show func(io.Writer) error

	// Failed says that something could not be done, whatever was found: see Fail.
	Failed bool

	used int // bytes of text
}

// List is one list of a report's JSON, under its name. Items are encoded by encoding/json, one after another.
type List struct {
	Name  string
	Items []any
	// More, when set, visits items behind these, which need not be in memory, up to the first error.
	More func(visit func(item any) error) error
}

// NewList makes a list of any items.
func NewList[T any](name string, items []T) List {
	list := List{Name: name, Items: make([]any, len(items))}
	for i, item := range items {
		list.Items[i] = item
	}
	return list
}

// Add adds the findings on one thing that was judged, and returns what the report shows of them: the first of each kind, as
// long as there is room for their text, and how many more there are. Every string in them has the length of a line at most.
func (r *Report) Add(findings ...Finding) []Finding {
	left := maxText - r.used
	shown := bound(findings, &left)
	r.used = maxText - left
	r.Findings = append(r.Findings, shown...)
	return shown
}

// Fail adds what could not be done, about a file or, where that is "", about nothing in particular. It is an error beside
// those that were found.
func (r *Report) Fail(file string, err error) []Finding { return r.FailBy("not-done", file, err) }

// FailBy is Fail with the rule of a package that says more of the reason.
func (r *Report) FailBy(rule, file string, err error) []Finding {
	r.Failed = true
	return r.Add(Finding{Rule: rule, Severity: Error, File: file, Message: oneLine(err.Error())})
}

// located is the file of a finding as Locate names it.
func (r *Report) located(f Finding) string {
	file := Printable(cut(f.File, maxPath))
	if r.Locate == nil || f.File == "" {
		return file
	}
	return r.Locate(file)
}

// oneLine joins the lines of a text, such as a compiler's, as a message has them.
func oneLine(text string) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "; ")
}

// Count returns how many findings have the severity, those included that are only counted.
func (r *Report) Count(severity Severity) int { return Count(r.Findings, severity) }
