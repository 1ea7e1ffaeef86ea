package gobuild

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Options are for all builds of a Builder.
type Options struct {
	// Jobs is how many platforms build side by side, sharing the CPUs; 0 means as many as there are CPUs.
	Jobs int
	// Started, if set, is told when a build has been given its turn; from several goroutines at once.
	Started func(*Plan, Platform)
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
	return newBuilder(options, openCache(""), runGo)
}

func newBuilder(options Options, cache cache, run runner) (*Builder, error) {
	if options.Jobs <= 0 {
		options.Jobs = runtime.NumCPU()
	}
	work, err := cache.work()
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
	Platform Platform
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
func (b *Builder) Build(ctx context.Context, plan *Plan, platform Platform, stamp Stamp) (Output, error) {
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
	if len(output.Files) < len(plan.Executables) {
		output.Cached, err = b.goBuild(ctx, plan, platform, ldflags, output.Files)
		if err != nil {
			return Output{}, err
		}
	}
	output.Elapsed = time.Since(start)
	return output, nil
}

// prebuiltFiles adds the files that are packed as they are.
func prebuiltFiles(plan *Plan, platform Platform, files map[string]string) error {
	for _, e := range plan.Executables {
		if e.built() {
			continue
		}
		file := filepath.Join(plan.Dir, filepath.FromSlash(platform.FileName(e.Name)))
		info, err := os.Stat(file)
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

// goBuild adds the executables that go builds.
func (b *Builder) goBuild(ctx context.Context, plan *Plan, platform Platform, ldflags string, files map[string]string) (
	cached bool, err error) {
	dir, err := os.MkdirTemp(b.work, platform.OS+"-"+platform.Arch+"-")
	if err != nil {
		return false, fmt.Errorf("making a folder for %s: %w", platform, err)
	}
	out, temporary := filepath.Join(dir, "out"), filepath.Join(dir, "tmp")
	for _, folder := range []string{out, temporary} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return false, fmt.Errorf("making a folder for %s: %w", platform, err)
		}
	}
	// A folder may inherit the set-group-ID bit, which has go overwrite its outputs in place, and so what is kept.
	if err := os.Chmod(out, 0o700); err != nil {
		return false, fmt.Errorf("making a folder for %s: %w", platform, err)
	}
	plannedCalls := calls(plan, platform, out)
	env := b.environment(plan, platform, temporary)
	entry, settings := b.cache.entry(plan, platform), goSettings{}
	if entry != "" {
		defer touch(entry)
		fetch(entry, out)
		settings = b.goSettings(ctx, plan, env, ldflags)
		if unchanged(entry, out, settings) {
			for _, call := range plannedCalls {
				maps.Copy(files, call.files)
			}
			return true, nil
		}
	}
	start := time.Now()
	for _, call := range plannedCalls {
		output, err := b.run(ctx, plan.Dir, env, b.arguments(plan, ldflags, call))
		if err != nil {
			if ctx.Err() != nil {
				return false, context.Cause(ctx)
			}
			return false, &BuildError{platform, strings.TrimRight(string(output), "\n"), err}
		}
		maps.Copy(files, call.files)
	}
	if err := removeAll(temporary); err != nil {
		return false, fmt.Errorf("removing go's temporary files: %w", err)
	}
	if entry == "" {
		return false, nil
	}
	cached = true
	outputs := map[string]fileState{}
	for _, file := range files {
		if filepath.Dir(file) != out {
			continue // prebuilt
		}
		state, kept := keep(entry, file, dir)
		cached = cached && kept
		outputs[filepath.Base(file)] = state
	}
	if known, ok := b.inputs(ctx, plan, env, settings, start); ok {
		known.Outputs = outputs
		known.write(entry, dir)
	}
	return cached, nil
}

// arguments are those of go build. Without -buildvcs the commit is no part of the executable, unless build.ldflags stamps
// it, so that the same source gives the same bytes in and out of a checkout.
func (b *Builder) arguments(plan *Plan, ldflags string, call goCall) []string {
	sharers := min(b.options.Jobs, int(b.pending.Load()))
	cpus := (runtime.NumCPU() + sharers - 1) / sharers
	args := []string{"build", "-trimpath", "-buildvcs=false", "-p", fmt.Sprint(cpus),
		"-ldflags", strings.TrimSpace("-s -w " + ldflags)}
	args = append(args, tagFlags(plan)...)
	args = append(args, "-o", call.output)
	return append(args, call.packages...)
}

func tagFlags(plan *Plan) []string {
	if len(plan.settings.Tags) == 0 {
		return nil
	}
	return []string{"-tags", strings.Join(plan.settings.Tags, ",")}
}

// environment is the process's own, then the manifest's, then the target: of one name, the last counts.
func (b *Builder) environment(plan *Plan, platform Platform, temporary string) []string {
	env := append(slices.Clone(b.environ), "CGO_ENABLED=0")
	for _, name := range slices.Sorted(maps.Keys(plan.settings.Env)) {
		env = append(env, name+"="+plan.settings.Env[name])
	}
	return append(env, "GOOS="+platform.OS, "GOARCH="+platform.Arch, "GOTMPDIR="+temporary)
}

// goCall is one invocation of go build.
type goCall struct {
	output   string            // -o: a file, or a folder with a separator at its end
	packages []string          // folders or .go files
	files    map[string]string // executables made, by name
}

// majorVersion is a last path element after which go names no executable.
var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// calls groups the plan's executables into as few invocations as can be: all main packages that go names after their own
// folder, and differently, are built by one, so that they share the work on what they have in common.
func calls(plan *Plan, platform Platform, out string) []goCall {
	together := goCall{output: out + string(filepath.Separator), files: map[string]string{}}
	var alone []goCall
	packages := map[string]string{} // package by its base name, of those built together
	for i, e := range plan.Executables {
		if !e.built() {
			continue
		}
		base := path.Base(e.Package)
		if other, taken := packages[base]; len(e.Files) == 0 && base != "." && !majorVersion.MatchString(base) &&
			(!taken || other == e.Package) {
			if !taken {
				packages[base] = e.Package
				together.packages = append(together.packages, e.Package)
			}
			together.files[e.Name] = filepath.Join(out, platform.FileName(base))
			continue
		}
		// No package's base name has an @.
		file := filepath.Join(out, platform.FileName(fmt.Sprintf("@%d", i)))
		call := goCall{output: file, packages: e.Files, files: map[string]string{e.Name: file}}
		if len(e.Files) == 0 {
			call.packages = []string{e.Package}
		}
		alone = append(alone, call)
	}
	if len(together.packages) > 0 {
		return append([]goCall{together}, alone...)
	}
	return alone
}
