package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// scale are builders with nothing, of one machine, which share a gocached or do not, and make packages of examples/ftp.
type scale struct {
	*bencher
	dir   string
	cache *rig.GoCache
	made  int // builders, and modules that nobody has compiled, each of which has a number
	// packages are the first that were made, by their names: all others have the same bytes.
	packages map[string][]byte
}

// scaled runs steps, and removes what they leave.
func (b *bencher) scaled(ctx context.Context, steps ...func(*scale, context.Context) error) (err error) {
	s := &scale{bencher: b, dir: filepath.Join(b.dir, b.group), packages: map[string][]byte{}}
	defer func() { err = errors.Join(err, s.closeCache(), os.RemoveAll(s.dir)) }()
	for _, step := range steps {
		if err := step(s, ctx); err != nil {
			return err
		}
	}
	return nil
}

// scale measures what a package costs, step by step and in processor time, and what a builder has of a cache that another has filled.
func (b *bencher) scale(ctx context.Context) error {
	return b.scaled(ctx, (*scale).fresh, (*scale).steps, (*scale).publishing, (*scale).planning)
}

// fleet really runs the points that the model of many builders is held to.
func (b *bencher) fleet(ctx context.Context) error {
	return b.scaled(ctx, func(s *scale, ctx context.Context) error {
		host := []string{runtime.GOOS + "/" + runtime.GOARCH}
		for _, p := range fleetPoints {
			team := team{builders: p.builders, integrations: pointIntegrations, platforms: host, shared: p.shared, oneProcessor: true}
			c := contender{name: "kpkg create", run: func(ctx context.Context) (sample, error) { return s.build(ctx, team) }}
			switch {
			case p.filled:
				c.before = s.fullCache(team)
			case p.shared:
				c.before = s.emptyCache
			}
			// Each is minutes of processor time.
			if err := s.hold(ctx, contest{name: p.name, rounds: 1, contenders: []contender{c}}); err != nil {
				return err
			}
		}
		return nil
	})
}

// fresh is a builder with nothing that fills the cache, the next one, which has all from it, and one that shares nothing.
func (s *scale) fresh(ctx context.Context) error {
	one := team{builders: 1, integrations: 1, platforms: []string{runtime.GOOS + "/" + runtime.GOARCH}, shared: true}
	lone := one
	lone.shared = false
	build := func(t team) func(context.Context) (sample, error) {
		return func(ctx context.Context) (sample, error) { return s.build(ctx, t) }
	}
	contenders := make([]contender, 3)
	contenders[firstBuilder] = contender{name: "first, which fills a cache", before: s.emptyCache, run: build(one)}
	contenders[secondBuilder] = contender{name: "second, which has all from it", before: s.fullCache(one), run: build(one)}
	contenders[loneBuilder] = contender{name: "one without", run: build(lone)}
	// Half a minute each.
	return s.hold(ctx, contest{name: freshBuilders, rounds: 2, tearDown: s.closeCache, contenders: contenders})
}

func (s *scale) closeCache() error {
	if s.cache == nil {
		return nil
	}
	cache := s.cache
	s.cache = nil
	return cache.Close()
}

func (s *scale) emptyCache(ctx context.Context) (err error) {
	if err := errors.Join(s.closeCache(), os.MkdirAll(s.dir, 0o755)); err != nil {
		return err
	}
	s.cache, err = rig.StartGoCache(ctx, s.dir)
	return err
}

// fullCache has a builder fill the cache, unless one has.
func (s *scale) fullCache(t team) func(context.Context) error {
	return func(ctx context.Context) error {
		if s.cache != nil {
			counts, err := s.cache.Counts(ctx)
			if err != nil || counts.Puts > 0 {
				return err
			}
		}
		if err := s.emptyCache(ctx); err != nil {
			return err
		}
		t.builders, t.oneProcessor = 1, false
		_, err := s.build(ctx, t)
		return err
	}
}

// team is builders that make the packages of integrations at once, each its part.
type team struct {
	builders, integrations int
	platforms              []string
	shared                 bool // with one cache
	oneProcessor           bool // has go and kpkg use one; else each uses all
}

