package create

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarbuild"
)

// Options say which packages to make of which integrations, and where.
type Options struct {
	// Manifests are the paths of manifest.yaml files or of their folders.
	Manifests []string
	// Version of the packages; "" takes each manifest's or the git tag's.
	Version string
	// Platforms to make packages for; none means this machine's, unless All.
	Platforms []executable.Platform
	// All makes a package for every platform a manifest names, or else for those upstream ships and the module builds for.
	All bool
	// Shard makes a part of the packages only.
	Shard Shard
	// Output is the file of the one package; "" gives each package its canonical name in OutDir.
	Output string
	// OutDir is the folder for packages; "" is the current one. It is made when it is not there.
	OutDir string
	// NoBuild packs the executables that are there instead of building them.
	NoBuild bool
	// DryRun does every check and lists the files, and neither builds nor writes.
	DryRun bool
	// Force replaces packages that are there.
	Force bool
	// Strict makes errors of what upstream's newer validator refuses, and of a source that is not the commit that the
	// package names.
	Strict      bool
	Compression ptarbuild.Compression
	// Jobs is how many platforms are built side by side; 0 means as many as there are CPUs.
	Jobs int
	// Checked, when set, is called for each integration once all are checked and before anything is built.
	Checked func(*Integration)
	// Progress, when set, is told of every step of every package. Calls do not overlap.
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

// Step is the begin of a stage of a package, or its end.
type Step struct {
	Stage   Stage
	Package *Package
}

// Package is what became of one platform.
type Package struct {
	// Name is the integration's.
	Name     string              `json:"name"`
	Platform executable.Platform `json:"platform"`
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
	// Prebuilt means that all executables are files that were there already.
	Prebuilt bool `json:"prebuilt"`
	// Cached means that the executables are those of an earlier run, found to be up to date.
	Cached bool `json:"cached"`
	// Unchanged means that the very package was there already, verified by an earlier run, and was left alone.
	Unchanged bool `json:"unchanged"`
	// Seconds from the begin of the build to the package's name.
	Seconds float64 `json:"seconds"`
	// Err is why there is no package; a *gobuild.BuildError when the compiler refused.
	Err error `json:"-"`
}

// Integration is what Run found and made of one manifest.
type Integration struct {
	// Source has nothing but the manifest's path when that could not be read.
	Source *Source
	// Err is what could not be done, such as finding a version; nothing is made of the integration then.
	Err     error
	Version manifest.Version
	// Time tells where the time in the packages is from.
	Time TimeSource
	// Findings are about the manifest and its tree, sorted. With an error among them nothing is made of the integration.
	Findings []finding.Finding
	// Packages are in the order of the platforms.
	Packages []*Package

	plan   *gobuild.Plan
	tree   *os.Root
	moment moment
}

// ErrOptions is wrapped by the errors of Run about options that do not fit together.
var ErrOptions = errors.New("wrong options")

// Run makes the packages, in the order of the manifests. An integration or a platform that fails does not keep the others
// from being made: it has Err. The error is for what stops all of them. An ended ctx stops everything and leaves nothing
// behind but packages already complete.
func Run(ctx context.Context, opts Options) ([]*Integration, error) {
	r := &run{opts: opts, receipts: openReceipts()}
	defer r.close()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	for _, integration := range r.integrations {
		if opts.Checked != nil {
			opts.Checked(integration)
		}
	}
	if opts.DryRun {
		return r.integrations, r.foresee()
	}
	return r.integrations, r.make(ctx)
}

// run is one Run.
type run struct {
	opts         Options
	recorded     *time.Time // the time to pack with, if it is known already
	integrations []*Integration
	receipts     receipts
	progress     sync.Mutex
}

func (r *run) close() {
	for _, integration := range r.integrations {
		if integration.tree != nil {
			integration.tree.Close()
		}
	}
}

// packages calls f for all packages of all integrations, up to its first error.
func (r *run) packages(f func(*Integration, *Package) error) error {
	for _, integration := range r.integrations {
		for _, p := range integration.Packages {
			if err := f(integration, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// make builds and packs, platforms side by side: while one is built, another is packed.
func (r *run) make(ctx context.Context) error {
	jobs, folder := 0, ""
	started := map[*gobuild.Plan]map[executable.Platform]*Package{}
	err := r.packages(func(integration *Integration, p *Package) error {
		if dir := filepath.Dir(p.File); dir != folder {
			if err := place.Folder(p.File); err != nil {
				return err
			}
			folder = dir
		}
		if p.Err = place.Free(p.File, r.opts.Force); p.Err != nil {
			r.step(p, Failed)
			return nil
		}
		jobs++
		if started[integration.plan] == nil {
			started[integration.plan] = map[executable.Platform]*Package{}
		}
		started[integration.plan][p.Platform] = p
		return nil
	})
	if err != nil || jobs == 0 {
		return err
	}
	if r.opts.Jobs == 0 {
		jobs = min(jobs, runtime.NumCPU())
	} else {
		jobs = min(jobs, r.opts.Jobs)
	}
	builder, err := gobuild.NewBuilder(gobuild.Options{
		Jobs: jobs,
		Started: func(plan *gobuild.Plan, platform executable.Platform) {
			if plan.Builds() {
				r.step(started[plan][platform], Building)
			}
		},
	})
	if err != nil {
		return err
	}
	defer builder.Close()

	var packages sync.WaitGroup
	r.packages(func(integration *Integration, p *Package) error {
		if p.Err != nil {
			return nil
		}
		packages.Go(func() {
			begin := time.Now()
			output, err := builder.Build(ctx, integration.plan, p.Platform, integration.moment.stamp(integration.Version.Value))
			if err == nil {
				p.Cached = output.Cached
				begin = time.Now().Add(-output.Elapsed) // waiting for its turn is not its time
				err = r.pack(ctx, integration, p, output.Files)
			}
			r.finish(p, begin, err)
		})
		return nil
	})
	packages.Wait()
	r.receipts.prune()
	return context.Cause(ctx)
}

// foresee is what a dry run says of the packages.
func (r *run) foresee() error {
	return r.packages(func(integration *Integration, p *Package) error {
		if p.Err = place.Free(p.File, r.opts.Force); p.Err != nil {
			return nil
		}
		if _, files, err := integration.contents(p.Platform, nil); err != nil {
			p.Err = err
		} else {
			p.Files, p.Executables = files, len(integration.plan.Executables)
		}
		return nil
	})
}

// step tells of a stage.
func (r *run) step(p *Package, stage Stage) {
	if r.opts.Progress == nil {
		return
	}
	r.progress.Lock()
	defer r.progress.Unlock()
	r.opts.Progress(Step{stage, p})
}

// finish records how a package ended.
func (r *run) finish(p *Package, begin time.Time, err error) {
	p.Seconds = time.Since(begin).Seconds()
	p.Err = err
	if err != nil {
		r.step(p, Failed)
		return
	}
	r.step(p, Done)
}
