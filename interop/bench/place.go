package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// place is a file system that contests are held on, with a client whose home is on it.
type place struct {
	dir    string
	client *rig.Client
}

// kind is where a place is to be.
type kind int

const (
	inMemoryPlace kind = iota
	onDiskPlace
)

// placed is a group whose contests are held in one place. It is left out, with a word, where there is none such.
func placed(group func(*bencher, context.Context, place) error, where kind) func(*bencher, context.Context) error {
	return func(b *bencher, ctx context.Context) error {
		dir := b.dir
		switch {
		case where == inMemoryPlace && memory == "":
			fmt.Fprintf(os.Stderr, "bench: %s: no file system in memory is known here\n", b.group)
			return nil
		case where == inMemoryPlace:
			dir = memory
		case inMemory(b.dir):
			fmt.Fprintf(os.Stderr, "bench: %s: %s is not on a disk; TMPDIR says where one is\n", b.group, b.dir)
			return nil
		}
		return b.at(dir, func(p place) error { return group(b, ctx, p) })
	}
}

func (b *bencher) at(parent string, f func(place) error) (err error) {
	dir, err := os.MkdirTemp(parent, "kpkg-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// Whatever programs keep for a while goes there too.
	before, set := os.LookupEnv("TMPDIR")
	if err := os.Setenv("TMPDIR", dir); err != nil {
		return err
	}
	defer func() {
		if set {
			os.Setenv("TMPDIR", before)
		} else {
			os.Unsetenv("TMPDIR")
		}
	}()
	client, err := b.tools.NewClient()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	return f(place{dir, client})
}

// within is a path in the place.
func (p place) within(elements ...string) string {
	return filepath.Join(append([]string{p.dir}, elements...)...)
}

// once is f, which does nothing from the second time on but say again what came of it.
func once(f func(context.Context) error) func(context.Context) error {
	done, result := false, error(nil)
	return func(ctx context.Context) error {
		if !done {
			done, result = true, f(ctx)
		}
		return result
	}
}
