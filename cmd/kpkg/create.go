package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/shard"
)

func newCreateCommand() *cobra.Command {
	var opts create.Options
	var chosen platforms
	var compression string
	var parts shardFlags
	var asJSON, noCache, allowPrograms bool
	var from origin
	cmd := &cobra.Command{
		Use:   "create [MANIFEST...|RECIPE|NAME] [VERSION]",
		Short: "Build the executables of integrations and pack them",
		Long: `Create the packages of integrations: each manifest is validated, the executables are built with
one go build for each platform, packed and verified. A package appears under its name
only when it has verified. One that is there already and is the same stays as it is, another is
kept unless --force is given.

MANIFEST is a manifest.yaml or its folder, the current one by default. VERSION is a semantic version, with or without its v;
without it the manifest's "version" counts, else the git tag at HEAD (v1.2.3, or NAME/v1.2.3 where a
repository holds several integrations).

A recipe.yaml, in a file, at an https address, or that of NAME or NAME@VERSION in a registry, is a source
too: the tag that it names is cloned, and has the version. The tree is a stranger's:
a manifest that has the build start programs of its own is refused
unless --allow-programs is given. PLAKAR_CLONE_TOKEN is the token for a private repository.

A package is the same, byte for byte, wherever and whenever it is made from the same source. The
times in it are SOURCE_DATE_EPOCH, else the time of the commit, else 1970.

An integration or a platform that fails does not keep the others from being made.

With --shard, a part of the integrations is made: all jobs of a run have the same plan, whose hash is
printed, and each computes it by itself (docs/scale.md).

Exit status, the worst of all: 0 all packages made; 1 a manifest or a package has errors; 2 wrong
usage; 3 something could not be done.`,
		Example: `  kpkg create
  kpkg create . v1.2.3 --platform all --out-dir dist
  kpkg create examples/ftp --platform linux/amd64,windows/amd64 --dry-run
  kpkg create s3 sftp imap --platform all --shard 2/4 --out-dir dist`,
		ValidArgsFunction: completeManifests,
	}
	flags := cmd.Flags()
	flags.Var(&chosen, "platform", "`LIST` of os/arch, or all: what the manifest names, else what upstream ships (default this machine's)")
	flags.StringVarP(&opts.Output, "output", "o", "", "`FILE` of the package, for one platform (default its canonical name)")
	flags.StringVar(&opts.OutDir, "out-dir", "", "`DIR` for the packages (default the current one)")
	flags.BoolVar(&opts.NoBuild, "no-build", false, "pack the executables that are there")
	flags.BoolVar(&opts.DryRun, "dry-run", false, "do every check and list the files, without building or writing")
	flags.BoolVar(&opts.Force, "force", false, "replace packages that are there")
	flags.BoolVar(&opts.Strict, "strict", false,
		"report what plakar's next release refuses, a modified source, and programs that the manifest starts as errors")
	flags.BoolVar(&opts.Image, "image", false,
		"make a container image of the connectors beside each package (Linux), which then names it in place of the executable")
	flags.StringVar(&opts.ImageReference, "image-ref", "", "`NAME` of that image, such as registry.example.com/ftp:v1.0.0")
	flags.StringVar(&compression, "compression", string(ptarbuild.DefaultCompression), "`METHOD`: gzip, the smaller, or lz4, the faster")
	flags.IntVar(&opts.Jobs, "jobs", 0, "`NUMBER` of platforms built side by side (default as many as there are CPUs)")
	flags.BoolVar(&noCache, "no-cache", false, "use nothing that earlier runs have kept, and keep nothing (Go's own cache is Go's)")
	flags.BoolVar(&allowPrograms, "allow-programs", false, "let the manifest of a recipe's tree have the build start programs")
	parts.add(cmd)
	from.addFlags(cmd)
	format := formatFlag(cmd)
	flags.BoolVar(&asJSON, "json", false, "short for --format json")
	completeLists(cmd, "platform", platformValues)
	completeValues(cmd, "compression", compressions()...)
	completeFolders(cmd, "out-dir")
	cmd.RunE = func(cmd *cobra.Command, args []string) (end error) {
		if asJSON {
			format.value = "json"
		}
		begin := time.Now()
		var err error
		if opts.Manifests, opts.Version, err = create.SplitVersion(args); err != nil {
			return usageOf(err, create.ErrOptions)
		}
		if opts.Output != "" && isFolder(opts.Output) {
			return usagef("-o %s is a folder: name a file in it, or give it as --out-dir", opts.Output)
		}
		if opts.Jobs < 0 {
			return usagef("--jobs %d: use a number from 1, or 0 for as many as there are CPUs", opts.Jobs)
		}
		if opts.Compression, err = ptarbuild.ParseCompression(compression); err != nil {
			return usageError{err}
		}
		remove, err := fromRecipe(cmd.Context(), &opts, allowPrograms, &from, format.isText())
		if err != nil {
			if usage := (usageError{}); !format.isText() && !errors.As(err, &usage) {
				return errors.Join(format.write(cmd, create.Report(nil, err)), err)
			}
			return err
		}
		defer func() { end = errors.Join(end, remove()) }()
		opts.All, opts.Platforms = chosen.all, chosen.chosen
		if !noCache {
			opts.CacheDir = cacheDir()
		}
		job, err := parts.job(cmd, func(w shard.Weights) ([]shard.Unit, error) { return shard.Integrations(cmd.Context(), opts, w) })
		if err != nil {
			return err
		}
		if job != nil {
			opts.Manifests = job.Paths()
		}
		progress := newProgress(cmd.ErrOrStderr(), screen.quiet || opts.DryRun, len(opts.Manifests) > 1)
		opts.Progress = progress.step
		if format.isText() {
			opts.Checked = func(i *create.Integration) { printChecked(cmd.ErrOrStderr(), i) }
			opts.Built = func(i *create.Integration, findings []finding.Finding) {
				progress.close()
				printFindings(cmd.ErrOrStderr(), findings, i.Source.Content)
			}
		}
		integrations, err := create.Run(cmd.Context(), opts)
		progress.close()
		if errors.Is(err, create.ErrOptions) {
			return usageOf(err, create.ErrOptions)
		}
		report := create.Report(integrations, err)
		if job != nil {
			report.Lists = append(report.Lists, job.List())
		}
		report.Show = func(out io.Writer) error {
			if err != nil {
				return printComplete(out, integrations)
			}
			if opts.DryRun {
				return printPlanned(out, cmd.ErrOrStderr(), integrations)
			}
			return printMade(out, cmd.ErrOrStderr(), integrations, time.Since(begin))
		}
		if err := errors.Join(format.write(cmd, report), err); err != nil {
			return err
		}
		return verdict(report)
	}
	return cmd
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
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
func printComplete(out io.Writer, integrations []*create.Integration) error {
	if made := complete(integrations); len(made) > 0 && !screen.quiet {
		return printTable(out, made)
	}
	return nil
}

// printMade shows the packages, why those that failed did, and what it comes to.
func printMade(out, diagnostics io.Writer, integrations []*create.Integration, took time.Duration) error {
	all, made := packages(integrations), complete(integrations)
	if len(made) > 0 && !screen.quiet { // a table of failures says nothing that the reasons do not say
		printVersions(out, integrations)
		if err := printTable(out, all); err != nil {
			return err
		}
		printImages(out, made)
	}
	if err := printUnmade(diagnostics, integrations); err != nil {
		return err
	}
	if screen.verbose {
		printList(out, made)
	}
	var size uint64
	unchanged := 0
	for _, p := range made {
		size += uint64(p.Size)
		if p.Unchanged {
			unchanged++
		}
	}
	total := fmt.Sprintf("%s, %s, %.1fs", english.Plural(len(made), "package", ""), humanize.IBytes(size), took.Seconds())
	if unchanged > 0 {
		total += fmt.Sprintf(", %d unchanged", unchanged)
	}
	if failed := len(all) - len(made); failed > 0 {
		total += fmt.Sprintf("; %d failed", failed)
	}
	unusable := unusable(integrations)
	if unusable > 0 {
		total += fmt.Sprintf("; nothing made of %s", english.Plural(unusable, "manifest", ""))
	}
	if len(made) == 0 {
		total = fmt.Sprintf("no package was made, %.1fs", took.Seconds())
	}
	good := len(made) == len(all) && unusable == 0
	if err := printVerdict(out, good, "%s", total); err != nil || !good {
		return err
	}
	for _, p := range made {
		if p.Platform == executable.Host() && p.Image != nil {
			return printNext(out, "docker load --input "+p.Image.File)
		}
		if p.Platform == executable.Host() {
			return printNext(out, "kpkg test "+p.File, "plakar pkg add "+p.File)
		}
	}
	return nil
}

// unusable counts the integrations of which nothing could be made.
func unusable(integrations []*create.Integration) int {
	n := 0
	for _, i := range integrations {
		if i.Err != nil || finding.HasErrors(i.Findings) {
			n++
		}
	}
	return n
}

// printPlanned shows what a run that is not dry would make.
func printPlanned(out, diagnostics io.Writer, integrations []*create.Integration) error {
	all := packages(integrations)
	if len(all) > 0 && !screen.quiet {
		printVersions(out, integrations)
		if err := printList(out, all); err != nil {
			return err
		}
	}
	if err := printUnmade(diagnostics, integrations); err != nil {
		return err
	}
	bad := 0
	for _, p := range all {
		if p.Err != nil {
			bad++
		}
	}
	text := english.Plural(len(all)-bad, "package", "") + " would be made; nothing was built or written"
	return printVerdict(out, bad == 0 && unusable(integrations) == 0, "%s", text)
}

func printVersions(out io.Writer, integrations []*create.Integration) {
	for _, i := range integrations {
		if i.Version.Value == "" {
			continue
		}
		from := "version from the " + string(i.Version.Source)
		if i.Version.Source == manifest.FromNowhere {
			from = "no version is given yet"
		}
		when := "times from " + string(i.Time)
		if i.Time == create.FromNone {
			when = "times of 1970: no commit gives one, nor SOURCE_DATE_EPOCH"
		}
		line := fmt.Sprintf("%s %s (%s, %s)", i.Source.Document.Manifest.Name, i.Version.Value, from, when)
		fmt.Fprintln(out, finding.Wrap(finding.Printable(line), width(out), "  "))
	}
}

// unmade is why packages were not made, and for which platforms.
type unmade struct {
	name      string
	err       error
	findings  []finding.Finding
	platforms []string
	all       bool // the platforms of the integration
}

// printUnmade shows why packages were not made: what is the same for several platforms, such as a compiler's error, once.
func printUnmade(diagnostics io.Writer, integrations []*create.Integration) error {
	for _, i := range integrations {
		var reasons []*unmade
		for _, p := range i.Packages {
			if p.Err == nil {
				continue
			}
			at := slices.IndexFunc(reasons, func(u *unmade) bool {
				return len(p.Findings) == 0 && len(u.findings) == 0 && reason(u.err) == reason(p.Err)
			})
			if at < 0 {
				at = len(reasons)
				reasons = append(reasons, &unmade{name: p.Name, err: p.Err, findings: p.Findings})
			}
			reasons[at].platforms = append(reasons[at].platforms, p.Platform.String())
		}
		for _, u := range reasons {
			u.all = len(u.platforms) == len(i.Packages) && len(u.platforms) > 2
			printError(diagnostics, u)
			if err := printFindings(diagnostics, u.findings, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// reason is what an error says beside its platform.
func reason(err error) string {
	if build := (*gobuild.BuildError)(nil); errors.As(err, &build) {
		return build.Reason()
	}
	return err.Error()
}

func (u *unmade) Error() string {
	where := strings.Join(u.platforms, ", ")
	if u.all {
		where = fmt.Sprintf("all %d platforms", len(u.platforms))
	}
	return fmt.Sprintf("%s for %s: %s", u.name, where, reason(u.err))
}

func (u *unmade) Unwrap() error { return u.err }

// printChecked shows what there is to say about a source, before the building begins.
func printChecked(diagnostics io.Writer, i *create.Integration) {
	printFindings(diagnostics, i.Findings, i.Source.Content)
	switch {
	case finding.HasErrors(i.Findings):
		printVerdict(diagnostics, false, "%s: %s; nothing was made", i.Source.Document.File, tally(i.Source, i.Findings))
	case i.Source.Silenced > 0 && !screen.quiet:
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
	t := table{columns: []column{
		{"PLATFORM", 0, false}, {"SIZE", 0, true}, {"TIME", 3, true}, {"BUILD", 2, false}, {"SHA256", 4, false}, {"FILE", 0, false},
	}}
	for _, p := range packages {
		seconds := fmt.Sprintf("%.1fs", p.Seconds)
		if p.Err != nil {
			t.add(p.Platform.String(), "failed", seconds, "", "", finding.Printable(p.File))
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
		sum := p.SHA256
		if isTerminal(out) {
			sum = sum[:min(12, len(sum))]
		}
		t.add(p.Platform.String(), humanize.IBytes(uint64(p.Size)), seconds, built, sum, finding.Printable(p.File))
	}
	return t.write(out, width(out))
}

// printImages shows the images that were made, by what "docker load" shows of them.
func printImages(out io.Writer, packages []*create.Package) {
	for _, p := range packages {
		if p.Image == nil {
			continue
		}
		for _, one := range p.Image.Images {
			line := fmt.Sprintf("%s: image of %s, %s", p.Image.File, one.Executable, one.ID)
			fmt.Fprintln(out, finding.Printable(line))
		}
	}
}

func compressions() []string {
	var names []string
	for _, c := range ptarbuild.Compressions {
		names = append(names, string(c))
	}
	return names
}
