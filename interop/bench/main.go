// Command bench measures kpkg beside its peers. Every figure is the median of several rounds, in which all programs take turns;
// the peer runs twice a round, and how far its two medians are apart is the noise of the machine: where it is above a twentieth, no
// ratio is claimed. The outcomes go into a file, and a run that was ended goes on where it was.
//
//	bench                     all that is not known yet of this source and this machine
//	bench -only TEXT          contests with the text in "GROUP: NAME"
//	bench -docs               write the tables and plots of the pages of docs that have some from the file, and measure nothing
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

func main() {
	b := bencher{}
	flag.IntVar(&b.rounds, "rounds", 5, "hold each contest for so many rounds; fewer, but three, where they take long")
	flag.BoolVar(&b.cold, "cold", false, "measure builds from empty caches too, which takes many minutes")
	flag.StringVar(&b.only, "only", "", "hold the contests with this text in \"GROUP: NAME\"")
	flag.StringVar(&b.path, "results", filepath.Join(rig.Root(), "bin", "benchmarks.json"), "keep the outcomes in this file")
	again := flag.Bool("again", false, "measure anew what is known")
	docs := flag.Bool("docs", false, "write the tables and plots of the pages of docs that have some from the file")
	flag.StringVar(&b.integrations, "integrations", "https://github.com/PlakarKorp/integrations",
		"clone upstream's integrations from here, for the groups of servers")
	packages := flag.String("packages", "", "comma-separated packages, beside those of the examples, whose files the group files packs")
	flag.Parse()
	if *packages != "" {
		b.packages = strings.Split(*packages, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *docs {
		err = writeDocs(b.path, filepath.Join(rig.Root(), "docs"))
	} else {
		err = b.run(ctx, *again)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bencher has what all groups need.
type bencher struct {
	tools    rig.Tools
	client   *rig.Client
	dir      string // on a disk, if the system's temporary folder is
	results  results
	path     string
	only     string
	group    string // the one that is run
	held     int    // contests, those that were known included
	rounds   int
	cold     bool
	packages []string
	// integrations is the repository of upstream's, as git clone takes it.
	integrations string
}

// groups are what there is to measure, in this order.
var groups = []struct {
	name string
	run  func(*bencher, context.Context) error
}{
	{"packing", (*bencher).packing},
	{"sizes", (*bencher).sizes},
	{"files", (*bencher).files},
	{"builds", (*bencher).builds},
	{"raw host", (*bencher).rawHost},
	{"import in memory", copied(importing, inMemoryPlace, large...)},
	{"import of small files in memory", copied(importing, inMemoryPlace, small)},
	{"import on a disk", copied(importing, onDiskPlace, large...)},
	{"import of small files on a disk", copied(importing, onDiskPlace, fewer)},
	{"export in memory", copied(exporting, inMemoryPlace, large...)},
	{"export of small files in memory", copied(exporting, inMemoryPlace, small)},
	{"export on a disk", copied(exporting, onDiskPlace, large...)},
	{"export of small files on a disk", copied(exporting, onDiskPlace, fewer)},
	{"backup in memory", copied(storing, inMemoryPlace, large...)},
	{"backup of small files in memory", copied(storing, inMemoryPlace, small)},
	{"backup on a disk", copied(storing, onDiskPlace, large...)},
	{"backup of small files on a disk", copied(storing, onDiskPlace, fewer)},
	{"check in memory", copied(checking, inMemoryPlace, large...)},
	{"check of small files in memory", copied(checking, inMemoryPlace, small)},
	{"check on a disk", copied(checking, onDiskPlace, large...)},
	{"check of small files on a disk", copied(checking, onDiskPlace, fewer)},
	{"from sftp", remoted(fromServer, "sftp", startSFTP)},
	{"to sftp", remoted(toServer, "sftp", startSFTP)},
	{"into a store on sftp", remoted(intoStore, "sftp", startSFTP)},
	{"from a store on sftp", remoted(fromStore, "sftp", startSFTP)},
	{"from s3", remoted(fromServer, "s3", startS3)},
	{"to s3", remoted(toServer, "s3", startS3)},
	{"into a store on s3", remoted(intoStore, "s3", startS3)},
	{"from a store on s3", remoted(fromStore, "s3", startS3)},
	{"archives in memory", placed((*bencher).archives, inMemoryPlace)},
	{"archives on a disk", placed((*bencher).archives, onDiskPlace)},
	{"listing in memory", placed((*bencher).listing, inMemoryPlace)},
	{"packs in memory", placed((*bencher).packs, inMemoryPlace)},
	{"packs on a disk", placed((*bencher).packs, onDiskPlace)},
	{"growth of packages", (*bencher).growthOfPackages},
	{"growth of files", (*bencher).growthOfFiles},
	{"registry", (*bencher).registry},
	{"scale", (*bencher).scale},
	{"fleet", (*bencher).fleet},
	{"many integrations", (*bencher).manyIntegrations},
}

func (b *bencher) run(ctx context.Context, again bool) (err error) {
	if b.results, err = openResults(ctx, b.path, again); err != nil {
		return err
	}
	// kpkg has caches of its own here, and Go the one that is there.
	cache, err := exec.CommandContext(ctx, "go", "env", "GOCACHE").Output()
	if err != nil {
		return fmt.Errorf("ask go for its cache: %w", err)
	}
	if err := os.Setenv("GOCACHE", strings.TrimSpace(string(cache))); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "kpkg-bench-*"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if b.tools, err = rig.BuildTools(ctx, b.dir); err != nil {
		return err
	}
	if b.client, err = b.tools.NewClient(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.client.Close()) }()
	fmt.Printf("%s, %d processors, %s; kpkg %s, plakar %s\n\n", b.results.Machine.System, b.results.Machine.Processors,
		b.results.Versions.Go, b.results.Versions.Kpkg, b.results.Versions.Plakar)
	for _, group := range groups {
		b.group = group.name
		if err := group.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", group.name, err)
		}
	}
	if b.held == 0 {
		return fmt.Errorf("no contest has %q in its group and name", b.only)
	}
	return nil
}

// hold holds the contest, unless its outcome is known or it is not asked for, and prints what came of it.
func (b *bencher) hold(ctx context.Context, c contest) error {
	if !strings.Contains(b.group+": "+c.name, b.only) {
		return nil
	}
	b.held++
	o, known := b.results.find(b.group, c.name)
	if !known {
		var err error
		if o, err = c.hold(ctx, b.rounds); err != nil {
			return err
		}
		o.Group = b.group
		if err := b.results.keep(b.path, o); err != nil {
			return err
		}
	}
	if err := show(os.Stdout, []outcome{o}); err != nil {
		return err
	}
	fmt.Println()
	return ctx.Err()
}

// kpkg is a run of kpkg with these arguments, which leaves what its user has of it alone.
func (b *bencher) kpkg(args ...string) func(context.Context) (sample, error) {
	return program(func(ctx context.Context) (rig.Result, error) {
		own := []string{"XDG_CACHE_HOME=" + filepath.Join(b.dir, "cache"), "XDG_STATE_HOME=" + filepath.Join(b.dir, "state")}
		return rig.RunIn(ctx, b.dir, own, b.tools.Kpkg, args...)
	})
}

// plakar is a run of the client with these arguments.
func plakar(client *rig.Client, args ...string) func(context.Context) (sample, error) {
	return program(func(ctx context.Context) (rig.Result, error) { return client.Run(ctx, args...) })
}
