package install

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
)

// untagged is the version of what was never released.
const untagged = "v0.0.0"

// Build makes the package of an integration's tree, a manifest or its folder, for this machine in the folder dir, for its author
// to install. A tree without a version is v0.0.0, which every release is newer than. The source is zero where the findings have
// errors. cacheDir is create.Options.CacheDir.
func Build(ctx context.Context, path, dir, cacheDir string) (Source, []finding.Finding, error) {
	opts := create.Options{Manifests: []string{path}, OutDir: dir, CacheDir: cacheDir}
	checked, err := create.Validate(ctx, path, create.ValidateOptions{})
	if err != nil {
		return Source{}, nil, err
	}
	if _, _, err := manifest.ResolveVersion(ctx, checked.Dir, "", checked.Document); err != nil {
		opts.Version = untagged
	}
	integrations, err := create.Run(ctx, opts)
	if err != nil {
		return Source{}, nil, err
	}
	made := integrations[0]
	switch {
	case finding.HasErrors(made.Findings):
		return Source{}, made.Findings, nil
	case made.Err != nil:
		return Source{}, nil, made.Err
	case made.Packages[0].Err != nil:
		return Source{}, nil, fmt.Errorf("making the package of %s: %w", path, made.Packages[0].Err)
	}
	source := FileSource(made.Packages[0].File)
	source.Label = path
	source.Beside = func(string) ([]byte, error) { return nil, fs.ErrNotExist }
	return source, made.Findings, nil
}
