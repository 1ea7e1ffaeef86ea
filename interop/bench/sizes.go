package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// sizes compares packages of the same three connectors: on upstream's SDK and built and packed upstream's way, and on kpkg's.
func (b *bencher) sizes(ctx context.Context) error {
	upstream := filepath.Join(b.dir, "upstream-sdk")
	theirs := filepath.Join(b.dir, fmt.Sprintf("fs-upstream_v0.1.0_%s_%s.ptar", runtime.GOOS, runtime.GOARCH))
	contenders := []contender{{
		name: "upstream's SDK, make, plakar pkg create", output: theirs,
		run: onlySize(plakar(b.client, "pkg", "create", "-out", theirs, filepath.Join(upstream, "manifest.yaml"), "v0.1.0")),
	}}
	for _, source := range []struct{ name, dir string }{
		{"upstream's SDK", upstream},
		{"kpkg's SDK", filepath.Join(rig.Root(), "examples", "fs")},
		{"kpkg's SDK, one executable", filepath.Join(rig.Root(), "examples", "fs", "one")},
	} {
		for _, compression := range []string{"lz4", "gzip"} {
			out := filepath.Join(b.dir, "size.ptar")
			contenders = append(contenders, contender{
				name: fmt.Sprintf("%s, kpkg create, %s", source.name, compression), output: out,
				run: onlySize(b.kpkg("create", source.dir, "v0.1.0", "--quiet", "--compression", compression, "-o", out)),
			})
		}
	}
	return b.hold(ctx, contest{
		name: "an importer, an exporter and a storage, from source", rounds: 1,
		setUp: func(ctx context.Context) error {
			if err := os.CopyFS(upstream, os.DirFS(filepath.Join(rig.Root(), "interop", "upstream"))); err != nil {
				return err
			}
			_, err := succeed(rig.RunIn(ctx, upstream, []string{"CGO_ENABLED=0"}, "make"))
			return err
		},
		contenders: contenders,
	})
}

// onlySize forgets what else a run takes: it depends on what others have built before.
func onlySize(run func(context.Context) (sample, error)) func(context.Context) (sample, error) {
	return func(ctx context.Context) (sample, error) {
		_, err := run(ctx)
		return sample{}, err
	}
}

// files compares packages of the very same files, those of the examples and of the packages that the user named: the
// client's own, and kpkg's.
func (b *bencher) files(ctx context.Context) error {
	for _, example := range []string{"fs", "ftp", "imap"} {
		out := filepath.Join(b.dir, "examples", example)
		source := filepath.Join(rig.Root(), "examples", example)
		err := b.sameFiles(ctx, "examples/"+example, func(ctx context.Context) (string, error) {
			if _, err := b.kpkg("create", source, "v0.1.0", "--quiet", "--out-dir", out)(ctx); err != nil {
				return "", err
			}
			made, err := filepath.Glob(filepath.Join(out, "*.ptar"))
			if err != nil || len(made) != 1 {
				return "", fmt.Errorf("the package of %s: %v, %w", source, made, err)
			}
			return made[0], nil
		})
		if err != nil {
			return err
		}
	}
	for _, path := range b.packages {
		name, _, _ := strings.Cut(filepath.Base(path), "_")
		if err := b.sameFiles(ctx, name, func(context.Context) (string, error) { return path, nil }); err != nil {
			return err
		}
	}
	return nil
}

// sameFiles compares packages of the files of one.
func (b *bencher) sameFiles(ctx context.Context, name string, find func(context.Context) (string, error)) error {
	dir := filepath.Join(b.dir, "files-"+strings.ReplaceAll(name, "/", "-"))
	manifest := filepath.Join(dir, "manifest.yaml")
	// The client takes no other name.
	out := func(way string) string {
		return filepath.Join(b.dir, way, fmt.Sprintf("x_v0.1.0_%s_%s.ptar", runtime.GOOS, runtime.GOARCH))
	}
	kpkg := func(compression string) contender {
		return contender{
			name: "kpkg create --no-build, " + compression, output: out(compression), run: b.kpkg("create", manifest, "v0.1.0",
				"--no-build", "--quiet", "--compression", compression, "-o", out(compression)),
		}
	}
	return b.hold(ctx, contest{
		name: name,
		setUp: func(ctx context.Context) error {
			path, err := find(ctx)
			if err != nil {
				return err
			}
			if _, err := plakar(b.client, "pkg", "add", path)(ctx); err != nil {
				return err
			}
			err = os.CopyFS(dir, os.DirFS(b.client.Installed(filepath.Base(path))))
			for _, name := range []string{"README.md", "LICENSE", "assets"} { // which only kpkg packs
				err = errors.Join(err, os.RemoveAll(filepath.Join(dir, name)))
			}
			return err
		},
		tearDown: func() error { return os.RemoveAll(dir) },
		contenders: slices.Concat([]contender{{
			name: "plakar pkg create, lz4", output: out("plakar"), run: plakar(b.client, "pkg", "create", "-out", out("plakar"), manifest, "v0.1.0"),
		}}, []contender{kpkg("lz4"), kpkg("gzip")}),
	})
}
