package finding

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// Case is one check as JUnit's XML has it. At most one of Failure and Skipped is set.
type Case struct {
	// Suite is what was checked; cases of a suite follow each other.
	Suite   string
	Name    string
	Seconds float64
	Failure string // what was wrong
	Skipped string // why it was not checked
	Output  string // what is to be said of it that is no failure
}

// CaseOf is a case that findings say all about: it fails if there are errors, and warnings and notes are its output.
func CaseOf(suite, name string, findings []Finding) Case {
	var failures, others []string
	for _, f := range findings {
		text := f.String()
		if f.Hint != "" {
			text += "; " + f.Hint
		}
		if f.Severity == Error {
			failures = append(failures, text)
		} else {
			others = append(others, text)
		}
	}
	return Case{Suite: suite, Name: name, Failure: strings.Join(failures, "\n"), Output: strings.Join(others, "\n")}
}

// RuleCases are the cases of a thing that was judged by rules: one for each rule that has found something, and one for the
// thing itself where none of them is an error, so that what is right shows too.
func RuleCases(suite, name string, findings []Finding) []Case {
	var order []string
	byRule := map[string][]Finding{}
	for _, f := range findings {
		if byRule[f.Rule] == nil {
			order = append(order, f.Rule)
		}
		byRule[f.Rule] = append(byRule[f.Rule], f)
	}
	var cases []Case
	if !HasErrors(findings) {
		cases = append(cases, Case{Suite: suite, Name: name})
	}
	for _, rule := range order {
		cases = append(cases, CaseOf(suite, rule, byRule[rule]))
	}
	return cases
}

var _ = register("junit", writeJUnit)

// The elements that CI systems read of JUnit's XML, which has no specification: see the schema of the Jenkins xUnit plugin.
// They want the counts of a suite before its cases.
type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure"`
	Skipped *junitMessage `xml:"skipped"`
	Output  string        `xml:"system-out,omitempty"`
}

// junitMessage is a line for lists, and all of it where it has more of them.
type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes a suite for each value of Suite among the cases, and one for what could not be done at all.
func writeJUnit(w io.Writer, r *Report) error {
	cases := r.Cases
	for _, f := range r.Findings {
		if f.Rule == "not-done" {
			cases = append(cases, CaseOf("kpkg "+r.Command, f.Rule, []Finding{f}))
		}
	}
	if _, err := fmt.Fprintf(w, "%s<testsuites name=\"kpkg %s\">\n", xml.Header, r.Command); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("  ", "  ")
	for len(cases) > 0 {
		suite := junitSuite{Name: junitLine(cases[0].Suite)}
		n := 0
		seconds := 0.0
		for ; n < len(cases) && cases[n].Suite == cases[0].Suite; n++ {
			suite.add(cases[n])
			seconds += cases[n].Seconds
		}
		suite.Time = junitTime(seconds)
		if err := encoder.Encode(suite); err != nil {
			return err
		}
		cases = cases[n:]
	}
	_, err := io.WriteString(w, "\n</testsuites>\n")
	return err
}

func (s *junitSuite) add(c Case) {
	written := junitCase{
		Class: s.Name, Name: junitLine(c.Name), Time: junitTime(c.Seconds), Output: PrintableLines(cut(c.Output, maxCase)),
	}
	if c.Failure != "" {
		written.Failure = newJUnitMessage(c.Failure)
		s.Failures++
	}
	if c.Skipped != "" {
		written.Skipped = newJUnitMessage(c.Skipped)
		s.Skipped++
	}
	s.Tests++
	s.Cases = append(s.Cases, written)
}

func newJUnitMessage(text string) *junitMessage {
	line, _, more := strings.Cut(text, "\n")
	message := &junitMessage{Message: junitLine(line)}
	if more {
		message.Text = PrintableLines(cut(text, maxCase))
	}
	return message
}

func junitLine(s string) string { return Printable(cut(s, maxMessage)) }

func junitTime(seconds float64) string { return fmt.Sprintf("%.3f", seconds) }
