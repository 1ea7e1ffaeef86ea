package gobuild

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/internal/sha256sum"
)

// Options are for all builds of a Builder.
type Options struct {
	// Jobs is how many platforms build side by side, sharing the CPUs; 0 means as many as there are CPUs.
	Jobs int
	// CacheDir is the folder in which executables are kept between runs, of any number of Builders at the same time; ""
	// keeps none. What is in it must be as trusted as the source: who can write it decides what is built.
	CacheDir string
	// Debug makes executables for a debugger: with symbols and the paths of the source, and without the compiler's optimisations.
	Debug bool
	// Cover builds with go build -cover. Executables so built are not to be kept: no CacheDir goes with it.
	Cover bool
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
	remove  func() error
	run     runner
	environ []string
}

// NewBuilder makes a Builder and its folder for temporary files, which Close removes.
func NewBuilder(options Options) (*Builder, error) {
	return newBuilder(options, runGo)
}

func newBuilder(options Options, run runner) (*Builder, error) {
	environ := readEnvironment(os.Environ()).passed
	cache := openCache(options.CacheDir)
	cache.debug, cache.shared = options.Debug, cacheProgram(environ) != ""
	if options.Jobs <= 0 {
		options.Jobs = runtime.NumCPU()
	}
	work, remove, err := cache.work()
	if err != nil && cache.root != "" {
		// Such as the folder of a user whose first run was with sudo.
		cache.root = ""
		work, remove, err = cache.work()
	}
	if err != nil {
		return nil, fmt.Errorf("making a folder for temporary files: %w", err)
	}
	return &Builder{
		options: options,
		turns:   make(chan struct{}, options.Jobs),
		cache:   cache,
		work:    work,
		remove:  remove,
		run:     run,
		environ: environ,
	}, nil
}

// Close removes the executables that were handed out and all temporary files, and prunes what is kept between runs.
// No build may be running.
func (b *Builder) Close() error {
	err := repeat(b.remove)
	if b.cache.root != "" {
		err = errors.Join(err, b.cache.prune())
	}
	if err != nil {
		return fmt.Errorf("cleaning up after the builds: %w", err)
	}
	return nil
}

// repeat removes a folder in which a killed compiler may have been about to make one more file.
func repeat(remove func() error) error {
	err := remove()
	for try := 0; err != nil && try < 10; try++ {
		time.Sleep(20 * time.Millisecond)
		err = remove()
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
	// Damaged names the executables that were kept by an earlier run, were no longer what had been kept, and so were built.
	Damaged []string
	// Stubs are the packages in the executables that do without their cgo files.
	Stubs []Stub
	// Elapsed is the time taken from the build's turn on.
	Elapsed time.Duration
}

// BuildError says that go could not build for a platform.
type BuildError struct {
	Platform executable.Platform
	// Output is what the go tool printed, at most some hundred kilobytes, with the paths of files as the plan's Dir has them.
	Output string
	Err    error
}

func (e *BuildError) Error() string {
	return fmt.Sprintf("go build for %s: %s", e.Platform, e.Reason())
}

// Reason is Error without the platform. That go ended with a status other than 0 is not said beside what it printed.
func (e *BuildError) Reason() string {
	if _, refused := e.Err.(*exec.ExitError); refused && e.Output != "" {
		return "go refuses it\n" + e.Output
	}
	if e.Output != "" {
		return e.Err.Error() + "\n" + e.Output
	}
	return e.Err.Error()
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
		if err := b.goBuild(ctx, plan, platform, ldflags, &output); err != nil {
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
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("executable %s (for windows %[1]s.exe) is not there: build it before packing", strings.TrimSuffix(e.Name, ".exe"))
		}
		if err != nil {
			return fmt.Errorf("executable %s: %w", e.Name, err)
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("executable %s: %s is not a regular file", e.Name, file)
		}
		files[e.Name] = file
	}
	return nil
}

// goBuild adds to the output what go builds.
func (b *Builder) goBuild(ctx context.Context, plan *Plan, platform executable.Platform, ldflags string, output *Output) error {
	folders, err := b.makeFolders(platform)
	if err != nil {
		return fmt.Errorf("making folders for %s: %w", platform, err)
	}
	env := b.environment(plan, platform, folders.temporary)
	entry := b.cache.entry(plan, platform)
	defer entry.touch()
	fetched, damaged := entry.fetch(folders.out)

	built := map[string]string{} // paths by their last elements
	todo := calls(plan, platform, folders.out)
	for _, call := range todo {
		maps.Copy(output.Files, call.files)
		for _, file := range call.files {
			built[filepath.Base(file)] = file
		}
		printed, err := b.run(ctx, plan.Dir, env, b.arguments(plan, ldflags, call), nil)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return &BuildError{platform, located(string(printed), plan.Dir), err}
		}
	}
	sums := map[string]string{}
	for name, file := range built {
		if sums[name], _, err = sha256sum.File(ctx, file); err != nil {
			return fmt.Errorf("reading what go built for %s: %w", platform, err)
		}
	}
	output.Cached = maps.Equal(sums, fetched)
	for _, name := range damaged {
		output.Damaged = append(output.Damaged, namesOf(output.Files, filepath.Join(folders.out, name))...)
	}
	slices.Sort(output.Damaged)
	if entry.dir != "" {
		entry.keep(built, sums, fetched, folders.dir)
	}
	if plan.cgo() {
		return nil
	}
	var known bool
	if output.Stubs, known = entry.stubs(sums); known {
		return nil
	}
	if output.Stubs, err = b.findStubs(ctx, plan, platform, env, todo); err != nil {
		return err
	}
	entry.keepStubs(sums, output.Stubs)
	return nil
}

// namesOf are the executables that one file is.
func namesOf(files map[string]string, file string) []string {
	var names []string
	for name, path := range files {
		if path == file {
			names = append(names, name)
		}
	}
	return names
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
	return folders, nil
}
