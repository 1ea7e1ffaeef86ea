package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/create"
)

func newMatrixCommand() *cobra.Command {
	var chosen platforms
	cmd := &cobra.Command{
		Use:   "matrix MANIFEST...",
		Short: "Print the packages of integrations as a CI's build matrix",
		Long: `Print the packages to be made of the integrations, for a CI that spreads the work over its machines, each
running kpkg create with one element's manifest and platform:

  github  one line of JSON, {"include": [...]}, with name, manifest, platform,
          os and arch of each
  gitlab  a hidden job .kpkg-matrix for a child pipeline, whose parallel:matrix
          has KPKG_NAME, KPKG_MANIFEST and KPKG_PLATFORM of each
  json    a report, for other programs

It has all packages or is not printed: a release must not go out with some of them missing.

Exit status: 0 fine; 1 a manifest has errors; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg matrix s3 sftp imap
  kpkg matrix . --platform linux/amd64,linux/arm64
  kpkg matrix . --format gitlab > matrix.yml`,
		ValidArgsFunction: completeManifests,
	}
	cmd.Flags().Var(&chosen, "platform", "`LIST` of os/arch, or all: what each manifest names, else what upstream ships (default all)")
	format := formatFlag(cmd, "github", "gitlab", "json")
	completeLists(cmd, "platform", platformValues()...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		all, err := create.ValidateAll(cmd.Context(), args, create.ValidateOptions{})
		if err != nil {
			return err
		}
		var sources []*create.Source
		for _, one := range all {
			if one.Source != nil {
				sources = append(sources, one.Source)
			}
		}
		matrix := create.Matrix{Include: []create.MatrixElement{}}
		wrong := verdict(create.ValidateReport(all))
		if wrong == nil {
			matrix, err = create.NewMatrix(sources, chosen.chosen)
		}
		if errors.Is(err, create.ErrOptions) {
			return usageOf(err, create.ErrOptions)
		}
		if format.value == "json" {
			report := create.MatrixReport(all, matrix, err)
			return errors.Join(format.write(cmd, report), verdict(report))
		}
		for _, one := range all {
			if one.Err != nil {
				printError(cmd.ErrOrStderr(), one.Err)
			} else if err := printFindings(cmd.ErrOrStderr(), onlyErrors(one.Source.Findings), one.Source.Content); err != nil {
				return fmt.Errorf("printing the findings: %w", err)
			}
		}
		if err := cmp.Or(wrong, err); err != nil {
			return err
		}
		return printMatrix(cmd.OutOrStdout(), format.value, matrix)
	}
	return cmd
}

// printMatrix prints a matrix as a CI takes it.
func printMatrix(out io.Writer, format string, matrix create.Matrix) error {
	if format == "github" {
		return json.NewEncoder(out).Encode(matrix) // one line, for the output files of steps
	}
	text, err := matrix.GitLab()
	if errors.Is(err, create.ErrOptions) {
		return usageOf(err, create.ErrOptions)
	}
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}
