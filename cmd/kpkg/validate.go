package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
)

func newValidateCommand() *cobra.Command {
	var opts create.ValidateOptions
	cmd := &cobra.Command{
		Use:   "validate [MANIFEST...]",
		Short: "Check manifests and the source trees around them",
		Long: `Check the manifests of integrations: keys and values, the files and main packages they name, the
JSON schemas of their connectors. Nothing is built and nothing of a tree is run. MANIFEST is a
manifest.yaml, its folder, or - for one from the standard input, which is taken for that of the
current folder; without one, ./manifest.yaml is checked.

Findings are one line each, errors first: FILE:LINE:COLUMN: SEVERITY: MESSAGE [RULE], with the
source line below on a terminal. What breaks building, installing or using the package with
released clients is an error; what only upstream's newer, stricter validator refuses is a warning,
and an error with --strict.

--fix repairs in the file what is mechanical, and shows the change: keys at the wrong level or in another
spelling, text where a list is due, a byte order mark, UTF-16, line ends of Windows. The key version becomes a
comment. Comments, order and all else stay. What is judged is the repaired manifest; --diff shows the change
and leaves the file alone.

Exit status: 0 no errors; 1 errors; 2 wrong usage; 3 a manifest could not be read.`,
		Example: `  kpkg validate
  kpkg validate --strict examples/*/manifest.yaml
  kpkg validate --fix --strict
  kpkg validate --manifest-only - < manifest.yaml`,
		ValidArgsFunction: completeManifests,
	}
	format := formatFlag(cmd)
	cmd.Flags().BoolVar(&opts.Strict, "strict", false,
		"report what plakar's next release refuses as errors")
	cmd.Flags().BoolVar(&opts.ManifestOnly, "manifest-only", false,
		"check the manifest alone, not the files and packages it names")
	cmd.Flags().BoolVar(&opts.WriteFixed, "fix", false, "repair what is mechanical in the file")
	cmd.Flags().BoolVar(&opts.Fix, "diff", false, "show what --fix would change, and judge what comes of it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			args = []string{manifest.FileName}
		}
		if first := slices.Index(args, "-"); first >= 0 && slices.Contains(args[first+1:], "-") {
			return usagef("the standard input is named twice, and holds one manifest")
		}
		if opts.WriteFixed && opts.Fix {
			return usagef("--fix shows the change, too: --diff is for leaving the file alone")
		}
		if opts.WriteFixed && slices.Contains(args, "-") {
			return usagef("--fix writes into the manifest, and the standard input is no file: --diff shows what it would change")
		}
		opts.Fix = opts.Fix || opts.WriteFixed
		opts.Stdin = cmd.InOrStdin()
		all, err := create.ValidateAll(cmd.Context(), args, opts)
		if err != nil {
			return err
		}
		report := create.ValidateReport(all)
		report.Show = func(out io.Writer) error { return printValidated(out, cmd.ErrOrStderr(), all) }
		err = format.write(cmd, report)
		if !format.isText() {
			for _, one := range all {
				if one.Err != nil {
					printError(cmd.ErrOrStderr(), one.Err)
				}
			}
		}
		return errors.Join(err, verdict(report))
	}
	return cmd
}

// printValidated shows what was found in each manifest, and how many of several have errors.
func printValidated(out, diagnostics io.Writer, all []create.Validated) error {
	bad := 0
	for _, one := range all {
		if one.Err != nil {
			printError(diagnostics, one.Err)
			bad++
			continue
		}
		s := one.Source
		if s.Fixed != nil {
			if err := printFixed(out, s.Fixed); err != nil {
				return err
			}
		}
		good := !finding.HasErrors(s.Findings)
		if !good {
			bad++
		}
		if err := printShown(out, finding.Bound(s.Findings), s.Content); err != nil {
			return err
		}
		if isTerminal(out) && len(s.Findings) > 0 && !screen.quiet {
			fmt.Fprintln(out) // as between findings
		}
		if err := printVerdict(out, good, "%s: %s", s.Document.File, tally(s, s.Findings)); err != nil {
			return err
		}
	}
	if len(all) == 1 {
		return nil
	}
	return printVerdict(out, bad == 0, "%s", summary(len(all), bad, "manifest", "checked"))
}

// printFixed shows the change that was made to a manifest, or would be.
func printFixed(out io.Writer, fixed *create.Fixed) error {
	if screen.quiet {
		return nil
	}
	if _, err := io.WriteString(out, finding.PrintableLines(fixed.Diff)); err != nil {
		return err
	}
	what := "would be made"
	if fixed.Written {
		what = "made"
	}
	return printVerdict(out, true, "%s: %s %s", fixed.File, english.Plural(len(fixed.Repairs), "repair", ""), what)
}

// summary is how several of a kind were judged: "6 packages verified, 1 with errors".
func summary(n, bad int, kind, done string) string {
	text := english.Plural(n, kind, "") + " " + done
	if bad == 0 {
		return text + ", none with errors"
	}
	return fmt.Sprintf("%s, %d with errors", text, bad)
}

// tally is the count of findings, and of those that the manifest silences.
func tally(source *create.Source, findings []finding.Finding) string {
	if source.Silenced == 0 {
		return finding.Tally(findings)
	}
	return fmt.Sprintf("%s, %d silenced by build.ignore", finding.Tally(findings), source.Silenced)
}
