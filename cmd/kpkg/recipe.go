package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/scratch"
	"github.com/PlakarKorp/kpkg/release"
)

// fromRecipe replaces a recipe among the manifests by a clone of the tree that it names, which is gone after remove.
func fromRecipe(
	ctx context.Context, opts *create.Options, allowPrograms bool, from *origin, ask bool,
) (remove func() error, err error) {
	isName := func(arg string) bool {
		_, _, ok := asName(arg, from.location != "")
		return ok && from.named()
	}
	if !slices.ContainsFunc(opts.Manifests, func(arg string) bool { return release.IsRecipe(arg) || isName(arg) }) {
		if allowPrograms {
			return nil, usagef("--allow-programs is for what a recipe names: of a tree of one's own, create warns of programs and goes on")
		}
		return func() error { return nil }, nil
	}
	if len(opts.Manifests) > 1 || opts.Version != "" {
		return nil, usagef("a recipe stands alone and has its version: kpkg create %s", finding.Cut(opts.Manifests[0]))
	}
	var recipe release.Recipe
	if isName(opts.Manifests[0]) {
		recipe, err = from.recipe(ctx, opts.Manifests[0], ask)
	} else {
		recipe, err = release.FetchRecipe(ctx, opts.Manifests[0])
	}
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

// recipe is that of the version of an integration that the registry offers.
func (o *origin) recipe(ctx context.Context, arg string, ask bool) (release.Recipe, error) {
	name, version, _ := asName(arg, true)
	if err := o.read(); err != nil {
		return release.Recipe{}, err
	}
	registry, findings, err := o.open(ctx, ask)
	if err != nil {
		return release.Recipe{}, err
	}
	var recipe release.Recipe
	if !finding.HasErrors(findings) {
		found, more, err := registry.Find(ctx, name, version)
		if err != nil {
			return release.Recipe{}, err
		}
		if findings = more; found != nil {
			if found.Withdrawn != "" {
				return release.Recipe{}, fmt.Errorf("%s %s was withdrawn: %s", name, found.Version, finding.Cut(found.Withdrawn))
			}
			recipe, findings, err = found.ReadRecipe(ctx)
			if err != nil {
				return release.Recipe{}, err
			}
		}
	}
	if finding.HasErrors(findings) {
		f := findings[0]
		return release.Recipe{}, fmt.Errorf("the recipe of %s is not taken: %s: %s [%s]; %s", arg, f.File, f.Message, f.Rule, f.Hint)
	}
	return recipe, nil
}
