package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/ptarbuild"
)

func newCreateCommand() *cobra.Command {
	var opts create.Options
	var chosen platforms
	var compression, shard string
	var quiet, asJSON, noCache bool
	cmd := &cobra.Command{
		Use:   "create MANIFEST... [VERSION]",
		Short: "Build the executables of integrations and pack them",
		Long: `Create the packages of integrations: each manifest is validated, the executables are built with
one go build for each platform, packed and verified. A package appears under its name
only when it has verified, and packages that are there are kept unless --force is given.

MANIFEST is a manifest.yaml or its folder. VERSION is a semantic version, with or without its v;
without it the manifest's "version" counts, else the git tag at HEAD (v1.2.3, or NAME/v1.2.3 where a
repository holds several integrations).

A package is the same, byte for byte, wherever and whenever it is made from the same source. The
times in it are SOURCE_DATE_EPOCH, else the time of the commit, else 1970.

An integration or a platform that fails does not keep the others from being made.

Exit status, the worst of all: 0 all packages made; 1 a manifest or a package has errors; 2 wrong
usage; 3 something could not be done.`,
		Example: `  kpkg create manifest.yaml
  kpkg create manifest.yaml v1.2.3 --platform all --out-dir dist
  kpkg create examples/ftp --platform linux/amd64,windows/amd64 --dry-run
  kpkg create s3 sftp imap --platform all --shard 2/4 --out-dir dist`,
		Args: cobra.MinimumNArgs(1),
	}
	flags := cmd.Flags()
	flags.Var(&chosen, "platform", "os/arch,... or all: what the manifest names, else what upstream ships (default this machine's)")
	flags.StringVarP(&opts.Output, "output", "o", "", "file of the package, for one platform (default its canonical name)")
	flags.StringVar(&opts.OutDir, "out-dir", "", "folder for the packages (default the current one)")
	flags.BoolVar(&opts.NoBuild, "no-build", false, "pack the executables that are there")
	flags.BoolVar(&opts.DryRun, "dry-run", false, "do every check and list the files, without building or writing")
	flags.BoolVar(&opts.Force, "force", false, "replace packages that are there")
	flags.BoolVar(&opts.Strict, "strict", false,
		"make errors of what upstream's newer validator refuses, of a modified source, and of programs that the manifest starts")
	flags.StringVar(&compression, "compression", string(ptarbuild.DefaultCompression), "gzip, the smaller, or lz4, the faster")
	flags.IntVar(&opts.Jobs, "jobs", 0, "platforms built side by side (default as many as there are CPUs)")
	flags.BoolVar(&noCache, "no-cache", false, "use nothing that earlier runs have kept, and keep nothing (Go's own cache is Go's)")
	flags.StringVar(&shard, "shard", "", "make part i of n of all packages, as in 2/4")
	flags.BoolVar(&quiet, "quiet", false, "print nothing but errors")
	format := formatFlag(flags)
	flags.BoolVar(&asJSON, "json", false, "short for --format json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if asJSON {
			format.name = "json"
		}
		var err error
		if opts.Manifests, opts.Version, err = create.SplitVersion(args); err != nil {
			return usageError{err}
		}
		if opts.Jobs < 0 {
			return usagef("--jobs %d: use a number from 1, or 0 for as many as there are CPUs", opts.Jobs)
		}
		if shard != "" {
			if opts.Shard, err = create.ParseShard(shard); err != nil {
				return usageError{err}
			}
		}
		if opts.Compression, err = ptarbuild.ParseCompression(compression); err != nil {
			return usageError{err}
		}
		opts.All, opts.Platforms = chosen.all, chosen.chosen
		if !noCache {
			opts.CacheDir = cacheDir()
		}
		progress := newProgress(cmd.ErrOrStderr(), quiet || opts.DryRun, len(opts.Manifests) > 1)
		opts.Progress = progress.step
		if format.isText() {
			opts.Checked = func(i *create.Integration) { printChecked(cmd.ErrOrStderr(), i, quiet) }
			opts.Built = func(i *create.Integration, findings []finding.Finding) {
				progress.close()
				if !quiet {
					printFindings(cmd.ErrOrStderr(), findings, i.Source.Content)
				}
			}
		}
		integrations, err := create.Run(cmd.Context(), opts)
		progress.close()
		if errors.Is(err, create.ErrOptions) {
			return usageError{err}
		}
		report := create.Report(integrations, err)
		report.Show = func(out io.Writer) error {
			if err != nil {
				return printComplete(out, integrations, quiet)
			}
			return printResult(out, cmd.ErrOrStderr(), integrations, quiet, opts.DryRun)
		}
		if err := errors.Join(format.write(cmd, report), err); err != nil {
			return err
		}
		return verdict(report)
	}
	return cmd
}

