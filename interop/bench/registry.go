package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// listed is how many integrations the registry that is measured holds.
const listed = 5000

// registry adds one integration to a signed registry of many, and checks all of it. How long the first index takes is part of growth.
func (b *bencher) registry(ctx context.Context) error {
	dir := filepath.Join(b.dir, "registry")
	defer os.RemoveAll(dir)
	at := func(name string) string { return filepath.Join(dir, name) }
	index := b.kpkg("index", at("dists"), "--out-dir", at("tree"), "--key", at("key.sec"), "--quiet")
	made := once(func(ctx context.Context) error {
		var sources, packages []string
		for i := range listed {
			name := fmt.Sprintf("i%04d", i)
			sources = append(sources, at("sources/"+name))
			packages = append(packages, at("packages/"+name+"_v1.0.0_linux_amd64.ptar"))
			if err := scriptSource(at("sources/"+name), name); err != nil {
				return err
			}
		}
		for part := range slices.Chunk(sources, 500) {
			args := append([]string{"create", "--no-build", "--quiet", "--platform", "linux/amd64", "--out-dir", at("packages")}, part...)
			if _, err := b.kpkg(append(args, "v1.0.0")...)(ctx); err != nil {
				return err
			}
		}
		if err := b.distribute(ctx, dir, packages); err != nil {
			return err
		}
		// The last one comes later.
		last := fmt.Sprintf("i%04d", listed-1)
		if err := os.MkdirAll(at("more"), 0o755); err != nil {
			return err
		}
		if err := os.Rename(at("dists/"+last), at("more/"+last)); err != nil {
			return err
		}
		_, err := index(ctx)
		return err
	})
	kept := at("kept")
	for _, c := range []contest{
		{
			name: fmt.Sprintf("index, one added to %d", listed-1),
			setUp: func(ctx context.Context) error {
				if err := made(ctx); err != nil {
					return err
				}
				return os.CopyFS(kept, os.DirFS(at("tree")))
			},
			tearDown: func() error { return os.RemoveAll(kept) },
			contenders: []contender{{
				name: "kpkg index",
				before: func(context.Context) error {
					if err := os.RemoveAll(at("tree")); err != nil {
						return err
					}
					return os.CopyFS(at("tree"), os.DirFS(kept))
				},
				run: b.kpkg("index", at("more"), "--out-dir", at("tree"), "--key", at("key.sec"), "--quiet"),
			}},
		},
		{
			name: fmt.Sprintf("index --check of %d", listed), setUp: made,
			contenders: []contender{{name: "kpkg index --check", run: b.kpkg("index", "--check", at("tree"), "--key", at("key.pub"))}},
		},
	} {
		if err := b.hold(ctx, c); err != nil {
			return err
		}
	}
	return nil
}
