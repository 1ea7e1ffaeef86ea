package create

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarbuild"
)

// Options say which packages to make of an integration, and where.
type Options struct {
	// Manifest is the path of manifest.yaml or of its folder.
	Manifest string
	// Version of the packages; "" takes the manifest's or the git tag's.
	Version string
	// Platforms to make packages for; none means this machine's, unless All.
	Platforms []gobuild.Platform
	// All makes a package for every platform the manifest names, or else for those upstream ships and the module builds for.
	All bool
	// Output is the file of the one package; "" gives each package its canonical name in OutDir.
	Output string
	// OutDir is the folder for packages; "" is the current one. It is made when it is not there.
	OutDir string
	// NoBuild packs the executables that are there instead of building them.
	NoBuild bool
	// DryRun does every check and lists the files, and neither builds nor writes.
	DryRun bool
	// Force replaces packages that are there.
	Force       bool
	Compression ptarbuild.Compression
	// Checked, when set, is called once all checks are done and before anything is built: with what is known by then.
	Checked func(*Result)
	// Progress, when set, is told of every step of every platform. Calls do not overlap.
	Progress func(Step)
}

// Stage is what is being done to a package.
type Stage string

const (
	Building  Stage = "building"
	Packing   Stage = "packing"
	Verifying Stage = "verifying"
	Done      Stage = "done"
	Failed    Stage = "failed"
)

// Step is the begin of a stage for one platform.
type Step struct {
	Platform gobuild.Platform
	Stage    Stage
	// Package is set when the stage is Done or Failed.
	Package *Package
}

// Package is what became of one platform.
type Package struct {
	Platform gobuild.Platform `json:"platform"`
	// File is the path of the package.
	File string `json:"file"`
	// Size of the package, and Unpacked of its files together; bytes.
	Size     int64  `json:"size,omitempty"`
	Unpacked int64  `json:"unpacked,omitempty"`
	SHA256   string `json:"sha256,omitempty"`
	// Executables is how many of Files connectors start.
	Executables int          `json:"executables"`
	Files       []PackedFile `json:"files"`
	// Findings are what verification said of the package.
	Findings []finding.Finding `json:"findings,omitempty"`
	// Cached means that the executables are those of an earlier run, found to be up to date.
	Cached bool `json:"cached"`
	// Seconds from the begin of the build to the package's name.
	Seconds float64 `json:"seconds"`
	// Err is why there is no package; a *gobuild.BuildError when the compiler refused.
	Err error `json:"-"`
}

// Result is what Run did.
type Result struct {
	Source  *Source
	Version manifest.Version
	// Findings are about the manifest and its tree, sorted. With an error among them nothing was made.
	Findings []finding.Finding
	// Packages are in the order of the platforms.
	Packages []Package
}

// Failed reports whether a package could not be made.
func (r *Result) Failed() bool {
	return slices.ContainsFunc(r.Packages, func(p Package) bool { return p.Err != nil })
}

// ErrOptions is wrapped by the errors of Run about options that do not fit together.
var ErrOptions = errors.New("wrong options")

// Run makes the packages. A platform that fails does not keep the others from being made: its Package has Err. The error
// is for what stops all of them; the Result comes with it as far as it got. An ended ctx stops everything and leaves
// nothing behind but packages already complete.
func Run(ctx context.Context, opts Options) (*Result, error) {
	j := &job{opts: opts}
	defer j.close()
	if err := j.prepare(ctx); err != nil {
		return &j.result, err
	}
	if opts.Checked != nil {
		opts.Checked(&j.result)
	}
	if finding.HasErrors(j.result.Findings) {
		return &j.result, nil
	}
	if opts.DryRun {
		return &j.result, j.list()
	}
	for i := range j.result.Packages {
		if err := free(j.result.Packages[i].File, opts.Force); err != nil {
			return &j.result, err
		}
	}
	builder, err := gobuild.NewBuilder(gobuild.Options{
		Jobs:    len(j.result.Packages),
		Started: func(_ *gobuild.Plan, platform gobuild.Platform) { j.step(&Package{Platform: platform}, Building) },
	})
	if err != nil {
		return &j.result, err
	}
	defer builder.Close()

	var platforms sync.WaitGroup
	for i := range j.result.Packages {
		p := &j.result.Packages[i]
		platforms.Go(func() {
			begin := time.Now()
			output, err := builder.Build(ctx, j.plan, p.Platform, j.stamp)
			if err == nil {
				p.Cached = output.Cached
				begin = time.Now().Add(-output.Elapsed) // waiting for its turn is not its time
				err = j.pack(ctx, p, output.Files)
			}
			j.finish(p, begin, err)
		})
	}
	platforms.Wait()
	if err := ctx.Err(); err != nil {
		return &j.result, context.Cause(ctx)
	}
	return &j.result, nil
}

// job is one Run.
type job struct {
	opts   Options
	result Result
	plan   *gobuild.Plan
	tree   *os.Root
	time   time.Time
	stamp  gobuild.Stamp
	mu     sync.Mutex // of Progress
}

func (j *job) close() {
	if j.tree != nil {
		j.tree.Close()
	}
}

// prepare does all that comes before building: checks, version, platforms, names.
func (j *job) prepare(ctx context.Context) error {
	if j.opts.Output != "" && (j.opts.OutDir != "" || j.opts.All || len(j.opts.Platforms) > 1) {
		return fmt.Errorf("%w: one output file is for one platform; name a folder for the packages instead", ErrOptions)
	}
	source, err := Validate(ctx, j.opts.Manifest, ValidateOptions{})
	if err != nil {
		return err
	}
	j.result.Source = source
	j.plan = source.Plan
	j.result.Findings = source.Findings
	if finding.HasErrors(j.result.Findings) {
		return nil
	}
	if j.opts.NoBuild {
		j.plan = gobuild.ResolveFiles(source.Dir, source.Document)
	}
	version, findings, err := manifest.ResolveVersion(ctx, source.Dir, j.opts.Version, source.Document)
	if err != nil {
		return err
	}
	j.result.Version = version
	j.result.Findings = append(j.result.Findings, findings...)
	finding.Sort(j.result.Findings)

	if j.tree, err = os.OpenRoot(source.Dir); err != nil {
		return fmt.Errorf("opening the folder of the manifest: %w", err)
	}
	if j.time, err = sourceTime(ctx, source.Dir); err != nil {
		return err
	}
	commit, err := headCommit(ctx, source.Dir)
	if err != nil {
		return err
	}
	j.stamp = gobuild.Stamp{Version: version.Value, Commit: commit, Date: j.time.Format(time.RFC3339)}

	platforms := j.opts.Platforms
	switch {
	case j.opts.All:
		platforms = source.Plan.Platforms()
	case len(platforms) == 0:
		platforms = []gobuild.Platform{gobuild.Host()}
	}
	if len(platforms) == 0 {
		return errors.New("the integration builds for no platform; name one, or the ones it builds for in build.platforms")
	}
	for _, platform := range platforms {
		j.result.Packages = append(j.result.Packages, Package{Platform: platform, File: j.output(platform)})
	}
	return nil
}

// list is what a dry run says of the packages.
func (j *job) list() error {
	for i := range j.result.Packages {
		p := &j.result.Packages[i]
		if err := free(p.File, j.opts.Force); err != nil {
			return err
		}
		_, files, err := j.contents(p.Platform, nil)
		if err != nil {
			return err
		}
		p.Files = files
	}
	return nil
}
