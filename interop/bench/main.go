// Command bench measures kpkg beside its peers, all in one run and in turns, so that what else the machine does meets
// them alike:
//
//   - packing: kpkg create --no-build and plakar pkg create, on the same files;
//   - checking: kpkg verify, and sha256sum on the same package;
//   - starting: kpkg version;
//   - sizes: the same connectors on upstream's SDK, packed upstream's way, and on kpkg's;
//   - files: packages of the very same executables, by the client and by kpkg;
//   - builds: from source to packages for six platforms, with make and plakar pkg create, and with kpkg create;
//   - memory: a package of 2 GiB;
//   - packs: archives of any files, by plakar ptar and by kpkg pack;
//   - registry: an index of 5,000 integrations, one added, all checked;
//   - archives: archives of the client's, listed, checked and extracted by both;
//   - throughput: backup, restore and stores through the same connectors as builtins and on both SDKs.
//
// The first three are medians of several runs, packs of three, the others one run each. The peers' rows are the measure: ratio is against
// the first row of a group.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

func main() {
	runs := flag.Int("runs", 7, "measure each program this many times")
	cold := flag.Bool("cold", false, "measure builds from empty caches too, which takes many minutes")
	full := flag.Bool("full", false, "measure throughput on gigabytes and tens of thousands of files, which takes many minutes")
	only := flag.String("only", "", "measure one group: pack, sizes, files, builds, memory, packs, archives, registry or throughput")
	packages := flag.String("packages", "", "comma-separated packages, beside those of the examples, whose files the group files packs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	b := bencher{runs: max(*runs, 1), cold: *cold, full: *full}
	if *packages != "" {
		b.packages = strings.Split(*packages, ",")
	}
	if err := b.run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// contender is a program that is measured.
type contender struct {
	name string
	run  func(context.Context) (rig.Result, error)
	// output is the file that the program writes; empty if it writes none. It is removed before each run.
	output string
}

// figures are the medians of a contender's runs.
type figures struct {
	wall, cpu time.Duration
	peak      int64 // bytes
	size      int64 // of the output, bytes
}

// bencher has what all groups need.
type bencher struct {
	tools      rig.Tools
	client     *rig.Client
	dir        string
	w          *tabwriter.Writer
	runs       int
	packages   []string
	cold, full bool
}

const programColumns = "wall\tratio\tCPU\tratio\tpeak\tsize\tratio"

// groups are what there is to measure, in this order.
var groups = []struct {
	name, columns string
	run           func(*bencher, context.Context) error
}{
	{"pack", programColumns, (*bencher).pack},
	{"sizes", programColumns, (*bencher).sizes},
	{"files", programColumns, (*bencher).files},
	{"builds", programColumns, (*bencher).builds},
	{"memory", programColumns, (*bencher).memory},
	{"packs", programColumns, (*bencher).packs},
	{"archives", programColumns, (*bencher).archives},
	{"registry", programColumns, (*bencher).registry},
	{"throughput", "wall\tratio\tclient CPU\tplugin CPU\tplugin peak", (*bencher).throughput},
}

// run measures the group of that name, or all.
func (b *bencher) run(ctx context.Context, only string) (err error) {
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

	fmt.Printf("%s/%s, %d CPUs, %s\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	b.w = tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	known := false
	for _, group := range groups {
		if only != "" && only != group.name {
			continue
		}
		known = true
		fmt.Fprintln(b.w, group.columns+"\t\t"+group.name)
		if err := group.run(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", group.name, err)
		}
		// A group at a time: the whole takes long.
		if err := b.w.Flush(); err != nil {
			return err
		}
		fmt.Println()
	}
	if !known {
		return fmt.Errorf("there is no group %q", only)
	}
	return nil
}

// pack measures packing, verifying and starting.
func (b *bencher) pack(ctx context.Context) error {
	source := filepath.Join(b.dir, "source")
	unpacked, err := stage(ctx, source)
	if err != nil {
		return err
	}
	manifest := filepath.Join(source, "manifest.yaml")
	output := func(name string) string {
		return filepath.Join(b.dir, name, fmt.Sprintf("fs-plugin_v0.1.0_%s_%s.ptar", runtime.GOOS, runtime.GOARCH))
	}
	kpkg := func(args ...string) func(context.Context) (rig.Result, error) {
		return func(ctx context.Context) (rig.Result, error) { return rig.Run(ctx, b.tools.Kpkg, args...) }
	}
	create := func(compression string) contender {
		file := output(compression)
		return contender{
			name:   fmt.Sprintf("kpkg create --no-build, %s, of %.1f MiB", compression, mebibytes(unpacked)),
			run:    kpkg("create", manifest, "v0.1.0", "--no-build", "--quiet", "--compression", compression, "-o", file),
			output: file,
		}
	}
	plakar := output("plakar")
	err = b.measure(ctx, []contender{
		{name: "plakar pkg create, lz4", output: plakar, run: func(ctx context.Context) (rig.Result, error) {
			return b.client.Run(ctx, "pkg", "create", "-out", plakar, manifest, "v0.1.0")
		}},
		create("lz4"),
		create("gzip"),
	})
	if err != nil {
		return err
	}
	for _, compression := range []string{"lz4", "gzip"} {
		file := output(compression)
		err := b.measure(ctx, []contender{
			{name: "sha256sum of the package, " + compression, run: func(ctx context.Context) (rig.Result, error) {
				return rig.Run(ctx, "sha256sum", file)
			}},
			{name: "kpkg verify, " + compression, run: kpkg("verify", file)},
		})
		if err != nil {
			return err
		}
	}
	return b.measure(ctx, []contender{{name: "kpkg version", run: kpkg("version")}})
}

// stage puts the files of examples/fs into dir, with its executables as go build makes them, and returns how many bytes
// are to be packed.
func stage(ctx context.Context, dir string) (int64, error) {
	example := filepath.Join(rig.Root(), "examples", "fs")
	if err := os.CopyFS(dir, os.DirFS(example)); err != nil {
		return 0, err
	}
	// What only kpkg packs would be held against it.
	if err := errors.Join(os.Remove(filepath.Join(dir, "README.md")), os.Remove(filepath.Join(dir, "LICENSE"))); err != nil {
		return 0, err
	}
	files := []string{"manifest.yaml"}
	for executable, kind := range map[string]string{"fsImporter": "importer", "fsExporter": "exporter", "fsStorage": "storage"} {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w",
			"-o", filepath.Join(dir, executable), "./plugin/"+kind)
		build.Dir = example
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := build.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("build %s: %w\n%s", executable, err, output)
		}
		files = append(files, executable, filepath.Join("plugin", kind, "schema.json"))
	}
	var total int64
	for _, file := range files {
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil {
			return 0, err
		}
		total += info.Size()
	}
	return total, nil
}

// measure runs the contenders in turns and writes a row for each.
func (b *bencher) measure(ctx context.Context, contenders []contender) error {
	results := make([][]rig.Result, len(contenders))
	for range b.runs {
		for i, c := range contenders {
			if c.output != "" {
				if err := errors.Join(os.RemoveAll(c.output), os.MkdirAll(filepath.Dir(c.output), 0o755)); err != nil {
					return err
				}
			}
			result, err := c.run(ctx)
			if err != nil || result.Status != 0 {
				return fmt.Errorf("%s: %w\n%v", c.name, err, result)
			}
			results[i] = append(results[i], result)
		}
	}

	var first figures
	for i, c := range contenders {
		f := figures{
			wall: median(results[i], func(r rig.Result) time.Duration { return r.Wall }),
			cpu:  median(results[i], func(r rig.Result) time.Duration { return r.CPU }),
			peak: median(results[i], func(r rig.Result) int64 { return r.Peak }),
		}
		if c.output != "" {
			info, err := os.Stat(c.output)
			if err != nil {
				return err
			}
			f.size = info.Size()
		}
		if i == 0 {
			first = f
		}
		size, sizeRatio := "", ""
		if f.size > 0 {
			size, sizeRatio = fmt.Sprintf("%.1f MiB", mebibytes(f.size)), ratio(f.size, first.size)
		}
		fmt.Fprintf(b.w, "%.3f s\t%s\t%.3f s\t%s\t%.0f MiB\t%s\t%s\t\t%s\n", f.wall.Seconds(), ratio(f.wall, first.wall),
			f.cpu.Seconds(), ratio(f.cpu, first.cpu), mebibytes(f.peak), size, sizeRatio, c.name)
	}
	return nil
}

func median[T cmp.Ordered](results []rig.Result, figure func(rig.Result) T) T {
	values := make([]T, len(results))
	for i, r := range results {
		values[i] = figure(r)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func ratio[T ~int64](value, measure T) string {
	if measure == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", float64(value)/float64(measure))
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }
