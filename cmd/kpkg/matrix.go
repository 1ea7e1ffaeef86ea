package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/access"
	"github.com/PlakarKorp/kpkg/oci"
	"github.com/PlakarKorp/kpkg/registry"
)

func newMatrixCommand() *cobra.Command {
	var chosen platforms
	cmd := &cobra.Command{
		Use:   "matrix MANIFEST... [VERSION]",
		Short: "Print the packages of integrations as a CI's build matrix",
		Long: `Print the packages to be made of the integrations, for a CI that spreads the work over its machines, each
running kpkg create with one element's manifest and platform:

  github  one line of JSON, {"include": [...]}, with name, manifest, platform,
          os and arch of each
  gitlab  a hidden job .kpkg-matrix for a child pipeline, whose parallel:matrix
          has KPKG_NAME, KPKG_MANIFEST and KPKG_PLATFORM of each
  json    a report, for other programs

It has all packages or is not printed: a release must not go out with some of them missing.

With --since REF, a commit, tag or branch, it has the integrations whose packages can differ from those made
there: git is asked what changed, and go, for each platform, what they are built from. With --missing, it
has the packages that a registry lacks in VERSION, else in the version that each integration has. Why a
package is there or left out is said on the standard error, and in the JSON. Both together keep what both
keep.

Exit status: 0 fine; 1 a manifest has errors; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg matrix s3 sftp imap
  kpkg matrix . --platform linux/amd64,linux/arm64
  kpkg matrix . --format gitlab > matrix.yml
  kpkg matrix s3 sftp imap --since v1.2.0
  kpkg matrix s3 sftp v1.2.3 --missing oci://registry.example.org/acme`,
		ValidArgsFunction: completeManifests,
	}
	cmd.Flags().Var(&chosen, "platform", "`LIST` of os/arch, or all: what each manifest names, else what upstream ships (default all)")
	var since, missing string
	cmd.Flags().StringVar(&since, "since", "", "only integrations whose packages can differ from those of the commit, tag or branch `REF`")
	cmd.Flags().StringVar(&missing, "missing", "", "only packages that are not in the registry at `ADDRESS`, in a folder, or oci://HOST/REPO")
	format := formatFlag(cmd, "github", "gitlab", "json")
	completeLists(cmd, "platform", platformValues)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		manifests, version, err := args, "", error(nil)
		if missing != "" {
			if manifests, version, err = create.SplitVersion(args); err != nil {
				return usageOf(err, create.ErrOptions)
			}
		}
		all, err := create.ValidateAll(cmd.Context(), manifests, create.ValidateOptions{})
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
		if wrong == nil && err == nil && since != "" {
			matrix, err = matrix.Since(cmd.Context(), sources, since)
		}
		if wrong == nil && err == nil && missing != "" {
			matrix, err = matrixMissing(cmd.Context(), matrix, sources, version, missing)
		}
		if errors.Is(err, create.ErrOptions) {
			return usageOf(err, create.ErrOptions)
		}
		if usage := (usageError{}); errors.As(err, &usage) {
			return err
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
		if !screen.quiet {
			printReasons(cmd.ErrOrStderr(), "", matrix.Include)
			printReasons(cmd.ErrOrStderr(), "left out: ", matrix.LeftOut)
		}
		return printMatrix(cmd.OutOrStdout(), format.value, matrix)
	}
	return cmd
}

// matrixMissing keeps what the registry at a location lacks: as kpkg publish does, one integration has an OCI repository to itself,
// and several have theirs below it.
func matrixMissing(
	ctx context.Context, matrix create.Matrix, sources []*create.Source, version, location string,
) (create.Matrix, error) {
	if !oci.IsAddress(location) {
		published, err := registry.OpenPublished(ctx, location)
		if err != nil {
			return create.Matrix{}, err
		}
		return matrix.Missing(ctx, sources, version, access.Shown(location), published.Has)
	}
	address, err := oci.ParseAddress(location)
	if err == nil && address.Version != "" {
		err = fmt.Errorf("%s names a version: give that as VERSION", location)
	}
	if err != nil {
		return create.Matrix{}, usageError{err}
	}
	reached, err := ociAccess(ctx)
	if err != nil {
		return create.Matrix{}, err
	}
	return matrix.Missing(ctx, sources, version, location, oci.NewPublished(address, len(sources) == 1, reached).Has)
}

// printReasons says why packages are in the matrix or are not: once for those of an integration that have the same reason.
func printReasons(out io.Writer, what string, elements []create.MatrixElement) {
	for len(elements) > 0 {
		first, n := elements[0], 1
		for n < len(elements) && elements[n].Manifest == first.Manifest && elements[n].Why == first.Why {
			n++
		}
		if first.Why != "" {
			line := fmt.Sprintf("%s%s (%s): %s", what, first.Name, english.Plural(n, "package", ""), first.Why)
			fmt.Fprintln(out, finding.Wrap(finding.Printable(line), width(out), "  "))
		}
		elements = elements[n:]
	}
}

// printMatrix prints a matrix as a CI takes it.
func printMatrix(out io.Writer, format string, matrix create.Matrix) error {
	write := matrix.GitLab
	if format == "github" {
		write = matrix.GitHub
	}
	text, err := write()
	if errors.Is(err, create.ErrOptions) {
		return usageOf(err, create.ErrOptions)
	}
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}
