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

// connector is the file system's connector in one of its forms, with a client that has it.
type connector struct {
	name, scheme string
	source       string // what its package is made of; "" for what the client has built in
	client       *rig.Client
}

// direction is one of the four in which files go through a connector.
type direction int

const (
	importing direction = iota // a backup through the importer
	exporting                  // a restore through the exporter
	storing                    // a backup into a store, through the storage
	checking                   // a check of that store
)

// copied is a group that runs the same connectors as plugins on upstream's SDK, as plakar's builtins and as plugins on kpkg's SDK,
// with the real client.
func copied(w direction, where kind, loads ...tree) func(*bencher, context.Context) error {
	return placed(func(b *bencher, ctx context.Context, p place) (err error) {
		connectors := []*connector{
			{name: "upstream's SDK", scheme: "fis", source: p.within("upstream")},
			{name: "builtin", scheme: "fs"},
			{name: "kpkg's SDK", scheme: "fis", source: filepath.Join(rig.Root(), "examples", "fs")},
		}
		defer func() {
			for _, c := range connectors {
				if c.client != nil {
					err = errors.Join(err, c.client.Close())
				}
			}
		}()
		installed := once(func(ctx context.Context) error {
			if err := os.CopyFS(p.within("upstream"), os.DirFS(filepath.Join(rig.Root(), "interop", "upstream"))); err != nil {
				return err
			}
			for _, c := range connectors {
				if err := b.install(ctx, p, c); err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
			}
			return nil
		})
		for _, load := range loads {
			if err := b.copies(ctx, p, w, load, connectors, installed); err != nil {
				return err
			}
		}
		return nil
	}, where)
}

// What goes through plugins: large files, and small ones in groups of their own, so that each takes some minutes. A disk takes longer for
// each file, and gets fewer.
var (
	large = []tree{equal("1 x 2 GB", 1, 2<<30), equal("2,000 x 1 MB", 2000, 1<<20)}
	small = equal("50,000 x 4 KB", 50_000, 4<<10)
	fewer = equal("10,000 x 4 KB", 10_000, 4<<10)
)

func (b *bencher) install(ctx context.Context, p place, c *connector) (err error) {
	if c.client, err = b.tools.NewClient(); err != nil || c.source == "" {
		return err
	}
	name := "fs-plugin"
	if c.source == p.within("upstream") {
		name = "fs-upstream"
	}
	file := p.within(fmt.Sprintf("%s_v0.1.0_%s_%s.ptar", name, runtime.GOOS, runtime.GOARCH))
	if _, err := b.kpkg("create", c.source, "v0.1.0", "--quiet", "--force", "-o", file)(ctx); err != nil {
		return err
	}
	_, err = plakar(c.client, "pkg", "add", file)(ctx)
	return err
}

// copies measures one way of a tree through the connectors.
func (b *bencher) copies(
	ctx context.Context, p place, w direction, load tree, connectors []*connector, installed func(context.Context) error,
) error {
	source := p.within("tree")
	defer os.RemoveAll(source)
	grown := once(func(context.Context) error { return load.make(source) })
	ready := func(ctx context.Context) error {
		if err := installed(ctx); err != nil {
			return err
		}
		return grown(ctx)
	}
	work := p.within("work")
	local, restored := "fs://"+filepath.Join(work, "local"), filepath.Join(work, "restored")
	remote := func(c *connector) string { return c.scheme + "://" + filepath.Join(work, "remote") }
	clean := func() error { return os.RemoveAll(work) }
	fresh := func(store func(*connector) string) func(context.Context, *connector) error {
		return func(ctx context.Context, c *connector) error {
			if err := errors.Join(clean(), os.MkdirAll(work, 0o755)); err != nil {
				return err
			}
			return quietly(ctx, c.client, "at", store(c), "create", "-plaintext")
		}
	}
	filled := func(ctx context.Context) error {
		if err := errors.Join(ready(ctx), os.MkdirAll(work, 0o755)); err != nil {
			return err
		}
		if err := quietly(ctx, p.client, "at", local, "create", "-plaintext"); err != nil {
			return err
		}
		if err := quietly(ctx, p.client, "at", local, "backup", "-no-progress", "fs://"+source); err != nil {
			return err
		}
		// What a client has to learn of a store that it has not seen is not what is measured.
		for _, c := range connectors {
			if err := quietly(ctx, c.client, "at", local, "ls"); err != nil {
				return err
			}
		}
		return nil
	}
	c := contest{name: load.name, tearDown: clean}
	var before func(context.Context, *connector) error
	var args func(*connector) []string
	switch w {
	case importing:
		c.setUp, before = ready, fresh(func(*connector) string { return local })
		args = func(c *connector) []string {
			return []string{"at", local, "backup", "-no-progress", c.scheme + "://" + source}
		}
	case exporting:
		c.setUp, before = filled, func(context.Context, *connector) error { return os.RemoveAll(restored) }
		args = func(c *connector) []string {
			return []string{"at", local, "restore", "-to", c.scheme + "://" + restored}
		}
	case storing:
		c.setUp, before = ready, fresh(remote)
		args = func(c *connector) []string {
			return []string{"at", remote(c), "backup", "-no-progress", "fs://" + source}
		}
	case checking:
		// The file system's store is the same whoever wrote it.
		c.setUp, before = filled, func(context.Context, *connector) error { return nil }
		args = func(c *connector) []string {
			return []string{"at", c.scheme + "://" + filepath.Join(work, "local"), "check"}
		}
	}
	for _, connector := range connectors {
		c.contenders = append(c.contenders, contender{
			name:   connector.name,
			before: func(ctx context.Context) error { return before(ctx, connector) },
			run:    func(ctx context.Context) (sample, error) { return watched(ctx, connector.client, args(connector)) },
		})
	}
	return b.hold(ctx, c)
}

// watched is a run of the client whose plugins are measured apart.
func watched(ctx context.Context, client *rig.Client, args []string) (sample, error) {
	result, plugins, err := client.RunWatched(ctx, args...)
	_, err = succeed(result, err)
	s := sampleOf(result)
	s.plugin, s.pluginPeak = plugins.CPU, plugins.Peak
	return s, err
}

func quietly(ctx context.Context, client *rig.Client, args ...string) error {
	_, err := plakar(client, args...)(ctx)
	return err
}
