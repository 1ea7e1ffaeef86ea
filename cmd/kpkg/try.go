package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/try"
)

const tryConfiguration = `The connector's configuration is given as key=value. So that a secret is neither in the shell's
history nor in the list of processes, key=@file takes the value from a file, and 'key=$NAME', quoted
so that the shell leaves it alone, from a variable of the environment. Such values are cut out of all
that is printed.`

func newTryCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "try",
		Short: "Back up and restore through a package, without plakar",
		Long: `Back up and restore through a package, without plakar: an importer's source into a data file, and from
there to an exporter's destination. A data file is a ptar that plakar restores too.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTryBackupCommand(), newTryRestoreCommand(), newTryListCommand())
	for _, sub := range cmd.Commands() {
		sub.Args = asUsage(sub.Args)
	}
	return cmd
}

func newTryBackupCommand() *cobra.Command {
	var opts try.Options
	var quiet bool
	cmd := &cobra.Command{
		Use:   "backup PACKAGE LOCATION [KEY=VALUE...] -o FILE",
		Short: "Back a source up into a data file, through a package's importer",
		Long: `Back LOCATION up into a data file, through the importer of PACKAGE that serves its protocol. PACKAGE is
a package, or a manifest.yaml or its folder: then the package is made first. Only a package that
verifies is run.

` + tryConfiguration + `

Entries that cannot be read are listed, and the others are backed up all the same. The data file
appears under its name once it is whole; one that is there is kept unless --force is given.

Exit status: 0 all is backed up; 1 the package has errors; 2 wrong usage; 3 it could not be done, or not
for all entries.`,
		Example: `  kpkg try backup ftp_v0.1.0_linux_amd64.ptar ftp://host/folder 'password=$FTP_PASSWORD' -o data.ptar
  kpkg try backup examples/imap imap://host username=me password=@secret.txt -o mail.ptar`,
		Args: cobra.MinimumNArgs(2),
	}
	cmd.Flags().StringVarP(&opts.Data, "output", "o", "", "`FILE` to back up into")
	cmd.Flags().BoolVar(&opts.Force, "force", false, "replace a data file that is there")
	cmd.Flags().BoolVar(&quiet, "quiet", false, "print nothing but errors")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if opts.Data == "" {
			return usagef("name the data file to make, as in -o data.ptar")
		}
		opts.Package, opts.Location = args[0], args[1]
		if opts.Config, err = try.ParseConfig(args[2:]); err != nil {
			return usageError{err}
		}
		shown := newTransfer(cmd.ErrOrStderr(), quiet)
		opts.Progress, opts.Stderr, opts.CacheDir = shown.step, shown, cacheDir()
		result, err := try.Backup(cmd.Context(), opts)
		shown.close()
		if err := tryVerdict(cmd.ErrOrStderr(), result, err); err != nil {
			return err
		}
		if !quiet {
			fmt.Fprintf(cmd.OutOrStdout(), "backed up %s to %s, %s\n",
				shown.copied(result.Progress), finding.Printable(opts.Data), humanize.IBytes(uint64(result.Size)))
		}
		return failedEntries(result)
	}
	return cmd
}

