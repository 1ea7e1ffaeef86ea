package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// packs makes archives of the same files with the client and with kpkg.
func (b *bencher) packs(ctx context.Context, p place) error {
	for _, load := range []tree{equal("20,000 x 4 KB", 20_000, 4<<10), mixed} {
		source, theirs, ours := p.within("source"), p.within("plakar", "a.ptar"), p.within("kpkg", "a.ptar")
		err := b.hold(ctx, contest{
			name:     load.name,
			setUp:    func(context.Context) error { return load.make(source) },
			tearDown: func() error { return os.RemoveAll(source) },
			contenders: []contender{
				{name: "plakar ptar", output: theirs, run: plakar(p.client, "ptar", "-plaintext", "-o", theirs, source)},
				{name: "kpkg pack", output: ours, run: b.kpkg("pack", source, "-o", ours)},
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// archives lists, checks and extracts archives that the client wrote, with the client and with kpkg.
func (b *bencher) archives(ctx context.Context, p place) error {
	for _, load := range []tree{equal("20,000 x 4 KB", 20_000, 4<<10), mixed} {
		if err := b.archive(ctx, p, load); err != nil {
			return err
		}
	}
	return nil
}

// listing lists an archive of many small files.
func (b *bencher) listing(ctx context.Context, p place) (err error) {
	load, file := equal("300,000 x 60 B", 300_000, 60), p.within("archive.ptar")
	defer func() { err = errors.Join(err, os.RemoveAll(file)) }()
	return b.listed(ctx, load.name, file, written(p, load, file))
}

// written makes a tree, an archive of it with the client, and away with the tree.
func written(p place, load tree, file string) func(context.Context) error {
	return once(func(ctx context.Context) error {
		source := p.within("source")
		if err := load.make(source); err != nil {
			return err
		}
		return errors.Join(quietly(ctx, p.client, "ptar", "-plaintext", "-o", file, source), os.RemoveAll(source))
	})
}

func (b *bencher) archive(ctx context.Context, p place, load tree) (err error) {
	file, restored := p.within("archive.ptar"), p.within("restored")
	store := "ptar://" + file
	defer func() { err = errors.Join(err, os.RemoveAll(file)) }()
	made := written(p, load, file)
	if err := b.listed(ctx, load.name, file, made); err != nil {
		return err
	}
	var opened string
	open := once(func(ctx context.Context) (err error) {
		if err := made(ctx); err != nil {
			return err
		}
		_, opened, err = snapshot(ctx, p.client, store)
		return err
	})
	err = b.hold(ctx, contest{name: "check " + load.name, setUp: open, contenders: []contender{
		{name: "plakar check", run: func(ctx context.Context) (sample, error) {
			return plakar(p.client, "at", store, "check", opened)(ctx)
		}},
		{name: "kpkg check", run: b.kpkg("check", file)},
	}})
	if err != nil {
		return err
	}
	gone := func(context.Context) error { return os.RemoveAll(restored) }
	return b.hold(ctx, contest{
		name: "extract " + load.name, setUp: open, tearDown: func() error { return os.RemoveAll(restored) },
		contenders: []contender{
			{name: "plakar restore", before: gone, run: func(ctx context.Context) (sample, error) {
				return plakar(p.client, "at", store, "restore", "-to", restored, opened)(ctx)
			}},
			{name: "kpkg extract", before: gone, run: b.kpkg("extract", file, "-C", restored)},
		},
	})
}

// listed lists an archive that made makes.
func (b *bencher) listed(ctx context.Context, name, file string, made func(context.Context) error) (err error) {
	store := "ptar://" + file
	// The client keeps what it finds in an archive that it opens for the first time. Listing counts that, as a stranger's archive
	// is listed; the others do not.
	var stranger *rig.Client
	defer func() {
		if stranger != nil {
			err = errors.Join(err, stranger.Close())
		}
	}()
	return b.hold(ctx, contest{name: "open and list " + name, setUp: made, contenders: []contender{
		{
			name: "plakar ls, for the first time",
			before: func(context.Context) (err error) {
				if stranger != nil {
					err = stranger.Close()
				}
				if err != nil {
					return err
				}
				stranger, err = b.tools.NewClient()
				return err
			},
			run: func(ctx context.Context) (sample, error) {
				first, id, err := snapshot(ctx, stranger, store)
				if err != nil {
					return first, err
				}
				second, err := plakar(stranger, "at", store, "ls", "-recursive", id)(ctx)
				return first.plus(second), err
			},
		},
		{name: "kpkg ls -R", run: b.kpkg("ls", "-R", file)},
	}})
}

var snapshotID = regexp.MustCompile(`(?:^|\s)([0-9a-f]{8})\s`) // no part of a longer identifier

// snapshot opens a store with the client and returns the identifier of its one snapshot.
func snapshot(ctx context.Context, client *rig.Client, store string) (sample, string, error) {
	result, err := succeed(client.Run(ctx, "at", store, "ls"))
	if err != nil {
		return sampleOf(result), "", err
	}
	found := snapshotID.FindStringSubmatch(result.Stdout)
	if found == nil {
		return sampleOf(result), "", fmt.Errorf("no snapshot in %q", result.Stdout)
	}
	return sampleOf(result), found[1], nil
}