func packages(integrations []*create.Integration) []*create.Package {
	var all []*create.Package
	for _, i := range integrations {
		all = append(all, i.Packages...)
	}
	return all
}

// complete are the packages that were made, and stay, before something stopped the others.
func complete(integrations []*create.Integration) []*create.Package {
	return slices.DeleteFunc(packages(integrations), func(p *create.Package) bool { return p.SHA256 == "" || p.Err != nil })
}

// printComplete shows the packages that were made before something stopped the others.
func printComplete(out io.Writer, integrations []*create.Integration, quiet bool) error {
	if made := complete(integrations); len(made) > 0 && !quiet {
		return printTable(out, made)
	}
	return nil
}

func printResult(out, diagnostics io.Writer, integrations []*create.Integration, quiet, dryRun bool) error {
	for _, p := range packages(integrations) {
		if p.Err == nil {
			continue
		}
		err := p.Err
		if build := (*gobuild.BuildError)(nil); !errors.As(err, &build) { // which names its platform
			err = fmt.Errorf("%s: %w", p.Platform, err)
		}
		if len(integrations) > 1 {
			err = fmt.Errorf("%s: %w", p.Name, err)
		}
		printError(diagnostics, err)
		if err := printFindings(diagnostics, p.Findings, nil); err != nil {
			return err
		}
	}
	if quiet || len(packages(integrations)) == 0 {
		return nil
	}
	for _, i := range integrations {
		if i.Version.Value != "" {
			fmt.Fprintf(out, "%s %s (version from the %s, time from %s)\n",
				i.Source.Document.Manifest.Name, i.Version.Value, i.Version.Source, i.Time)
		}
	}
	if dryRun {
		return printList(out, packages(integrations))
	}
	return printTable(out, packages(integrations))
}

// printChecked shows what there is to say about a source, before the building begins.
func printChecked(diagnostics io.Writer, i *create.Integration, quiet bool) {
	findings := i.Findings
	if quiet {
		findings = onlyErrors(findings)
	}
	printFindings(diagnostics, findings, i.Source.Content)
	switch {
	case finding.HasErrors(findings):
		fmt.Fprintf(diagnostics, "%s: %s; nothing was made\n", i.Source.Document.File, tally(i.Source, i.Findings))
	case i.Source.Silenced > 0 && !quiet:
		fmt.Fprintf(diagnostics, "%s: %s\n", i.Source.Document.File, tally(i.Source, i.Findings))
	}
	if i.Err != nil {
		printError(diagnostics, i.Err)
	}
}

// printList is what a dry run shows.
func printList(out io.Writer, packages []*create.Package) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, p := range packages {
		if p.Err != nil {
			continue
		}
		fmt.Fprintf(w, "%s\n", finding.Printable(p.File))
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
				from = "\tfrom " + finding.Printable(f.Built)
			}
			fmt.Fprintf(w, "  %s\t%s\t%s%s\n", mode, size, finding.Printable(f.Name), from)
		}
	}
	return w.Flush()
}

func printTable(out io.Writer, packages []*create.Package) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PLATFORM\tEXECUTABLES\tUNPACKED\tPACKED\tTIME\tBUILD\tSHA256\tFILE")
	for _, p := range packages {
		if p.Err != nil {
			fmt.Fprintf(w, "%s\t\t\t\t%.1fs\tfailed\t\t%s\n", p.Platform, p.Seconds, finding.Printable(p.File))
			continue
		}
		built := "built"
		switch {
		case p.Unchanged:
			built = "unchanged"
		case p.Prebuilt:
			built = "prebuilt"
		case p.Cached:
			built = "cached"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%.1fs\t%s\t%.12s\t%s\n", p.Platform, p.Executables,
			humanize.IBytes(uint64(p.Unpacked)), humanize.IBytes(uint64(p.Size)), p.Seconds, built, p.SHA256, finding.Printable(p.File))
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
