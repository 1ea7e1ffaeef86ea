package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
)

// format is the --format flag of the commands that judge.
type format struct {
	name  string
	known []string
}

func formatFlag(flags *pflag.FlagSet, known ...string) *format {
	f := &format{name: known[0], known: known}
	flags.Var(f, "format", "output format: "+strings.Join(known, " or "))
	return f
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

// printFindings writes findings for people: with the lines they are about when somebody is looking.
func printFindings(w io.Writer, findings []finding.Finding, source func(file string) []byte) error {
	text := finding.Text{Color: useColor(w)}
	if isTerminal(w) {
		text.Source = source
	}
	return text.Write(w, findings)
}

// printError says what could not be done.
func printError(w io.Writer, err error) {
	message := finding.Printable(err.Error())
	if build := (*gobuild.BuildError)(nil); errors.As(err, &build) {
		message = printableLines(err.Error())
	}
	fmt.Fprintf(w, "kpkg: error: %s\n", message)
}

// printableLines is finding.Printable for text that has lines of its own, such as a compiler's output.
func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = finding.Printable(strings.ReplaceAll(lines[i], "\t", "    "))
	}
	return strings.Join(lines, "\n")
}

// verdict is the error that findings end a command with.
func verdict(findings []finding.Finding) error {
	if finding.HasErrors(findings) {
		return errFindings
	}
	return nil
}
