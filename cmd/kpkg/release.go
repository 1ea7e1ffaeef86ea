package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/conformance"
	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/oci"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/release"
	"github.com/PlakarKorp/kpkg/shard"
)

func newReleaseCommand() *cobra.Command {
	var opts release.Options
	var chosen platforms
	var key keyFlag
	var compression string
	var parts shardFlags
	var finish string
	cmd := &cobra.Command{
		Use:   "release [MANIFEST...] [VERSION]",
		Short: "Make a release: packages for all platforms, tested, with sums, signatures and proof",
		Long: `Make the release of integrations: validate, build for all platforms, verify, test what can be tested
here, and write a folder with the packages, the recipe, the notes, and of each package the list of its
parts (CycloneDX) and its provenance (in-toto, SLSA v1). Each file has its sum and, with --key, its
signature. The folder appears as a whole, once all checks are made; --dry-run makes them and writes
nothing. After a failure the same command goes on where it stopped.

It refuses a source that is not its commit, a version that is there already, that disagrees with the
tag or goes up by less than what changed, a missing LICENSE or README, secrets about to be packed, and
connectors that were not tested. --allow RULE lets one of these pass as a warning, --skip-test a
connector. Of several tags on one commit the newest by semantic order counts, or the VERSION given.

With --image the connectors are in container images (Linux), an archive beside each package, tested and signed as
it is; kpkg publish puts them where --image-ref names them (docs/images.md).

Of one manifest, the folder holds the files of the release; of several, a folder for each.

With --shard, a part of the integrations is released, unsigned, into a folder of the part in DIR. What all
jobs have made is put together by --finish PARTS, which is DIR, or the OCI registry that kpkg publish has
put the parts into: nothing may be missing, all must be of the one plan that the source gives, and each
package verifies. The release is then written and signed and, for a registry, published (docs/scale.md).

Exit status: 0 released, or there already; 1 something is refused; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg release --dry-run
  kpkg release . v1.2.3 --key acme-2026.sec --out-dir dist
  kpkg release s3 sftp --skip-test storage:s3 --out-dir dist
  kpkg release s3 sftp v1.2.3 --shard auto --out-dir parts
  kpkg release s3 sftp v1.2.3 --finish parts --key acme-2026.sec --out-dir dist`,
		ValidArgsFunction: completeManifests,
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.OutDir, "out-dir", "dist", "`DIR` of the release")
	key.addFlags(cmd)
	flags.Var(&chosen, "platform", "`LIST` of os/arch, or all: what the manifest names, else what upstream ships (default all)")
	flags.BoolVar(&opts.Image, "image", false, "make packages that have their connectors in container images, and these beside them (Linux)")
	flags.StringVar(&opts.ImageReference, "image-ref", "",
		"`NAME` of that image, where publish puts it, such as registry.example.com/ftp:v1.0.0")
	flags.StringVar(&opts.Repository, "repository", "", "`URL` of the repository for the recipe (default that which git has cloned)")
	flags.Var((*list)(&opts.Allow), "allow", "take what `RULE` finds for a warning; may be repeated")
	flags.Var((*list)(&opts.SkipTest), "skip-test", "do without a test of `CONNECTOR`, TYPE:PROTOCOL; may be repeated")
	flags.BoolVar(&opts.DryRun, "dry-run", false, "make all checks, building and testing included, and write nothing")
	flags.StringVar(&compression, "compression", string(ptarbuild.DefaultCompression), "`METHOD`: gzip, the smaller, or lz4, the faster")
	flags.IntVar(&opts.Jobs, "jobs", 0, "`NUMBER` of platforms built side by side (default as many as there are CPUs)")
	parts.add(cmd)
	flags.StringVar(&finish, "finish", "", "put together what the jobs have made: `PARTS`, a folder or oci://HOST/REPO")
	format := formatFlag(cmd)
	completeFolders(cmd, "finish")
	completeLists(cmd, "platform", platformValues)
	completeValues(cmd, "compression", compressions()...)
	completeLists(cmd, "allow", release.Overridable)
	completeFolders(cmd, "out-dir")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if opts.Manifests, opts.Version, err = create.SplitVersion(args); err != nil {
			return usageOf(err, create.ErrOptions)
		}
		if opts.Jobs < 0 {
			return usagef("--jobs %d: use a number from 1, or 0 for as many as there are CPUs", opts.Jobs)
		}
		if opts.Compression, err = ptarbuild.ParseCompression(compression); err != nil {
			return usageError{err}
		}
		if finish != "" && (parts.part != "" || opts.DryRun) {
			return usagef("--finish puts all parts together: leave out --shard and --dry-run")
		}
		if parts.part != "" && (key.file != "" || opts.DryRun) {
			return usagef("--shard makes a part of a release, which --finish signs: leave out --key and --dry-run")
		}
		// The key is opened before the work begins: nobody waits at a passphrase for the end of a build.
		if opts.Key, err = key.open(cmd); err != nil {
			return err
		}
		opts.Platforms, opts.Maker = chosen.chosen, ownVersions().Kpkg
		if finish != "" {
			return finishRelease(cmd, format, finish, parts, opts)
		}
		job, err := parts.job(cmd, func(w shard.Weights) ([]shard.Unit, error) { return shard.Integrations(cmd.Context(), allOf(opts), w) })
		if err != nil {
			return err
		}
		if job != nil {
			opts = job.Release(opts)
		}
		if job != nil && len(opts.Manifests) == 0 {
			return reportPart(cmd, format, job)
		}
		progress := newProgress(cmd.ErrOrStderr(), screen.quiet, len(opts.Manifests) > 1)
		opts.Progress = progress.step
		opts.Tested = func(config conformance.Config, checks int) {
			if !screen.quiet && !isTerminal(cmd.ErrOrStderr()) {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", finding.Printable(finding.Cut(config.Connector())), english.Plural(checks, "check", ""))
			}
		}
		releases, outcome, err := release.Run(cmd.Context(), opts)
		progress.close()
		if errors.Is(err, release.ErrOptions) {
			return usageOf(err, release.ErrOptions)
		}
		report := release.Report(releases, outcome, err)
		if job != nil {
			report.Lists = append(report.Lists, job.List())
		}
		report.Show = func(out io.Writer) error { return printReleases(out, cmd.ErrOrStderr(), releases, outcome, err, opts) }
		if err := errors.Join(format.write(cmd, report), err); err != nil {
			return err
		}
		return verdict(report)
	}
	return cmd
}

