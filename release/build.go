package release

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/verify"
)

func allows(opts Options, rule string) bool { return slices.Contains(opts.Allow, rule) }

// build makes the packages in dir that an earlier run has not: each that is whole has its sum beside it. Executables come from
// the source alone: none that other runs have kept is used.
func (r *Release) build(ctx context.Context, dir string, opts Options) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("making the folder of the release: %w", err)
	}
	var missing []executable.Platform
	for _, p := range r.integration.Packages {
		kept, err := r.kept(ctx, dir, p.Platform)
		if err != nil {
			return err
		}
		if kept == nil {
			missing = append(missing, p.Platform)
		} else {
			r.packages = append(r.packages, *kept)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	var sumErr error
	made, err := create.Run(ctx, create.Options{
		Manifests: []string{r.Source.Document.File}, Version: r.Version, Platforms: missing, OutDir: dir, Force: true,
		Compression: opts.Compression, Jobs: opts.Jobs, Notice: true,
		Progress: func(step create.Step) {
			if step.Stage == create.Done {
				sum := Sum{filepath.Base(step.Package.File), step.Package.SHA256}
				sumErr = errors.Join(sumErr, writeNew(ctx, step.Package.File+SumExtension, []byte(sum.String()), true))
			}
			if opts.Progress != nil {
				opts.Progress(step)
			}
		},
	})
	if err = errors.Join(err, sumErr); err != nil {
		return err
	}
	i := made[0]
	if i.Err != nil {
		return i.Err
	}
	for _, f := range i.Findings {
		// Those on the source are known; building has found the others.
		if f.Rule != "source-modified" && !slices.Contains(r.Findings, f) {
			r.Findings = append(r.Findings, f)
		}
	}
	for _, p := range i.Packages {
		r.Findings = append(r.Findings, p.Findings...)
		if p.Err != nil && !errors.Is(p.Err, create.ErrRejected) {
			r.Err = errors.Join(r.Err, fmt.Errorf("%s for %s: %w", p.Name, p.Platform, p.Err))
		}
		if p.Err == nil {
			r.packages = append(r.packages, Packaged{p.Platform, filepath.Base(p.File), p.SHA256, p.Size})
		}
	}
	finding.Sort(r.Findings)
	slices.SortFunc(r.packages, func(a, b Packaged) int {
		return slices.IndexFunc(r.integration.Packages, is(a.Platform)) - slices.IndexFunc(r.integration.Packages, is(b.Platform))
	})
	return r.Err
}

func is(platform executable.Platform) func(*create.Package) bool {
	return func(p *create.Package) bool { return p.Platform == platform }
}

// kept is the package of a platform that an earlier run has made for this release; nil when there is none that is whole.
func (r *Release) kept(ctx context.Context, dir string, platform executable.Platform) (*Packaged, error) {
	name := manifest.Identity{Name: r.name(), Version: r.Version, OS: platform.OS, Arch: platform.Arch}.FileName()
	path := filepath.Join(dir, name)
	written, err := readSum(path)
	if err != nil {
		return nil, nil
	}
	report, err := verify.File(ctx, path, verify.Options{})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil || finding.HasErrors(report.Findings) || written != (Sum{name, report.SHA256}) {
		return nil, errors.Join(removeIfThere(path+SumExtension), removeIfThere(path))
	}
	r.Findings = append(r.Findings, report.Findings...)
	return &Packaged{platform, name, report.SHA256, report.Size}, nil
}
