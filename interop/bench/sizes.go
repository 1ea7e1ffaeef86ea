package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// sizes compares packages of the same three connectors: on upstream's SDK and built and packed upstream's way, and on kpkg's.
func (b *bencher) sizes(ctx context.Context) error {
	upstream := filepath.Join(b.dir, "upstream-sdk")
	if err := os.CopyFS(upstream, os.DirFS(filepath.Join(rig.Root(), "interop", "upstream"))); err != nil {
		return err
	}
	if _, err := succeed(rig.RunIn(ctx, upstream, []string{"CGO_ENABLED=0"}, "make")); err != nil {
		return err
	}
	first := filepath.Join(b.dir, fmt.Sprintf("fs-upstream_v0.1.0_%s_%s.ptar", runtime.GOOS, runtime.GOARCH))
	if _, err := succeed(b.client.Run(ctx, "pkg", "create", "-out", first, filepath.Join(upstream, "manifest.yaml"), "v0.1.0")); err != nil {
		return err
	}
	base, err := os.Stat(first)
	if err != nil {
		return err
	}
	row := func(name string, size int64) {
		fmt.Fprintf(b.w, "\t\t\t\t\t%.1f MiB\t%s\t\t%s\n", mebibytes(size), ratio(size, base.Size()), name)
	}
	row("upstream's SDK, make, plakar pkg create", base.Size())
	for _, example := range []struct{ name, dir string }{
		{"upstream's SDK, kpkg create", upstream},
		{"kpkg's SDK, kpkg create", filepath.Join(rig.Root(), "examples", "fs")},
		{"kpkg's SDK, one executable, kpkg create", filepath.Join(rig.Root(), "examples", "fs", "one")},
	} {
		for _, compression := range []string{"lz4", "gzip"} {
			file := filepath.Join(b.dir, "size.ptar")
			_, err := succeed(rig.Run(ctx, b.tools.Kpkg,
				"create", example.dir, "v0.1.0", "--quiet", "--force", "--compression", compression, "-o", file))
			if err != nil {
				return err
			}
			info, err := os.Stat(file)
			if err != nil {
				return err
			}
			row(example.name+", "+compression, info.Size())
		}
	}
	return nil
}

// files compares packages of the very same files, those of the examples and of the packages that the user named: the
// client's own, and kpkg's.
func (b *bencher) files(ctx context.Context) error {
	packages := slices.Clone(b.packages)
	for _, example := range []string{"fs", "ftp", "imap"} {
		out := filepath.Join(b.dir, "examples", example)
		source := filepath.Join(rig.Root(), "examples", example)
		if _, err := succeed(rig.Run(ctx, b.tools.Kpkg, "create", source, "v0.1.0", "--quiet", "--out-dir", out)); err != nil {
			return err
		}
		made, err := filepath.Glob(filepath.Join(out, "*.ptar"))
		if err != nil || len(made) != 1 {
			return fmt.Errorf("the package of %s: %v, %w", source, made, err)
		}
		packages = append(packages, made[0])
	}
	for _, path := range packages {
		if err := b.sameFiles(ctx, path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// sameFiles compares the sizes of packages of the files in one.
func (b *bencher) sameFiles(ctx context.Context, path string) error {
	dir, err := os.MkdirTemp(b.dir, "files-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if _, err := succeed(b.client.Run(ctx, "pkg", "add", path)); err != nil {
		return err
	}
	err = os.CopyFS(dir, os.DirFS(b.client.Installed(filepath.Base(path))))
	if err != nil {
		return err
	}
	for _, name := range []string{"README.md", "LICENSE", "assets"} { // which only kpkg packs
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, name)))
	}
	if err != nil {
		return err
	}
	var unpacked int64
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			unpacked += info.Size()
		}
		return err
	})
	if err != nil {
		return err
	}
	var base int64
	manifest := filepath.Join(dir, "manifest.yaml")
	for _, way := range []struct {
		name string
		run  func(out string) (rig.Result, error)
	}{
		{"plakar pkg create", func(out string) (rig.Result, error) {
			return b.client.Run(ctx, "pkg", "create", "-out", out, manifest, "v0.1.0")
		}},
		{"gzip", func(out string) (rig.Result, error) {
			return rig.Run(ctx, b.tools.Kpkg, "create", manifest, "v0.1.0", "--no-build", "--quiet", "-o", out)
		}},
		{"lz4", func(out string) (rig.Result, error) {
			return rig.Run(ctx, b.tools.Kpkg, "create", manifest, "v0.1.0", "--no-build", "--quiet", "--compression", "lz4", "-o", out)
		}},
	} {
		// The client takes no other name.
		out := filepath.Join(b.dir, way.name, fmt.Sprintf("x_v0.1.0_%s_%s.ptar", runtime.GOOS, runtime.GOARCH))
		if err := errors.Join(os.RemoveAll(out), os.MkdirAll(filepath.Dir(out), 0o755)); err != nil {
			return err
		}
		result, err := succeed(way.run(out))
		if err != nil {
			return err
		}
		info, err := os.Stat(out)
		if err != nil {
			return err
		}
		if base == 0 {
			base = info.Size()
		}
		fmt.Fprintf(b.w, "%.3f s\t\t%.3f s\t\t%.0f MiB\t%.2f MiB\t%.3f\t\t%s of %.1f MiB in %s\n", result.Wall.Seconds(), result.CPU.Seconds(),
			mebibytes(result.Peak), mebibytes(info.Size()), float64(info.Size())/float64(base), way.name, mebibytes(unpacked), filepath.Base(path))
	}
	return nil
}