// allOf says what a release makes, of all integrations, to those who plan its parts.
func allOf(opts release.Options) create.Options {
	return create.Options{
		Manifests: opts.Manifests, Version: opts.Version, Platforms: opts.Platforms, All: len(opts.Platforms) == 0, Force: true,
		Image: opts.Image, ImageReference: opts.ImageReference,
	}
}

// reportPart reports a part in which there is nothing.
func reportPart(cmd *cobra.Command, format *format, job *shard.Job) error {
	report := release.Report(nil, release.Unchanged, nil)
	report.Lists = append(report.Lists, job.List())
	report.Show = func(out io.Writer) error {
		return printVerdict(out, true, "there is nothing to do in part %s", job.Part)
	}
	return format.write(cmd, report)
}

// finishRelease puts the parts of a release together and reports it.
func finishRelease(cmd *cobra.Command, format *format, from string, parts shardFlags, opts release.Options) error {
	weights, err := parts.read()
	if err != nil {
		return err
	}
	finishing := shard.FinishOptions{
		Integrations: allOf(opts), Weights: weights, Maker: opts.Maker, OutDir: opts.OutDir, Key: opts.Key,
		Replace:  slices.Contains(opts.Allow, "release-exists"),
		Progress: func(doing, name string, size int64) { showFiles(cmd, doing)(name, size) },
	}
	if oci.IsAddress(from) {
		if address, err := oci.ParseAddress(from); err != nil || address.Version != "" {
			return usagef("--finish %s: it takes oci://HOST/REPO, as kpkg publish was given it, without a version", finding.Cut(from))
		}
		if finishing.Access, err = ociAccess(cmd.Context()); err != nil {
			return err
		}
	}
	finished, err := shard.Finish(cmd.Context(), from, finishing)
	if errors.Is(err, create.ErrOptions) {
		return usageOf(err, create.ErrOptions)
	}
	if finished == nil {
		finished = &shard.Finished{Outcome: release.Refused}
	}
	report := release.Report(finished.Releases, finished.Outcome, err)
	report.Lists = append(report.Lists, finding.NewList("pushed", append([]oci.Pushed{}, finished.Pushed...)))
	report.Show = func(out io.Writer) error {
		shown := printReleases(out, cmd.ErrOrStderr(), finished.Releases, finished.Outcome, err, opts)
		return errors.Join(shown, printPushed(out, finished.Pushed, err))
	}
	if err := errors.Join(format.write(cmd, report), err); err != nil {
		return err
	}
	return verdict(report)
}

