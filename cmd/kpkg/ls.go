package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/inspect"
	"github.com/PlakarKorp/kpkg/internal/entrymode"
	"github.com/PlakarKorp/kpkg/ptarread"
)

const patternsHelp = `PATTERN selects entries: a path, in any form, with all that is below it. In an element of a path, * stands for
any characters, ? for one, [a-z] for one of these, and ** for any number of elements. Quote it, so that the shell leaves
it alone.`

func newListCommand() *cobra.Command {
	var flags ptarFlags
	var opts inspect.ListOptions
	var long bool
	cmd := &cobra.Command{
		Use:   "ls FILE [PATTERN...]",
		Short: "List what is in a package or an archive",
		Long: `List what is in a ptar, a package or an archive that plakar or kpkg made: the paths below what its source began
at, the same that kpkg extract makes and kpkg cat takes.

` + patternsHelp + `

FILE may also be an http(s) URL, or - for the standard input.

Exit status: 0 it is listed; 2 wrong usage; 3 it could not be read, or not all of it.`,
		Example: `  kpkg ls -l ftp_v0.1.0_linux_amd64.ptar
  kpkg ls -R backup.ptar 'photos/**/*.jpg' --snapshot latest`,
	}
	flags.add(cmd, true)
	cmd.Flags().BoolVarP(&long, "long", "l", false, "show mode, size and time of the last change too")
	cmd.Flags().BoolVarP(&opts.Recursive, "recursive", "R", false, "list what is below folders too")
	cmd.Flags().BoolVar(&opts.Digest, "digest", false, "show the SHA-256 of files, as sha256sum does")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		file := args[0]
		opts.Patterns = args[1:]
		opened, err := flags.open(cmd, file)
		if err != nil {
			return cannotOpen(cmd, format, err, func(err error) *finding.Report {
				return inspect.ListReport(file, nil, new(inspect.Entries), inspect.Listed{}, err)
			})
		}
		defer opened.Close()
		if !format.isText() {
			var entries inspect.Entries
			listed, err := inspect.List(cmd.Context(), opened.Snapshot, opts, entries.Add)
			report := inspect.ListReport(file, opened.Snapshot, &entries, listed, err)
			return errors.Join(format.write(cmd, report), entries.Close(), verdict(report))
		}
		return printListing(cmd, opened.Snapshot, opts, long)
	}
	return cmd
}

// cannotOpen is how a command ends that cannot read what it is to read: programs get a report of that.
func cannotOpen(cmd *cobra.Command, format *format, err error, report func(error) *finding.Report) error {
	var usage usageError
	if format.isText() || errors.As(err, &usage) {
		return err
	}
	r := report(err)
	return errors.Join(format.write(cmd, r), verdict(r))
}

// printListing prints entries as they come.
func printListing(cmd *cobra.Command, snapshot *ptarread.Snapshot, opts inspect.ListOptions, long bool) error {
	out := bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10)
	listed, err := inspect.List(cmd.Context(), snapshot, opts, func(e inspect.Entry) error {
		return printEntry(out, e, long, opts.Digest)
	})
	if err := errors.Join(out.Flush(), err); err != nil {
		return err
	}
	printMissing(cmd.ErrOrStderr(), "warning: not in it", listed.MissingOnes, listed.Missing)
	printMissing(cmd.ErrOrStderr(), "error", listed.Failures, listed.Failed)
	if listed.Failed > 0 {
		return errFailed
	}
	return nil
}

func printEntry(out io.Writer, e inspect.Entry, long, digests bool) error {
	line := finding.Printable(finding.CutMessage(e.Path))
	if digests {
		if e.Digest == "" && !long {
			return nil // as sha256sum leaves out what is no file
		}
		line = fmt.Sprintf("%-64s  %s", e.Digest, line)
	}
	if long {
		if e.Target != "" {
			line += " -> " + finding.Printable(finding.CutMessage(e.Target))
		}
		line = fmt.Sprintf("%s %10s  %s  %s", entrymode.Text(e.Mode), humanize.IBytes(uint64(max(e.Size, 0))),
			e.ModTime.Local().Format("2006-01-02 15:04"), line)
	}
	_, err := fmt.Fprintln(out, line)
	return err
}

// shownFailures is how many failures people are shown.
const shownFailures = 30

// printMissing prints failures, the first of all.
func printMissing(w io.Writer, severity string, failures []inspect.Failure, all int) {
	for i, f := range failures {
		if i == shownFailures {
			break
		}
		text := finding.CutMessage(f.Error.Error())
		if f.Path != "" {
			text = finding.Cut(f.Path) + ": " + text
		}
		fmt.Fprintln(w, finding.Wrap("kpkg: "+severity+": "+finding.Printable(text), width(w), "  "))
	}
	if more := all - min(len(failures), shownFailures); more > 0 {
		fmt.Fprintf(w, "kpkg: %s: and %s\n", severity, english.Plural(more, "other", ""))
	}
}
