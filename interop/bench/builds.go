package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// platforms are the six that upstream ships.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "freebsd/amd64"}

// builds measures from source to packages: upstream's way, which is for each platform the Makefile and then the client's
// pkg create; and kpkg's. Both build the same source, each in folders and caches of its own.
type builds struct {
	*bencher
	dir     string
	changes int
}

// way is from the source in folders of its own to the packages.
type way struct {
	name    string
	folders []string
	caches  string
	run     func(context.Context) (sample, error)
}

func (b *bencher) builds(ctx context.Context) error {
	return (&builds{bencher: b, dir: filepath.Join(b.dir, "builds")}).run(ctx)
}

func (b *builds) run(ctx context.Context) error {
	var upstream []string
	for _, platform := range platforms {
		upstream = append(upstream, b.folder(platform))
	}
	six, one, bare := b.folder("six"), b.folder("one"), b.folder("bare")
	for _, pair := range []struct {
		name string
		ways []way
	}{
		{"six platforms", []way{
			{"make and plakar pkg create", upstream, "upstream", b.upstreamWay},
			{"kpkg create", []string{six}, "six", b.kpkgWay("six", "all")},
		}},
		{"one platform", []way{
			{"go build alone", []string{bare}, "bare", b.bareBuild},
			{"kpkg create", []string{one}, "one", b.kpkgWay("one", runtime.GOOS+"/"+runtime.GOARCH)},
		}},
	} {
		sources := once(func(context.Context) error { return b.sources(pair.ways) })
		built := once(func(ctx context.Context) error {
			for _, way := range pair.ways {
				if _, err := way.run(ctx); err != nil {
					return fmt.Errorf("%s: %w", way.name, err)
				}
			}
			return nil
		})
		both := func(ctx context.Context) error {
			if err := sources(ctx); err != nil {
				return err
			}
			return built(ctx)
		}
		for _, scenario := range []struct {
			name   string
			setUp  func(context.Context) error
			before func(way) error
		}{
			{"cold", sources, func(w way) error { return os.RemoveAll(b.cache(w.caches)) }},
			{"one file changed", both, b.change},
			{"nothing changed", both, func(way) error { return nil }},
		} {
			if scenario.name == "cold" && !b.cold {
				continue
			}
			c := contest{name: pair.name + ", " + scenario.name, setUp: scenario.setUp}
			for _, w := range pair.ways {
				c.contenders = append(c.contenders, contender{
					name: w.name, run: w.run, before: func(context.Context) error { return scenario.before(w) },
				})
			}
			if err := b.hold(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *builds) folder(name string) string {
	return filepath.Join(b.dir, "source", strings.ReplaceAll(name, "/", "-"))
}
func (b *builds) cache(way string) string { return filepath.Join(b.dir, "caches", way) }

// sources puts examples/fs into all folders of the ways.
func (b *builds) sources(ways []way) error {
	for _, way := range ways {
		for _, dir := range way.folders {
			if err := os.CopyFS(dir, os.DirFS(filepath.Join(rig.Root(), "examples", "fs"))); err != nil {
				return err
			}
			if err := pointAtRoot(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// pointAtRoot makes the module in dir, a copy, find kpkg's source.
func pointAtRoot(dir string) error {
	mod := filepath.Join(dir, "go.mod")
	data, err := os.ReadFile(mod)
	if err != nil {
		return err
	}
	return os.WriteFile(mod, []byte(strings.ReplaceAll(string(data), "=> ../..", "=> "+rig.Root())), 0o644)
}

// change makes a new difference to one main package of three.
func (b *builds) change(w way) error {
	b.changes++
	change := fmt.Sprintf("package main\n\nfunc init() { _ = len(change) }\n\nvar change = \"%d\"\n", b.changes)
	for _, dir := range w.folders {
		if err := os.WriteFile(filepath.Join(dir, "plugin", "importer", "change.go"), []byte(change), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// variables are the environment of a way: its caches, Go's too if the bench is a cold one.
func (b *builds) variables(way string, more ...string) []string {
	variables := append([]string{"CGO_ENABLED=0", "XDG_CACHE_HOME=" + filepath.Join(b.cache(way), "xdg")}, more...)
	if b.cold {
		variables = append(variables, "GOCACHE="+filepath.Join(b.cache(way), "go"))
	}
	return variables
}

func (b *builds) upstreamWay(ctx context.Context) (total sample, err error) {
	for _, platform := range platforms {
		goos, goarch, _ := strings.Cut(platform, "/")
		ext := ""
		if goos == "windows" {
			ext = ".exe"
		}
		dir := b.folder(platform)
		target := []string{"GOOS=" + goos, "GOARCH=" + goarch}
		result, err := succeed(rig.RunIn(ctx, dir, b.variables("upstream", target...), "make", "EXT="+ext))
		if err != nil {
			return total, err
		}
		total = total.plus(sampleOf(result))
		out := filepath.Join(dir, fmt.Sprintf("fs-plugin_v0.1.0_%s_%s.ptar", goos, goarch))
		if err := os.RemoveAll(out); err != nil {
			return total, err
		}
		result, err = succeed(b.client.RunWith(ctx, target, "pkg", "create", "-out", out, filepath.Join(dir, "manifest.yaml"), "v0.1.0"))
		if err != nil {
			return total, err
		}
		total = total.plus(sampleOf(result))
	}
	return total, nil
}

// kpkgWay makes the platforms; each name has a folder, caches and packages of its own.
func (b *builds) kpkgWay(name, platforms string) func(context.Context) (sample, error) {
	return program(func(ctx context.Context) (rig.Result, error) {
		return rig.RunIn(ctx, b.dir, b.variables(name), b.tools.Kpkg, "create", b.folder(name), "v0.1.0",
			"--platform", platforms, "--out-dir", filepath.Join(b.dir, "out-"+name), "--force", "--quiet")
	})
}

// bareBuild is the one go build that kpkg runs for a platform.
func (b *builds) bareBuild(ctx context.Context) (sample, error) {
	return program(func(ctx context.Context) (rig.Result, error) {
		dir := b.folder("bare")
		return rig.RunIn(ctx, dir, b.variables("bare"), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w",
			"-o", filepath.Join(dir, "out")+string(filepath.Separator), "./plugin/importer", "./plugin/exporter", "./plugin/storage")
	})(ctx)
}
