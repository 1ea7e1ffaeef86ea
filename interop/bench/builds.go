package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// platforms are the six that upstream ships.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "freebsd/amd64"}

// builds measures from source to packages: upstream's way, which is for each platform the Makefile and then the client's
// pkg create; and kpkg's. Both build the same source, each in folders and caches of its own.
type builds struct {
	*bencher
	dir string
}

// figure is what a way took.
type figure struct{ wall, cpu time.Duration }

func (f *figure) add(r rig.Result) { f.wall += r.Wall; f.cpu += r.CPU }

func (b *bencher) builds(ctx context.Context) error {
	return (&builds{b, filepath.Join(b.dir, "builds")}).run(ctx)
}

func (b *builds) run(ctx context.Context) error {
	for _, platform := range platforms {
		if err := b.source(b.upstream(platform)); err != nil {
			return err
		}
	}
	for _, dir := range []string{b.kpkg(), b.bare()} {
		if err := b.source(dir); err != nil {
			return err
		}
	}
	host := runtime.GOOS + "/" + runtime.GOARCH
	type way struct {
		name string
		run  func(context.Context) (figure, error)
	}
	// A pair goes through all scenarios before the next one, whose change would not be one to those that saw it already.
	for _, pair := range [][2]way{
		{
			{"make and plakar pkg create, six platforms", b.upstreamWay},
			{"kpkg create, six platforms", func(ctx context.Context) (figure, error) { return b.kpkgWay(ctx, "six", "all") }},
		},
		{
			{"go build alone, one platform", b.bareBuild},
			{"kpkg create, one platform", func(ctx context.Context) (figure, error) { return b.kpkgWay(ctx, "one", host) }},
		},
	} {
		for _, scenario := range []string{"cold", "one file changed", "nothing changed"} {
			if scenario == "one file changed" {
				if err := b.change(pair[0].name); err != nil {
					return err
				}
			}
			var first figure
			for i, way := range pair {
				f, err := way.run(ctx)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", way.name, scenario, err)
				}
				if i == 0 {
					first = f
				}
				if scenario == "cold" && !b.cold {
					continue // this fills the caches for what follows
				}
				fmt.Fprintf(b.w, "%.2f s\t%s\t%.2f s\t%s\t\t\t\t\t%s: %s\n", f.wall.Seconds(), ratio(f.wall, first.wall),
					f.cpu.Seconds(), ratio(f.cpu, first.cpu), scenario, way.name)
			}
		}
	}
	return nil
}

func (b *builds) upstream(platform string) string {
	return filepath.Join(b.dir, "upstream", strings.ReplaceAll(platform, "/", "-"))
}
func (b *builds) kpkg() string { return filepath.Join(b.dir, "kpkg") }
func (b *builds) bare() string { return filepath.Join(b.dir, "bare") }

// source puts examples/fs into dir.
func (b *builds) source(dir string) error {
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(rig.Root(), "examples", "fs"))); err != nil {
		return err
	}
	return pointAtRoot(dir)
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
func (b *builds) change(what string) error {
	dirs := []string{b.kpkg(), b.bare()}
	for _, platform := range platforms {
		dirs = append(dirs, b.upstream(platform))
	}
	change := fmt.Sprintf("package main\n\nfunc init() { _ = len(change) }\n\nvar change = %q\n", what)
	var err error
	for _, dir := range dirs {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, "plugin", "importer", "change.go"), []byte(change), 0o644))
	}
	return err
}

// variables are the environment of a way: its caches, empty at first if the bench is a cold one.
func (b *builds) variables(way string, more ...string) []string {
	variables := append([]string{"CGO_ENABLED=0", "XDG_CACHE_HOME=" + filepath.Join(b.dir, "cache-"+way)}, more...)
	if b.cold {
		variables = append(variables, "GOCACHE="+filepath.Join(b.dir, "gocache-"+way))
	}
	return variables
}

func (b *builds) upstreamWay(ctx context.Context) (total figure, err error) {
	for _, platform := range platforms {
		goos, goarch, _ := strings.Cut(platform, "/")
		ext := ""
		if goos == "windows" {
			ext = ".exe"
		}
		dir := b.upstream(platform)
		target := []string{"GOOS=" + goos, "GOARCH=" + goarch}
		result, err := succeed(rig.RunIn(ctx, dir, b.variables("upstream", target...), "make", "EXT="+ext))
		if err != nil {
			return total, err
		}
		total.add(result)
		out := filepath.Join(dir, fmt.Sprintf("fs-plugin_v0.1.0_%s_%s.ptar", goos, goarch))
		if err := os.RemoveAll(out); err != nil {
			return total, err
		}
		result, err = succeed(b.client.RunWith(ctx, target, "pkg", "create", "-out", out, filepath.Join(dir, "manifest.yaml"), "v0.1.0"))
		if err != nil {
			return total, err
		}
		total.add(result)
	}
	return total, nil
}

// kpkgWay makes the platforms; each name has caches and packages of its own.
func (b *builds) kpkgWay(ctx context.Context, name, platforms string) (total figure, err error) {
	result, err := succeed(rig.RunIn(ctx, b.dir, b.variables(name), b.tools.Kpkg, "create", b.kpkg(), "v0.1.0",
		"--platform", platforms, "--out-dir", filepath.Join(b.dir, "out-"+name), "--force", "--quiet"))
	total.add(result)
	return total, err
}

// bareBuild is the one go build that kpkg runs for a platform.
func (b *builds) bareBuild(ctx context.Context) (total figure, err error) {
	out := filepath.Join(b.bare(), "out") + string(filepath.Separator)
	result, err := succeed(rig.RunIn(ctx, b.bare(), b.variables("bare"), "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w", "-o", out, "./plugin/importer", "./plugin/exporter", "./plugin/storage"))
	total.add(result)
	return total, err
}

func succeed(result rig.Result, err error) (rig.Result, error) {
	if err == nil && result.Status != 0 {
		err = errors.New(result.String())
	}
	return result, err
}
