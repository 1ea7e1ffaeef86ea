package finding

import (
	"encoding/xml"
	"fmt"
	"io"
)

// Case is one check as JUnit's XML has it. At most one of Failure and Skipped is set.
type Case struct {
	// Suite is what was checked; cases of a suite follow each other.
	Suite   string
	Name    string
	Seconds float64
	Failure string // what was wrong
	Skipped string // why it was not checked
}

// The elements that CI systems read of JUnit's XML, which has no specification: see the schema of the Jenkins xUnit plugin.
type junitReport struct {
	XMLName xml.Name      `xml:"testsuites"`
	Name    string        `xml:"name,attr"`
	Suites  []*junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
	seconds  float64
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure"`
	Skipped *junitMessage `xml:"skipped"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
}

// WriteJUnit writes checks as JUnit's XML, with a suite for each value of Suite.
func WriteJUnit(w io.Writer, name string, cases []Case) error {
	report := junitReport{Name: name}
	for _, c := range cases {
		if n := len(report.Suites); n == 0 || report.Suites[n-1].Name != c.Suite {
			report.Suites = append(report.Suites, &junitSuite{Name: c.Suite})
		}
		report.Suites[len(report.Suites)-1].add(c)
	}
	for _, suite := range report.Suites {
		suite.Time = junitTime(suite.seconds)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(report); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) add(c Case) {
	written := junitCase{Class: c.Suite, Name: c.Name, Time: junitTime(c.Seconds)}
	if c.Failure != "" {
		written.Failure = &junitMessage{Printable(c.Failure)}
		s.Failures++
	}
	if c.Skipped != "" {
		written.Skipped = &junitMessage{Printable(c.Skipped)}
		s.Skipped++
	}
	s.Tests++
	s.seconds += c.Seconds
	s.Cases = append(s.Cases, written)
}

func junitTime(seconds float64) string { return fmt.Sprintf("%.3f", seconds) }