func newTryRestoreCommand() *cobra.Command {
	var opts try.Options
	var quiet bool
	cmd := &cobra.Command{
		Use:   "restore PACKAGE LOCATION FILE [KEY=VALUE...]",
		Short: "Restore a data file to a destination, through a package's exporter",
		Long: `Restore a data file to LOCATION, through the exporter of PACKAGE that serves its protocol. PACKAGE is a
package, or a manifest.yaml or its folder: then the package is made first. Only a package that
verifies is run. What the source began at becomes LOCATION.

` + tryConfiguration + `

Entries that cannot be restored are listed, and the others are restored all the same. So are entries
that the data file lacks, and devices, pipes and sockets, which are never restored. Extended attributes
are restored if the exporter takes them, and counted otherwise.

Exit status: 0 all is restored; 1 the package has errors; 2 wrong usage; 3 it could not be done, or not for
all entries.`,
		Example: `  kpkg try restore imap_v0.1.0_linux_amd64.ptar imap://host mail.ptar username=me password=@secret.txt`,
		Args:    cobra.MinimumNArgs(3),
	}
	cmd.Flags().BoolVar(&quiet, "quiet", false, "print nothing but errors")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		opts.Package, opts.Location, opts.Data = args[0], args[1], args[2]
		if opts.Config, err = try.ParseConfig(args[3:]); err != nil {
			return usageError{err}
		}
		shown := newTransfer(cmd.ErrOrStderr(), quiet)
		opts.Progress, opts.Stderr, opts.CacheDir = shown.step, shown, cacheDir()
		result, err := try.Restore(cmd.Context(), opts)
		shown.close()
		if err := tryVerdict(cmd.ErrOrStderr(), result, err); err != nil {
			return err
		}
		if n := result.AttributesLeft; n > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "kpkg: warning: %s not restored: the exporter takes none\n",
				english.Plural(n, "extended attribute was", "extended attributes were"))
		}
		if !quiet {
			fmt.Fprintf(cmd.OutOrStdout(), "restored %s from %s\n", shown.copied(result.Progress), finding.Printable(opts.Data))
		}
		return failedEntries(result)
	}
	return cmd
}

// tryVerdict prints what failed, and returns the error that the command ends with if it could not be done at all.
func tryVerdict(diagnostics io.Writer, result try.Result, err error) error {
	printFailures(diagnostics, "error", result.Failures)
	if more := result.Failed - len(result.Failures); more > 0 {
		fmt.Fprintf(diagnostics, "kpkg: error: and %d more\n", more)
	}
	var rejected *host.RejectedError
	if !errors.As(err, &rejected) {
		return err
	}
	if err := printFindings(diagnostics, rejected.Findings, nil); err != nil {
		return fmt.Errorf("printing the findings: %w", err)
	}
	fmt.Fprintf(diagnostics, "%s: %s; it was not run\n", finding.Printable(rejected.Path), finding.Tally(rejected.Findings))
	return errFindings
}

// failedEntries is the error of a backup or restore that is not complete.
func failedEntries(result try.Result) error {
	if result.Failed == 0 {
		return nil
	}
	return fmt.Errorf("%s could not be copied: see above", english.Plural(result.Failed, "entry", "entries"))
}

func printFailures(w io.Writer, severity string, failures []try.Failure) {
	for _, f := range failures {
		text := f.Error
		if f.Path != "" {
			text = f.Path + ": " + text
		}
		fmt.Fprintf(w, "kpkg: %s: %s\n", severity, finding.Printable(finding.CutMessage(text)))
	}
}

func newTryListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ls FILE",
		Short: "List what a data file holds",
		Long: `List what a data file holds: mode, size, time of the last change and path of each entry, then where it came
from. What could not be read when it was made is listed as warnings.

Exit status: 0 it is listed; 2 wrong usage; 3 it could not be read.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			entries := 0
			contents, err := try.List(cmd.Context(), args[0], func(e try.Entry) error {
				entries++
				path := e.Path
				if e.Target != "" {
					path += " -> " + e.Target
				}
				_, err := fmt.Fprintf(out, "%s %10s  %s  %s\n", e.Mode, humanize.IBytes(uint64(max(e.Size, 0))),
					e.ModTime.Local().Format("2006-01-02 15:04"), finding.Printable(finding.CutMessage(path)))
				return err
			})
			if err != nil {
				return err
			}
			printFailures(cmd.ErrOrStderr(), "warning: not in it", contents.Failures)
			_, err = fmt.Fprintf(out, "%s of %s %s, from %s, backed up %s\n",
				english.Plural(entries, "entry", "entries"), printed(contents.Type), printed(contents.Origin), printed(contents.Root),
				contents.Time.Local().Format("2006-01-02 15:04"))
			return err
		},
	}
}

// printed is a string out of a data file as it is printed.
func printed(s string) string { return finding.Printable(finding.Cut(s)) }