// build has a new team work. It takes the processor time of all builders, the wall time of the slowest, what went to the cache and came
// from it, and the processor time of the cache. That the packages are those that others made is checked.
func (s *scale) build(ctx context.Context, t team) (total sample, err error) {
	var folders []string
	for range t.builders {
		s.made++
		folder := filepath.Join(s.dir, fmt.Sprint("builder-", s.made))
		defer os.RemoveAll(folder)
		if err := s.prepare(ctx, folder, t.integrations); err != nil {
			return total, err
		}
		folders = append(folders, folder)
	}
	var before rig.CacheCounts
	if t.shared {
		if before, err = s.cache.Counts(ctx); err != nil {
			return total, err
		}
	}
	samples, errs := make([]sample, t.builders), make([]error, t.builders)
	var running sync.WaitGroup
	for i, folder := range folders {
		running.Go(func() {
			args := []string{"create"}
			for n := range t.integrations {
				args = append(args, filepath.Join(folder, "source", copyName(n)))
			}
			args = append(args, "v1.0.0", "--quiet", "--jobs", "1", "--platform", strings.Join(t.platforms, ","),
				"--out-dir", filepath.Join(folder, "out"), "--shard", fmt.Sprintf("%d/%d", i+1, t.builders))
			samples[i], errs[i] = program(func(ctx context.Context) (rig.Result, error) {
				return rig.RunIn(ctx, folder, s.variables(folder, t), s.tools.Kpkg, args...)
			})(ctx)
		})
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		return total, err
	}
	for _, one := range samples {
		total.cpu, total.wall, total.peak = total.cpu+one.cpu, max(total.wall, one.wall), max(total.peak, one.peak)
	}
	if t.shared {
		after, err := s.cache.Counts(ctx)
		if err != nil {
			return total, err
		}
		counts := after.Less(before)
		total.sent, total.got, total.server = counts.PutBytes, counts.GotBytes, counts.CPU
	}
	return total, s.compare(folders, t.integrations*len(t.platforms))
}

// compare holds the packages of builders to those that others have made.
func (s *scale) compare(folders []string, want int) error {
	found := 0
	for _, folder := range folders {
		packages, err := filepath.Glob(filepath.Join(folder, "out", "*.ptar"))
		if err != nil {
			return err
		}
		for _, file := range packages {
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			name := filepath.Base(file)
			if before, made := s.packages[name]; made && !bytes.Equal(before, data) {
				return fmt.Errorf("two builders made different packages %s", name)
			}
			s.packages[name] = data
			found++
		}
	}
	if found != want {
		return fmt.Errorf("the builders made %d packages, not %d", found, want)
	}
	return nil
}

// variables are those of a builder whose caches are its own.
func (s *scale) variables(folder string, t team) []string {
	caches := filepath.Join(folder, "caches")
	variables := append(modules(folder), "GOCACHE="+filepath.Join(caches, "go"), "XDG_CACHE_HOME="+filepath.Join(caches, "xdg"))
	if t.shared {
		variables = append(variables, s.cache.Builder(caches)...)
	}
	if t.oneProcessor {
		variables = append(variables, "GOMAXPROCS=1")
	}
	return variables
}

// modules are the variables of a builder with modules of its own.
func modules(folder string) []string {
	return []string{"GOMODCACHE=" + filepath.Join(folder, "modules"), "GOFLAGS=-modcacherw"}
}

// prepare gives a builder sources and modules of its own: those that are here already, as from a proxy.
func (s *scale) prepare(ctx context.Context, folder string, integrations int) error {
	for n := range integrations {
		if err := copyExample(filepath.Join(folder, "source", copyName(n)), copyName(n)); err != nil {
			return err
		}
	}
	here, err := exec.CommandContext(ctx, "go", "env", "GOMODCACHE").Output()
	if err != nil {
		return fmt.Errorf("ask go for its modules: %w", err)
	}
	proxy := "GOPROXY=file://" + filepath.ToSlash(strings.TrimSpace(string(here))) + "/cache/download"
	_, err = succeed(rig.RunIn(ctx, filepath.Join(folder, "source", copyName(0)), append(modules(folder), proxy, "GOSUMDB=off"),
		"go", "list", "-deps", "./plugin/importer"))
	return err
}

func copyName(n int) string { return fmt.Sprintf("ftp%02d", n) }

// copyExample makes an integration of its own of examples/ftp: another name, another module.
func copyExample(dir, name string) error {
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(rig.Root(), "examples", "ftp"))); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, "both")), pointAtRoot(dir)); err != nil {
		return err
	}
	const module = "github.com/PlakarKorp/kpkg/examples/ftp"
	for file, change := range map[string][2]string{
		"go.mod": {module, "example.org/" + name}, "plugin/importer/main.go": {module, "example.org/" + name},
		"manifest.yaml": {"name: ftp\n", "name: " + name + "\n"},
	} {
		path := filepath.Join(dir, file)
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !bytes.Contains(data, []byte(change[0])) {
			return fmt.Errorf("%s has no %q to change", path, change[0])
		}
		if err := os.WriteFile(path, bytes.ReplaceAll(data, []byte(change[0]), []byte(change[1])), 0o644); err != nil {
			return err
		}
	}
	return nil
}