// list is a flag that may be repeated, and takes several with commas.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }
func (l *list) Type() string   { return "list" }

func (l *list) Set(s string) error {
	for one := range strings.SplitSeq(s, ",") {
		if one = strings.TrimSpace(one); one == "" {
			return errors.New("it is empty")
		}
		*l = append(*l, one)
	}
	return nil
}

// printReleases shows what was found, what changed, the files, and how it went.
func printReleases(
	out, diagnostics io.Writer, releases []*release.Release, outcome release.Outcome, err error, opts release.Options,
) error {
	files := 0
	var size uint64
	for _, r := range releases {
		if err := printFindings(diagnostics, r.Findings, r.Source.Content); err != nil {
			return err
		}
		if r.Err != nil {
			printError(diagnostics, r.Err)
			continue
		}
		if outcome == release.Refused || screen.quiet {
			continue
		}
		since := "the first release"
		if r.Previous != "" {
			since = "after " + r.Previous
		}
		from := fmt.Sprintf("tag %s, %s", r.Tag, since)
		if r.Tag == "" {
			from = "of its part"
		}
		fmt.Fprintf(out, "%s %s (%s)\n", finding.Printable(r.Source.Document.Manifest.Name), r.Version, finding.Printable(from))
		for _, c := range r.Changes {
			fmt.Fprintln(out, finding.Wrap(finding.Printable(fmt.Sprintf("  %s: %s: %s", c.Step, c.Subject, c.Message)), width(out), "    "))
		}
		for _, f := range r.Files {
			files, size = files+1, size+uint64(f.Size)
			fmt.Fprintf(out, "  %s  %s  sha256:%s\n", finding.Printable(f.Name), humanize.IBytes(uint64(f.Size)), f.SHA256)
		}
	}
	total := fmt.Sprintf("%s, %s, %s", english.Plural(len(releases), "release", ""), english.Plural(files, "file", ""), humanize.IBytes(size))
	if opts.Key != nil {
		total += ", signed with the key " + opts.Key.ID.String()
	}
	switch outcome {
	case release.Written:
		total += ": written to " + opts.OutDir
	case release.Unchanged:
		total += ": there already in " + opts.OutDir + ", unchanged"
	case release.Checked:
		total += ": all checks are made; nothing was written"
	default:
		if err != nil {
			return nil // which is printed next
		}
		return printVerdict(out, false, "nothing was released")
	}
	if err := printVerdict(out, true, "%s", total); err != nil || outcome == release.Checked || opts.Part != nil {
		return err
	}
	return printNext(out, "kpkg index "+opts.OutDir+" --out-dir TREE")
}
