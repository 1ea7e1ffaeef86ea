package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// packing measures what is done with a package's files once they are built: packed by the client and by kpkg, and verified
// beside sha256sum; and how long kpkg takes to do nothing.
func (b *bencher) packing(ctx context.Context) error {
	source := filepath.Join(b.dir, "source")
	manifest := filepath.Join(source, "manifest.yaml")
	output := func(name string) string {
		return filepath.Join(b.dir, name, fmt.Sprintf("fs-plugin_v0.1.0_%s_%s.ptar", runtime.GOOS, runtime.GOARCH))
	}
	create := func(compression string) contender {
		return contender{
			name: "kpkg create --no-build, " + compression, output: output(compression),
			run: b.kpkg("create", manifest, "v0.1.0", "--no-build", "--quiet", "--compression", compression, "-o", output(compression)),
		}
	}
	client := contender{
		name: "plakar pkg create, lz4", output: output("plakar"),
		run: plakar(b.client, "pkg", "create", "-out", output("plakar"), manifest, "v0.1.0"),
	}
	staged := once(func(ctx context.Context) error { return stage(ctx, source) })
	err := b.hold(ctx, contest{
		name: "three executables of examples/fs", setUp: staged, contenders: []contender{client, create("lz4"), create("gzip")},
	})
	if err != nil {
		return err
	}
	for _, compression := range []string{"lz4", "gzip"} {
		made := create(compression)
		err := b.hold(ctx, contest{
			name: "verify its package, " + compression,
			setUp: func(ctx context.Context) error {
				if err := staged(ctx); err != nil {
					return err
				}
				_, err := made.take(ctx)
				return err
			},
			contenders: []contender{
				{name: "sha256sum", run: program(func(ctx context.Context) (rig.Result, error) { return rig.Run(ctx, "sha256sum", made.output) })},
				{name: "kpkg verify", run: b.kpkg("verify", made.output)},
			},
		})
		if err != nil {
			return err
		}
	}
	return b.hold(ctx, contest{name: "nothing", contenders: []contender{{name: "kpkg version", run: b.kpkg("version")}}})
}

// stage puts the files of examples/fs into dir, with its executables as go build makes them.
func stage(ctx context.Context, dir string) error {
	example := filepath.Join(rig.Root(), "examples", "fs")
	if err := os.CopyFS(dir, os.DirFS(example)); err != nil {
		return err
	}
	// What only kpkg packs would be held against it.
	if err := errors.Join(os.Remove(filepath.Join(dir, "README.md")), os.Remove(filepath.Join(dir, "LICENSE"))); err != nil {
		return err
	}
	for executable, kind := range map[string]string{"fsImporter": "importer", "fsExporter": "exporter", "fsStorage": "storage"} {
		if err := goBuild(ctx, example, filepath.Join(dir, executable), "./plugin/"+kind); err != nil {
			return err
		}
	}
	return nil
}
