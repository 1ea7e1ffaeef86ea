package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
)

// format is the --format flag of the commands that answer with a report.
type format struct {
	name  string
	known []string
}

// formatFlag adds --format, with all formats of reports, or only those known.
func formatFlag(flags *pflag.FlagSet, known ...string) *format {
	if len(known) == 0 {
		known = finding.Formats()
	}
	f := &format{name: textFormat, known: known}
	flags.Var(f, "format", "output format: "+strings.Join(known, ", "))
	return f
}

const textFormat = "text"

// isText tells the format for people: what could not be done is then an error on the standard error only.
func (f *format) isText() bool { return f.name == textFormat }

// write writes a report to the standard output.
func (f *format) write(cmd *cobra.Command, report *finding.Report) error {
	out := cmd.OutOrStdout()
	source := report.Text.Source
	report.Text = textFor(out)
	if isTerminal(out) {
		report.Text.Source = source
	}
	return finding.Write(out, f.name, report)
}

func (f *format) String() string { return f.name }
func (f *format) Type() string   { return "format" }

func (f *format) Set(s string) error {
	if !slices.Contains(f.known, s) {
		return fmt.Errorf("use one of %q", f.known)
	}
	f.name = s
	return nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// useColor follows https://no-color.org.
func useColor(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// textFor is how findings are written to w.
func textFor(w io.Writer) finding.Text {
	text := finding.Text{Color: useColor(w)}
	if f, ok := w.(*os.File); ok && isTerminal(w) {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			text.Width = width
		}
	}
	return text
}

// printFindings writes findings that are in no report: with the lines they are about when somebody is looking.
func printFindings(w io.Writer, findings []finding.Finding, source func(file string) []byte) error {
	text := textFor(w)
	if isTerminal(w) {
		text.Source = source
	}
	return text.Write(w, finding.Bound(findings))
}

// printError says what could not be done.
func printError(w io.Writer, err error) {
	message := finding.Printable(finding.CutMessage(err.Error()))
	if build := (*gobuild.BuildError)(nil); errors.As(err, &build) {
		message = finding.PrintableLines(err.Error())
	}
	fmt.Fprintf(w, "kpkg: error: %s\n", message)
}

// verdict is the error that a report ends a command with.
func verdict(report *finding.Report) error {
	switch {
	case report.Failed:
		return errFailed
	case finding.HasErrors(report.Findings):
		return errFindings
	}
	return nil
}
