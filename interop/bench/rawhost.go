package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// rawHost runs the same plugins on both SDKs with a host that only reads, or only gives: what is left of a difference that plakar's
// client shows is the SDK's own.
func (b *bencher) rawHost(ctx context.Context) error {
	return placed(func(b *bencher, ctx context.Context, p place) error {
		host := p.within("rawhost")
		built := once(func(ctx context.Context) error {
			if err := goBuild(ctx, filepath.Join(rig.Root(), "interop"), host, "./cmd/rawhost"); err != nil {
				return err
			}
			for _, kind := range []string{"importer", "exporter"} {
				err := errors.Join(
					goBuild(ctx, filepath.Join(rig.Root(), "interop", "upstream"), p.within("upstream", kind), "./plugin/"+kind),
					goBuild(ctx, filepath.Join(rig.Root(), "examples", "fs"), p.within("kpkg", kind), "./plugin/"+kind),
				)
				if err != nil {
					return err
				}
			}
			return nil
		})
		for _, load := range append(large, small) {
			if err := b.raw(ctx, p, host, load, built); err != nil {
				return err
			}
		}
		return nil
	}, inMemoryPlace)(b, ctx)
}

func (b *bencher) raw(ctx context.Context, p place, host string, load tree, built func(context.Context) error) error {
	source, to := p.within("tree"), p.within("to")
	defer os.RemoveAll(source)
	ready := once(func(ctx context.Context) error { return errors.Join(built(ctx), load.make(source)) })
	sdks := []struct{ name, dir string }{{"upstream's SDK", p.within("upstream")}, {"kpkg's SDK", p.within("kpkg")}}
	gone := func() error { return os.RemoveAll(to) }
	in, out := contest{name: "import " + load.name, setUp: ready}, contest{name: "export " + load.name, setUp: ready, tearDown: gone}
	for _, sdk := range sdks {
		in.contenders = append(in.contenders, contender{
			name: sdk.name,
			run: program(func(ctx context.Context) (rig.Result, error) {
				return rig.Run(ctx, host, "import", filepath.Join(sdk.dir, "importer"), source)
			}),
		})
		out.contenders = append(out.contenders, contender{
			name:   sdk.name,
			before: func(context.Context) error { return errors.Join(gone(), os.MkdirAll(to, 0o755)) },
			run: program(func(ctx context.Context) (rig.Result, error) {
				return rig.Run(ctx, host, "export", filepath.Join(sdk.dir, "exporter"), source, to)
			}),
		})
	}
	if err := b.hold(ctx, in); err != nil {
		return err
	}
	return b.hold(ctx, out)
}

// goBuild builds a package of a module as packages are built.
func goBuild(ctx context.Context, module, out, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, pkg)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s in %s: %w\n%s", pkg, module, err, output)
	}
	return nil
}
