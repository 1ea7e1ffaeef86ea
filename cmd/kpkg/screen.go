package main

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/suggest"
)

// screen is what the flags that all commands have say of what is printed. There is one, as there is one terminal.
var screen = struct {
	quiet, verbose bool
	color          oneOf
}{color: oneOf{value: "auto", known: []string{"auto", "always", "never"}}}

// addScreenFlags adds the flags of all commands.
func addScreenFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.BoolVarP(&screen.quiet, "quiet", "q", false, "print errors only")
	flags.BoolVarP(&screen.verbose, "verbose", "v", false, "print more")
	flags.Var(&screen.color, "color", "`WHEN` to use colours: auto, always, never")
	completeValues(root, "color", screen.color.known...)
}

// oneOf is a flag that takes one of a few words.
type oneOf struct {
	value string
	known []string
}

func (o *oneOf) String() string { return o.value }
func (o *oneOf) Type() string   { return "word" }

func (o *oneOf) Set(s string) error {
	if !slices.Contains(o.known, s) {
		return fmt.Errorf("there is no %q: %s", finding.Cut(s), suggest.OneOf(s, o.known))
	}
	o.value = s
	return nil
}

func isTerminal(w any) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// width is how many columns the terminal has; 0 where there is none.
func width(w io.Writer) int {
	if !isTerminal(w) {
		return 0
	}
	columns, _, err := term.GetSize(int(w.(interface{ Fd() uintptr }).Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// useColor follows --color, then https://no-color.org and https://bixense.com/clicolors.
func useColor(w io.Writer) bool {
	force := os.Getenv("CLICOLOR_FORCE")
	switch {
	case screen.color.value != "auto":
		return screen.color.value == "always"
	case os.Getenv("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	}
	return isTerminal(w) && os.Getenv("TERM") != "dumb" && os.Getenv("CLICOLOR") != "0"
}

// textFor is how findings are written to w.
func textFor(w io.Writer) finding.Text { return finding.Text{Color: useColor(w), Width: width(w)} }

// printFindings writes findings that are in no report, the worst first: with the lines they are about when somebody is
// looking.
func printFindings(w io.Writer, findings []finding.Finding, source func(file string) []byte) error {
	return printShown(w, finding.Bound(finding.WorstFirst(findings)), source)
}

// printShown is printFindings for those of a report.
func printShown(w io.Writer, findings []finding.Finding, source func(file string) []byte) error {
	if screen.quiet {
		findings = onlyErrors(findings)
	}
	text := textFor(w)
	if isTerminal(w) {
		text.Source = source
	}
	return text.Write(w, finding.WorstFirst(findings))
}

func onlyErrors(findings []finding.Finding) []finding.Finding {
	var errs []finding.Finding
	for _, f := range findings {
		if f.Severity == finding.Error {
			errs = append(errs, f)
		}
	}
	return errs
}

// printVerdict is the line that says how it went.
func printVerdict(w io.Writer, good bool, format string, args ...any) error {
	if screen.quiet {
		return nil
	}
	line := finding.Printable(fmt.Sprintf(format, args...))
	_, err := fmt.Fprintln(w, finding.Wrap(textFor(w).Verdict(good, line), width(w), "  "))
	return err
}

// printNext says what may be done next, to people.
func printNext(w io.Writer, commands ...string) error {
	if screen.quiet || !isTerminal(w) {
		return nil
	}
	for i, command := range commands {
		lead := "next: "
		if i > 0 {
			lead = "      "
		}
		if _, err := fmt.Fprintln(w, lead+finding.Printable(command)); err != nil {
			return err
		}
	}
	return nil
}

// printError says what could not be done.
func printError(w io.Writer, err error) {
	text := textFor(w)
	fmt.Fprintln(w, finding.Wrap("kpkg: "+text.Verdict(false, "error:")+" "+errorText(err), text.Width, "  "))
}

// printHint says what to do about an error.
func printHint(w io.Writer, hint string) {
	fmt.Fprintln(w, finding.Wrap("kpkg: hint: "+finding.Printable(finding.CutMessage(hint)), width(w), "  "))
}

// printWarning says what is worth knowing.
func printWarning(w io.Writer, text string) {
	if !screen.quiet {
		fmt.Fprintln(w, finding.Wrap("kpkg: warning: "+finding.Printable(finding.CutMessage(text)), width(w), "  "))
	}
}
