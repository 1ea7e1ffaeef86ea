package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
)

func newValidateCommand() *cobra.Command {
	var opts create.ValidateOptions
	cmd := &cobra.Command{
		Use:   "validate [manifest.yaml]",
		Short: "Check a manifest and the source tree around it",
		Long: `Check an integration's manifest: its keys and values, the files and main packages it names, the
JSON schemas of its connectors. Nothing is built and nothing of the tree is run. The argument is
the manifest or its folder; without one, ./manifest.yaml is checked.

Findings go to the standard output, sorted, one line each: FILE:LINE:COLUMN: SEVERITY: MESSAGE [RULE],
with the source line below on a terminal. What breaks building, installing or using the package
with released clients is an error; what only upstream's newer, stricter validator refuses is a
warning, and an error with --strict.

Exit status: 0 no errors; 1 errors; 2 wrong usage; 3 the manifest could not be read.`,
		Args: cobra.MaximumNArgs(1),
	}
	format := formatFlag(cmd.Flags())
	cmd.Flags().BoolVar(&opts.Strict, "strict", false, "make errors of what upstream's newer validator refuses")
	cmd.Flags().BoolVar(&opts.ManifestOnly, "manifest-only", false, "check the manifest alone, not the files and packages it names")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path := manifest.FileName
		if len(args) == 1 {
			path = args[0]
		}
		source, err := create.Validate(cmd.Context(), path, opts)
		if err != nil && format.isText() {
			return err
		}
		report := create.ValidateReport(path, source, err)
		if err := errors.Join(format.write(cmd, report), err); err != nil {
			return err
		}
		if format.isText() {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", finding.Printable(source.Document.File), tally(source, source.Findings))
		}
		return verdict(report)
	}
	return cmd
}

// tally is the count of findings, and of those that the manifest silences.
func tally(source *create.Source, findings []finding.Finding) string {
	if source.Silenced == 0 {
		return finding.Tally(findings)
	}
	return fmt.Sprintf("%s, %d silenced", finding.Tally(findings), source.Silenced)
}
