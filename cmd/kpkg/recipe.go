package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/scratch"
	"github.com/PlakarKorp/kpkg/release"
)

// fromRecipe replaces a recipe among the manifests by a clone of the tree that it names, which is gone after remove.
func fromRecipe(ctx context.Context, opts *create.Options, allowPrograms bool) (remove func() error, err error) {
	if !slices.ContainsFunc(opts.Manifests, release.IsRecipe) {
		if allowPrograms {
			return nil, usagef("--allow-programs is for what a recipe names: of a tree of one's own, create warns of programs and goes on")
		}
		return func() error { return nil }, nil
	}
	if len(opts.Manifests) > 1 || opts.Version != "" {
		return nil, usagef("a recipe stands alone and has its version: kpkg create %s", finding.Cut(opts.Manifests[0]))
	}
	recipe, err := release.FetchRecipe(ctx, opts.Manifests[0])
	if err != nil {
		return nil, err
	}
	dir, err := scratch.Make("clone")
	if err != nil {
		return nil, err
	}
	tree, err := recipe.Clone(ctx, filepath.Join(dir.Path, "source")) // not its name, which is a stranger's
	if err != nil {
		return nil, errors.Join(err, dir.Remove())
	}
	opts.Manifests, opts.Version, opts.Foreign = []string{tree}, recipe.Semver(), !allowPrograms
	return dir.Remove, nil
}
