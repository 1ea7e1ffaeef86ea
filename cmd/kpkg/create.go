package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarbuild"
)

func newCreateCommand() *cobra.Command {
	var opts create.Options
	var platforms, compression string
	var quiet, asJSON bool
	cmd := &cobra.Command{
		Use:   "create MANIFEST [VERSION]",
		Short: "Build an integration's executables and pack them",
		Long: `Create the packages of an integration: its manifest is validated, the executables are built with
one go build for each platform, packed and verified. A package appears under its name
only when it has verified, and packages that are there are kept unless --force is given.

MANIFEST is the manifest.yaml or its folder. VERSION is a semantic version, with or without its v;
without it the manifest's "version" counts, else the git tag at HEAD (v1.2.3, or NAME/v1.2.3 where a
repository holds several integrations).

A package is the same, byte for byte, wherever and whenever it is made from the same source. The
times in it are SOURCE_DATE_EPOCH, else the time of the commit, else 1970.

Exit status: 0 all packages made; 1 the manifest or a package has errors; 2 wrong usage; 3 a package
could not be made, while the others were.`,
		Example: `  kpkg create manifest.yaml
  kpkg create manifest.yaml v1.2.3 --platform all --out-dir dist
  kpkg create examples/ftp --platform linux/amd64,windows/amd64 --dry-run`,
		Args: cobra.RangeArgs(1, 2),
	}
	flags := cmd.Flags()
	flags.StringVar(&platforms, "platform", "", "os/arch,... or all: what the manifest names, else what upstream ships (default this machine's)")
	flags.StringVarP(&opts.Output, "output", "o", "", "file of the package, for one platform (default its canonical name)")
	flags.StringVar(&opts.OutDir, "out-dir", "", "folder for the packages (default the current one)")
	flags.BoolVar(&opts.NoBuild, "no-build", false, "pack the executables that are there")
	flags.BoolVar(&opts.DryRun, "dry-run", false, "do every check and list the files, without building or writing")
	flags.BoolVar(&opts.Force, "force", false, "replace packages that are there")
	flags.StringVar(&compression, "compression", string(ptarbuild.DefaultCompression), "gzip, the smaller, or lz4, the faster")
	flags.BoolVar(&quiet, "quiet", false, "print nothing but errors")
	flags.BoolVar(&asJSON, "json", false, "print the result as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		opts.Manifest = args[0]
		if len(args) == 2 {
			opts.Version = args[1]
			if _, err := manifest.NormalizeVersion(opts.Version); err != nil {
				return usageError{err}
			}
		}
		var err error
		if opts.Compression, err = ptarbuild.ParseCompression(compression); err != nil {
			return usageError{err}
		}
		if opts.All = platforms == "all"; !opts.All && platforms != "" {
			if opts.Platforms, err = gobuild.ParsePlatforms(platforms); err != nil {
				return usageError{err}
			}
		}
		progress := newProgress(cmd.ErrOrStderr(), quiet || opts.DryRun)
		opts.Progress = progress.step
		if !asJSON {
			opts.Checked = func(result *create.Result) { printChecked(cmd.ErrOrStderr(), result, quiet) }
		}
		result, err := create.Run(cmd.Context(), opts)
		progress.close()
		if errors.Is(err, create.ErrOptions) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		if err := printResult(cmd, result, asJSON, quiet, opts.DryRun); err != nil {
			return fmt.Errorf("printing the result: %w", err)
		}
		switch {
		case finding.HasErrors(result.Findings):
			return errFindings
		case result.Failed():
			return errFailed
		}
		return nil
	}
	return cmd
}

// createReport is the JSON of create.
type createReport struct {
	finding.Report
	Name          string          `json:"name"`
	Version       string          `json:"package_version,omitempty"`
	VersionSource string          `json:"version_source,omitempty"`
	Packages      []packageReport `json:"packages"`
}

type packageReport struct {
	create.Package
	Error string `json:"error,omitempty"`
}

func printResult(cmd *cobra.Command, result *create.Result, asJSON, quiet, dryRun bool) error {
	out, diagnostics := cmd.OutOrStdout(), cmd.ErrOrStderr()
	if asJSON {
		report := createReport{
			Report: finding.NewReport(result.Findings), Name: result.Source.Document.Manifest.Name,
			Version: result.Version.Value, VersionSource: string(result.Version.Source), Packages: []packageReport{},
		}
		for _, p := range result.Packages {
			packed := packageReport{Package: p}
			if p.Err != nil {
				packed.Error = p.Err.Error()
			}
			report.Packages = append(report.Packages, packed)
		}
		return finding.WriteJSON(out, report)
	}

	for _, p := range result.Packages {
		if p.Err == nil {
			continue
		}
		// The compiler's output has lines of its own.
		fmt.Fprintf(diagnostics, "kpkg: error: %s: %s\n", p.Platform, printableLines(p.Err.Error()))
		if err := printFindings(diagnostics, p.Findings, nil); err != nil {
			return err
		}
	}
	if quiet || len(result.Packages) == 0 {
		return nil
	}
	fmt.Fprintf(out, "%s %s (version from the %s)\n", result.Source.Document.Manifest.Name, result.Version.Value, result.Version.Source)
	if dryRun {
		return printList(out, result.Packages)
	}
	return printTable(out, result.Packages)
}

// printChecked shows the findings about the source, before the building begins.
func printChecked(diagnostics io.Writer, result *create.Result, quiet bool) {
	findings := result.Findings
	if quiet {
		findings = onlyErrors(findings)
	}
	printFindings(diagnostics, findings, result.Source.Content)
	if finding.HasErrors(findings) {
		fmt.Fprintf(diagnostics, "%s: %s; nothing was made\n", result.Source.Document.File, finding.Tally(result.Findings))
	}
}

// printList is what a dry run shows.
func printList(out io.Writer, packages []create.Package) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, p := range packages {
		fmt.Fprintf(w, "%s\n", p.File)
		for _, f := range p.Files {
			size, mode := "not built", "-rw-r--r--"
			if f.Size >= 0 {
				size = humanize.IBytes(uint64(f.Size))
			}
			if f.Executable {
				mode = "-rwxr-xr-x"
			}
			from := ""
			if f.Built != "" {
				from = "\tfrom " + f.Built
			}
			fmt.Fprintf(w, "  %s\t%s\t%s%s\n", mode, size, f.Name, from)
		}
	}
	return w.Flush()
}

func printTable(out io.Writer, packages []create.Package) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PLATFORM\tEXECUTABLES\tUNPACKED\tPACKED\tTIME\tBUILD\tSHA256\tFILE")
	for _, p := range packages {
		if p.Err != nil {
			fmt.Fprintf(w, "%s\t\t\t\t%.1fs\tfailed\t\t\n", p.Platform, p.Seconds)
			continue
		}
		built := "built"
		if p.Cached {
			built = "cached"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%.1fs\t%s\t%.12s\t%s\n", p.Platform, p.Executables,
			humanize.IBytes(uint64(p.Unpacked)), humanize.IBytes(uint64(p.Size)), p.Seconds, built, p.SHA256, p.File)
	}
	return w.Flush()
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
