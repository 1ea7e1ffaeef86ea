package create

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
)

// readSources reads and judges the integrations, and decides on their versions and times. They are read side by side: most of the time of
// each goes to git and go, which are asked one thing after another.
func readSources(ctx context.Context, opts Options) ([]*Integration, error) {
	integrations := make([]*Integration, len(opts.Manifests))
	var reading errgroup.Group
	reading.SetLimit(runtime.NumCPU())
	for n, path := range opts.Manifests {
		reading.Go(func() error {
			if ctx.Err() == nil {
				integrations[n] = readSource(ctx, path, opts)
			}
			return context.Cause(ctx)
		})
	}
	err := reading.Wait()
	return slices.DeleteFunc(integrations, func(i *Integration) bool { return i == nil }), err
}

func readSource(ctx context.Context, path string, opts Options) *Integration {
	source, err := Validate(ctx, path, ValidateOptions{NoBuild: opts.NoBuild, Strict: opts.Strict, Foreign: opts.Foreign})
	if err != nil {
		return &Integration{Source: &Source{Document: &manifest.Document{File: path}}, Err: err}
	}
	i := &Integration{Source: source, Findings: source.Findings, plan: source.Plan}
	if i.usable() {
		if err := i.identify(ctx, opts); err != nil {
			i.Err = fmt.Errorf("%s: %w", source.Document.File, err)
		}
	}
	return i
}

// usable reports whether packages can be made of the integration, as far as is known.
func (i *Integration) usable() bool { return i.Err == nil && !finding.HasErrors(i.Findings) }

// identify finds out what the packages are to say of the source: its version, its time and its commit.
func (i *Integration) identify(ctx context.Context, opts Options) error {
	dir := i.Source.Dir
	version, findings, err := manifest.ResolveVersion(ctx, dir, opts.Version, i.Source.Document)
	if errors.Is(err, manifest.ErrNoVersion) && opts.DryRun {
		version, err = manifest.Version{Value: "v0.0.0", Source: manifest.FromNowhere}, nil
	}
	if err != nil {
		return err
	}
	i.Version = version
	if i.origin, err = findOrigin(ctx, dir); err != nil {
		return err
	}
	if opts.recorded != nil {
		i.origin.time, i.origin.source = *opts.recorded, FromEpoch
	}
	i.Time = i.origin.source
	if err := i.plan.CheckStamp(i.origin.stamp(version.Value)); err != nil {
		return err
	}
	modified, err := i.checkModified(ctx, opts.Strict)
	if err != nil {
		return err
	}
	i.add(slices.Concat(findings, modified, i.checkEnvironment(), i.checkGit()))
	return nil
}

// add takes findings over, but for those that the manifest silences, and returns what it took.
func (i *Integration) add(findings []finding.Finding) []finding.Finding {
	kept, silenced := i.Source.Document.Silence(findings)
	i.Source.Silenced += silenced
	i.Findings = append(i.Findings, kept...)
	finding.Sort(i.Findings)
	return kept
}
