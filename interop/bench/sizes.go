package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

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
			_, err := succeed(rig.Run(ctx, b.tools.Kpkg, "create", example.dir, "v0.1.0", "--quiet", "--force", "--compression", compression, "-o", file))
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
