package gobuild

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
)

// Options are for all builds of a Builder.
type Options struct {
	// Jobs is how many platforms build side by side, sharing the CPUs; 0 means as many as there are CPUs.
	Jobs int
	// Fresh builds without the executables kept by earlier runs, and keeps none.
	Fresh bool
	// Started, if set, is told when a build has been given its turn; from several goroutines at once.
	Started func(*Plan, executable.Platform)
}

// Builder runs the builds of any number of plans and platforms, no more at a time than the CPUs can take.
type Builder struct {
	options Options
	turns   chan struct{}
	pending atomic.Int32 // builds that run or wait for their turn
	cache   cache
	work    string // all temporary files lie below
	run     runner
	environ []string
}

// NewBuilder makes a Builder and its folder for temporary files, which Close removes.
func NewBuilder(options Options) (*Builder, error) {
	if options.Fresh {
		return newBuilder(options, cache{}, runGo)
	}
	return newBuilder(options, openCache(""), runGo)
}

func newBuilder(options Options, cache cache, run runner) (*Builder, error) {
	if options.Jobs <= 0 {
		options.Jobs = runtime.NumCPU()
	}
	work, err := cache.work()
	if err != nil && cache.root != "" {
		// Such as the folder of a user whose first run was with sudo.
		cache.root = ""
		work, err = cache.work()
	}
	if err != nil {
		return nil, fmt.Errorf("making a folder for temporary files: %w", err)
	}
	return &Builder{
		options: options,
		turns:   make(chan struct{}, options.Jobs),
		cache:   cache,
		work:    work,
		run:     run,
		environ: os.Environ(),
	}, nil
}

// Close removes the executables that were handed out and all temporary files, and prunes what is kept between runs.
// No build may be running.
func (b *Builder) Close() error {
	err := removeAll(b.work)
	if b.cache.root != "" {
		err = errors.Join(err, b.cache.prune())
	}
	if err != nil {
		return fmt.Errorf("cleaning up after the builds: %w", err)
	}
	return nil
}

// removeAll is os.RemoveAll for a folder in which a killed compiler may have been about to make one more file.
func removeAll(dir string) error {
	err := os.RemoveAll(dir)
	for try := 0; err != nil && try < 10; try++ {
		time.Sleep(20 * time.Millisecond)
		err = os.RemoveAll(dir)
	}
	return err
}

// Output is what was built for one platform.
type Output struct {
	// Files are the paths of the executables, by their names in the plan. Those that were built last until the Builder is
	// closed.
	Files map[string]string
	// Cached means that every executable is the one of an earlier run, which go found to be up to date.
	Cached bool
	// Elapsed is the time taken from the build's turn on.
	Elapsed time.Duration
}

// BuildError says that go could not build for a platform.
type BuildError struct {
	Platform executable.Platform
	// Output is what the go tool printed, at most some hundred kilobytes.
	Output string
	Err    error
}

func (e *BuildError) Error() string {
	message := fmt.Sprintf("go build for %s: %v", e.Platform, e.Err)
	if e.Output != "" {
		message += "\n" + e.Output
	}
	return message
}

func (e *BuildError) Unwrap() error { return e.Err }

// Build builds the plan's executables for the platform with one go build, once it is this build's turn. It may be called
// from many goroutines; they take turns. The error is a *BuildError if go failed. Cancelling ctx ends go and the compilers.
func (b *Builder) Build(ctx context.Context, plan *Plan, platform executable.Platform, stamp Stamp) (Output, error) {
	if err := plan.CheckStamp(stamp); err != nil {
		return Output{}, err
	}
	ldflags, err := expandLDFlags(plan.settings.LDFlags, stamp)
	if err != nil {
		return Output{}, err
	}
	b.pending.Add(1)
	defer b.pending.Add(-1)
	select {
	case b.turns <- struct{}{}:
		defer func() { <-b.turns }()
	case <-ctx.Done():
		return Output{}, context.Cause(ctx)
	}
	if err := ctx.Err(); err != nil {
		return Output{}, context.Cause(ctx)
	}
	if b.options.Started != nil {
		b.options.Started(plan, platform)
	}
	start := time.Now()
	output := Output{Files: map[string]string{}}
	if err := prebuiltFiles(plan, platform, output.Files); err != nil {
		return Output{}, err
	}
	if plan.Builds() {
		output.Cached, err = b.goBuild(ctx, plan, platform, ldflags, output.Files)
		if err != nil {
			return Output{}, err
		}
	}
	output.Elapsed = time.Since(start)
	return output, nil
}

// prebuiltFiles adds the files that are packed as they are.
func prebuiltFiles(plan *Plan, platform executable.Platform, files map[string]string) error {
	for _, e := range plan.Executables {
		if e.built() {
			continue
		}
		file := filepath.Join(plan.Dir, filepath.FromSlash(platform.FileName(e.Name)))
		info, err := os.Lstat(file) // a link may lead out of the tree
		if err != nil {
			return fmt.Errorf("executable %s for %s: %w; build it before packing", e.Name, platform, err)
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("executable %s for %s: %s is not a regular file", e.Name, platform, file)
		}
		files[e.Name] = file
	}
	return nil
}

// goBuild adds the executables that go builds. cached means that go left all of an earlier run's as they were.
func (b *Builder) goBuild(ctx context.Context, plan *Plan, platform executable.Platform, ldflags string, files map[string]string) (
	cached bool, err error) {
	folders, err := b.makeFolders(platform)
	if err != nil {
		return false, fmt.Errorf("making folders for %s: %w", platform, err)
	}
	built := map[string]string{}
	todo := calls(plan, platform, folders.out)
	for _, call := range todo {
		maps.Copy(built, call.files)
	}
	maps.Copy(files, built)
	env := b.environment(plan, platform, folders.temporary)
	compilerFlags, err := b.compilerFlags(ctx, plan, env, ldflags)
	if err != nil {
		return false, &BuildError{platform, "", err}
	}
	entry := b.cache.entry(plan, platform)
	if entry != "" {
		defer touch(entry)
		fetch(entry, folders.out)
	}
	for _, call := range todo {
		output, err := b.run(ctx, plan.Dir, env, b.arguments(plan, ldflags, compilerFlags, call))
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if err != nil {
			return false, &BuildError{platform, strings.TrimRight(string(output), "\n"), err}
		}
	}
	return entry != "" && keepAll(entry, built, folders.dir), nil
}

// buildFolders are those of one build, below the Builder's.
type buildFolders struct {
	dir       string // holds the others
	out       string // the executables
	temporary string // go's own
}

func (b *Builder) makeFolders(platform executable.Platform) (buildFolders, error) {
	dir, err := os.MkdirTemp(b.work, platform.OS+"-"+platform.Arch+"-")
	if err != nil {
		return buildFolders{}, err
	}
	folders := buildFolders{dir, filepath.Join(dir, "out"), filepath.Join(dir, "tmp")}
	for _, folder := range []string{folders.out, folders.temporary} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return buildFolders{}, err
		}
	}
	// A folder may inherit the set-group-ID bit, which has go overwrite its outputs in place, and so what is kept.
	return folders, os.Chmod(folders.out, 0o700)
}
