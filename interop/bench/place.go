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
	name   string // ", in memory" or ", on a disk", after what a contest is about
	dir    string
	client *rig.Client
}

// everywhere calls f for a file system in memory, where there is one, and for a disk.
func (b *bencher) everywhere(f func(place) error) error {
	for _, at := range []struct{ name, dir string }{{", in memory", memory}, {", on a disk", b.dir}} {
		if at.dir == "" || at.dir == b.dir && inMemory(b.dir) {
			fmt.Fprintf(os.Stderr, "bench: no file system%s: TMPDIR is where one could be\n", at.name)
			continue
		}
		if err := b.at(at.name, at.dir, f); err != nil {
			return err
		}
	}
	return nil
}

func (b *bencher) at(name, parent string, f func(place) error) (err error) {
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
	return f(place{name, dir, client})
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
