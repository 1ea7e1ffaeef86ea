package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
)

// format is the --format flag of the commands that print a report.
type format struct{ oneOf }

// formatFlag adds --format, with all formats of reports, or only those known, of which the first is the default.
func formatFlag(cmd *cobra.Command, known ...string) *format {
	if len(known) == 0 {
		known = finding.Formats()
	}
	f := &format{oneOf{value: known[0], known: known}}
	cmd.Flags().Var(f, "format", "`FORMAT` of the output: "+strings.Join(known, ", "))
	completeValues(cmd, "format", known...)
	return f
}

const textFormat = "text"

// isText tells the format for people: what could not be done is then an error on the standard error only.
func (f *format) isText() bool { return f.value == textFormat }

// write writes a report to the standard output.
func (f *format) write(cmd *cobra.Command, report *finding.Report) error {
	out := cmd.OutOrStdout()
	source := report.Text.Source
	report.Text = textFor(out)
	if isTerminal(out) || !f.isText() {
		report.Text.Source = source
	}
	report.Rules, report.Locate = allRules(), fromRepository
	return finding.Write(out, f.value, report)
}

// fromRepository names a file from the top of the git repository that it is in, as GitHub and others who show findings beside
// code do. Outside of one it keeps its name.
func fromRepository(file string) string {
	absolute, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	for dir := filepath.Dir(absolute); ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			if name, err := filepath.Rel(dir, absolute); err == nil {
				return filepath.ToSlash(name)
			}
		}
		if dir == filepath.Dir(dir) {
			return file
		}
	}
}

// errorText is an error as it is printed; a compiler's has lines of its own.
func errorText(err error) string {
	if failed := (*fs.PathError)(nil); errors.As(err, &failed) {
		temporary := os.TempDir()
		// Of what is in there, only what is named so is kpkg's own: the user's may be on another disk.
		isTemporary := failed.Path == temporary || strings.HasPrefix(failed.Path, filepath.Join(temporary, "kpkg-"))
		_, missing := os.Stat(temporary)
		switch {
		case failed.Path == os.Stdout.Name():
			return fmt.Sprintf("the standard output cannot be written: %v", failed.Err)
		case isTemporary && missing != nil:
			return finding.Printable(fmt.Sprintf("the temporary folder %s is not there: set TMPDIR to one that is", temporary))
		case isTemporary && errors.Is(err, syscall.ENOSPC):
			return finding.Printable(fmt.Sprintf("the temporary folder %s is full: make room, or set TMPDIR to another", temporary))
		}
	}
	if build := (*gobuild.BuildError)(nil); errors.As(err, &build) {
		return finding.PrintableLines(err.Error())
	}
	return finding.Printable(finding.CutMessage(err.Error()))
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
