package main

import (
	"errors"
	"io"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/inspect"
)

func newCheckCommand() *cobra.Command {
	var flags ptarFlags
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Compare every byte of packages and archives with what it should be",
		Long: `Read all of a ptar, of any number of snapshots, and compare every byte with what it should be: each blob with its
MAC, index and state with each other, each region with its own MAC. Damage is placed: the region, the offset in the file, and
the files that it hits.

What makes a ptar a package that plakar installs is for kpkg verify. Neither tells who made it: the key of the MACs of
a file that is not encrypted is in the file.

FILE may also be an http(s) URL, or - for the standard input.

Exit status: 0 nothing is damaged; 1 something is; 2 wrong usage; 3 one could not be read.`,
		Example: `  kpkg check backup.ptar
  kpkg check --passphrase-file secret.txt archives/*.ptar`,
	}
	flags.add(cmd, false)
	format := formatFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var all []inspect.Checked
		var failures []error
		for _, file := range args {
			one := inspect.Check(cmd.Context(), file, ptarOptions(cmd, &flags.words, file))
			all = append(all, one)
			failures = append(failures, one.Err)
			if cmd.Context().Err() != nil {
				break
			}
		}
		if format.isText() && len(args) == 1 && all[0].Err != nil {
			return all[0].Err
		}
		report := inspect.CheckReport("check", all)
		report.Show = func(out io.Writer) error { return printIntegrity(out, cmd.ErrOrStderr(), all) }
		if err := format.write(cmd, report); err != nil {
			return err
		}
		if cmd.Context().Err() != nil {
			return errors.Join(failures...)
		}
		return verdict(report)
	}
	return cmd
}

// printIntegrity shows a line or the damage of each ptar.
func printIntegrity(out, diagnostics io.Writer, all []inspect.Checked) error {
	bad := 0
	for _, c := range all {
		if c.Err != nil {
			bad++
			printError(diagnostics, c.Err)
			continue
		}
		findings := finding.Bound(c.Findings())
		if err := printShown(out, findings, nil); err != nil {
			return err
		}
		if len(findings) > 0 {
			bad++
			if err := printVerdict(out, false, "bad  %s  %s", c.File, finding.Tally(findings)); err != nil {
				return err
			}
			continue
		}
		if err := printVerdict(out, true, "ok  %s  %s, %s unpacked, %s", c.File, c.Summary(),
			humanize.IBytes(uint64(c.Unpacked)), humanize.IBytes(uint64(c.Size))); err != nil {
			return err
		}
	}
	if len(all) == 1 {
		return nil
	}
	return printVerdict(out, bad == 0, "%s", summary(len(all), bad, "file", "checked"))
}
