package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
)

func newMatrixCommand() *cobra.Command {
	var chosen platforms
	cmd := &cobra.Command{
		Use:   "matrix MANIFEST...",
		Short: "Print the packages of integrations as a CI's build matrix",
		Long: `Print one line of JSON, {"include": [...]}, with an element for each package to be made of the
integrations: name, manifest, platform, os, arch. A CI that takes a matrix of jobs from it spreads
the work over its own machines, each running kpkg create with one element's manifest and platform.
It has all packages or is not printed.

Exit status: 0 fine; 1 a manifest has errors; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg matrix s3 sftp imap
  kpkg matrix . --platform linux/amd64,linux/arm64`,
		ValidArgsFunction: completeFiles("yaml", "yml"),
	}
	cmd.Flags().Var(&chosen, "platform", "`LIST` of os/arch, or all: what each manifest names, else what upstream ships (default all)")
	completeValues(cmd, "platform", platformValues()...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var sources []*create.Source
		var all []finding.Finding
		failed := false
		for _, path := range args {
			source, err := create.Validate(cmd.Context(), path, create.ValidateOptions{})
			if cmd.Context().Err() != nil {
				return context.Cause(cmd.Context())
			}
			if err != nil {
				printError(cmd.ErrOrStderr(), err)
				failed = true
				continue
			}
			errs := onlyErrors(source.Findings)
			if err := printFindings(cmd.ErrOrStderr(), errs, source.Content); err != nil {
				return fmt.Errorf("printing the findings: %w", err)
			}
			sources, all = append(sources, source), append(all, errs...)
		}
		// A matrix without some of the packages would have a CI publish a release with some missing.
		if failed {
			return errFailed
		}
		if finding.HasErrors(all) {
			return errFindings
		}
		matrix, err := create.NewMatrix(sources, chosen.chosen)
		if errors.Is(err, create.ErrOptions) {
			return usageOf(err, create.ErrOptions)
		}
		if err != nil {
			return err
		}
		// One line, for the output files of a CI's steps.
		return json.NewEncoder(cmd.OutOrStdout()).Encode(matrix)
	}
	return cmd
}
