// Command oldest installs a package as the first clients of the package format v1.1.0 do, with kloset v1.1.0:
//
//	oldest PACKAGE HOME
//
// It is its own module because a program can link only one version of kloset.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/PlakarKorp/kloset/caching"
	"github.com/PlakarKorp/kloset/caching/pebble"
	"github.com/PlakarKorp/kloset/kcontext"
	"github.com/PlakarKorp/kloset/logging"
	"github.com/PlakarKorp/pkg"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: oldest PACKAGE HOME")
		os.Exit(2)
	}
	if err := install(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "oldest:", err)
		os.Exit(1)
	}
}

// install puts the package into HOME/plugins and unpacks it in HOME/cache.
func install(file, home string) (err error) {
	cache := filepath.Join(home, "cache")
	ctx := kcontext.NewKContext()
	defer ctx.Close()
	ctx.CWD = home
	ctx.CacheDir = cache
	ctx.MaxConcurrency = 2
	ctx.Stdout, ctx.Stderr = io.Discard, io.Discard
	ctx.SetLogger(logging.NewLogger(io.Discard, os.Stderr))
	ctx.SetCache(caching.NewManager(pebble.Constructor(cache)))
	defer func() { err = errors.Join(err, ctx.GetCache().Close()) }()

	backend, err := pkg.NewFlatBackend(ctx, filepath.Join(home, "plugins"), cache, &pkg.FlatBackendOptions{})
	if err != nil {
		return err
	}
	manager, err := pkg.New(backend, nil)
	if err != nil {
		return err
	}
	return manager.Add(file, nil)
}
