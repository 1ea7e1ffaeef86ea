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
	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/verify"
)

func allows(opts Options, rule string) bool { return slices.Contains(opts.Allow, rule) }

// build makes the packages in dir that an earlier run has not: each that is whole has its sum beside it, and that of its images before it.
// Executables come from the source alone: none that other runs have kept is used.
func (r *Release) build(ctx context.Context, dir string, opts Options) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("making the folder of the release: %w", err)
	}
	var missing []executable.Platform
	for _, p := range r.integration.Packages {
		kept, err := r.kept(ctx, dir, p.Platform, opts)
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
		Compression: opts.Compression, Jobs: opts.Jobs, Notice: true, Image: opts.Image, ImageReference: opts.ImageReference,
		Progress: func(step create.Step) {
			if step.Stage == create.Done {
				if images := step.Package.Image; images != nil {
					sumErr = errors.Join(sumErr, noteSum(ctx, images.File, images.SHA256))
				}
				sumErr = errors.Join(sumErr, noteSum(ctx, step.Package.File, step.Package.SHA256))
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
		if p.Err == nil && p.Image != nil {
			// Made together, and held to one another as they are now, on disk.
			if err := r.takeImaged(ctx, p); err != nil {
				return err
			}
			continue
		}
		r.Findings = append(r.Findings, p.Findings...)
		if p.Err != nil && !errors.Is(p.Err, create.ErrRejected) {
			r.Err = errors.Join(r.Err, fmt.Errorf("%s for %s: %w", p.Name, p.Platform, p.Err))
		}
		if p.Err == nil {
			r.packages = append(r.packages, Packaged{p.Platform, filepath.Base(p.File), p.SHA256, p.Size, nil})
		}
	}
	finding.Sort(r.Findings)
	slices.SortFunc(r.packages, func(a, b Packaged) int {
		return slices.IndexFunc(r.integration.Packages, is(a.Platform)) - slices.IndexFunc(r.integration.Packages, is(b.Platform))
	})
	return r.Err
}

// noteSum notes that a file is whole.
func noteSum(ctx context.Context, path, sha256 string) error {
	return writeNew(ctx, path+SumExtension, []byte(Sum{filepath.Base(path), sha256}.String()), true)
}

// takeImaged takes a package that was just made into the release, once it and its images agree.
func (r *Release) takeImaged(ctx context.Context, p *create.Package) error {
	report, err := judgePackage(ctx, p.File)
	if err != nil {
		return err
	}
	images := report.Named()
	if report.SHA256 != p.SHA256 || images == nil || images.SHA256 != p.Image.SHA256 {
		return fmt.Errorf("%s or its images were changed after they were made: something else writes there", p.File)
	}
	r.Findings = append(r.Findings, report.Findings...)
	r.packages = append(r.packages, Packaged{p.Platform, filepath.Base(p.File), p.SHA256, p.Size, images})
	return nil
}

// judgePackage verifies the package at path, with the images beside it. Its findings have its name alone, as those of a package that is
// being made: where it is now, it is not when they are read.
func judgePackage(ctx context.Context, path string) (*verify.Report, error) {
	return verify.File(ctx, path, verify.Options{Name: filepath.Base(path)})
}

func is(platform executable.Platform) func(*create.Package) bool {
	return func(p *create.Package) bool { return p.Platform == platform }
}

// kept is the package of a platform that an earlier run has made for this release; nil when there is none that is whole.
func (r *Release) kept(ctx context.Context, dir string, platform executable.Platform, opts Options) (*Packaged, error) {
	name := manifest.Identity{Name: r.name(), Version: r.Version, OS: platform.OS, Arch: platform.Arch}.FileName()
	path := filepath.Join(dir, name)
	beside := image.Beside(path)
	written, err := readSum(path)
	if err != nil {
		return nil, nil
	}
	report, err := judgePackage(ctx, path)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	whole := err == nil && !finding.HasErrors(report.Findings) && written == Sum{name, report.SHA256}
	var images *verify.Images
	if whole && opts.Image {
		writtenBeside, err := readSum(beside)
		images = report.Named()
		whole = err == nil && images != nil && writtenBeside == Sum{images.File, images.SHA256}
	}
	if !whole {
		return nil, errors.Join(removeIfThere(path+SumExtension), removeIfThere(path),
			removeIfThere(beside+SumExtension), removeIfThere(beside))
	}
	r.Findings = append(r.Findings, report.Findings...)
	return &Packaged{platform, name, report.SHA256, report.Size, images}, nil
}
