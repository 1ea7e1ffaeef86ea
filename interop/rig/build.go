// Package rig puts kpkg, plakar's client and an FTP server on a bench: it builds them, runs them in a home of their
// own, and makes and compares the trees of files that they carry.
//
// Nothing here judges packages, and nothing is left behind: every program that rig starts has ended when its function
// returns or its owner closes it.
package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Tools are the programs under test.
type Tools struct {
	Kpkg   string // the command of this repository
	Client string // plakar's released code, see cmd/client
	Oldest string // an installer on the first kloset that knows packages, see oldest
}

// root is looked for before anything changes the folder that the program runs in, which is somewhere in the repository. Where the source
// is, a program built with -trimpath does not know.
var root = func() string {
	dir, _ := os.Getwd()
	for {
		if _, err := os.Stat(filepath.Join(dir, "interop", "rig")); err == nil || filepath.Dir(dir) == dir {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}()

// Root is the folder of this repository, in which the program was started.
func Root() string { return root }

// BuildTools builds the programs into dir.
func BuildTools(ctx context.Context, dir string) (Tools, error) {
	interop := filepath.Join(Root(), "interop")
	t := Tools{
		Kpkg:   filepath.Join(dir, "kpkg"),
		Client: filepath.Join(dir, "client"),
		Oldest: filepath.Join(dir, "oldest"),
	}
	return t, errors.Join(
		goBuild(ctx, Root(), t.Kpkg, "./cmd/kpkg"),
		goBuild(ctx, interop, t.Client, "./cmd/client"),
		goBuild(ctx, filepath.Join(interop, "oldest"), t.Oldest, "."),
	)
}

// BuildKpkg builds the command of this repository alone.
func BuildKpkg(ctx context.Context, dir string) (string, error) {
	out := filepath.Join(dir, "kpkg")
	return out, goBuild(ctx, Root(), out, "./cmd/kpkg")
}

func goBuild(ctx context.Context, module, out, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", out, pkg)
	cmd.Dir = module
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s in %s: %w\n%s", pkg, module, err, output)
	}
	return nil
}
