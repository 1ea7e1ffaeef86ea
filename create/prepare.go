package create

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
)

// prepare does all that comes before building: checks, versions, platforms, names.
func (r *run) prepare(ctx context.Context) error {
	opts := r.opts
	if opts.Output != "" && (opts.OutDir != "" || opts.All || len(opts.Platforms) > 1 || len(opts.Manifests) > 1) {
		return fmt.Errorf("%w: one output file is for one package; name a folder for several instead", ErrOptions)
	}
	if opts.Output == "-" || strings.HasSuffix(opts.Output, "/") || strings.HasSuffix(opts.Output, string(filepath.Separator)) {
		return fmt.Errorf("%w: the output %q is no file's name", ErrOptions, opts.Output)
	}
	if err := opts.Shard.check(); err != nil {
		return err
	}
	if _, _, err := sourceDateEpoch(); err != nil {
		return err
	}
	for _, path := range opts.Manifests {
		r.integrations = append(r.integrations, r.load(ctx, path))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	r.pick()

	made := map[string]string{}
	return r.packages(func(integration *Integration, p *Package) error {
		file := integration.Source.Document.File
		if other, taken := made[p.File]; taken {
			return fmt.Errorf("%w: %s and %s would both make %s: give them different names, or create them apart", ErrOptions, other, file, p.File)
		}
		made[p.File] = file
		return nil
	})
}

// load checks one integration and lists its packages; none when it has errors.
func (r *run) load(ctx context.Context, path string) *Integration {
	source, err := Validate(ctx, path, ValidateOptions{NoBuild: r.opts.NoBuild, Strict: r.opts.Strict})
	if err != nil {
		return &Integration{Source: &Source{Document: &manifest.Document{File: path}}, Err: err}
	}
	i := &Integration{Source: source, Findings: source.Findings, plan: source.Plan}
	if !finding.HasErrors(i.Findings) {
		i.Err = r.list(ctx, i)
	}
	var silenced int
	i.Findings, silenced = source.Document.Silence(i.Findings)
	source.Silenced += silenced
	finding.Sort(i.Findings)
	return i
}

// list decides on the version and the time of an integration, and lists its packages if both stand up to its source.
func (r *run) list(ctx context.Context, i *Integration) error {
	file, dir := i.Source.Document.File, i.Source.Dir
	version, findings, err := manifest.ResolveVersion(ctx, dir, r.opts.Version, i.Source.Document)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	i.Version = version
	i.Findings = append(i.Findings, findings...)
	if i.moment, err = momentOf(ctx, dir); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if r.recorded != nil {
		i.moment.time, i.moment.source = *r.recorded, FromEpoch
	}
	i.Time = i.moment.source
	if err := i.plan.CheckStamp(i.moment.stamp(version.Value)); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	modified, err := r.checkModified(ctx, i)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if i.Findings = append(i.Findings, modified...); finding.HasErrors(modified) {
		return nil
	}
	return r.listPackages(i)
}

// listPackages lists the packages of an integration, one for each platform.
func (r *run) listPackages(i *Integration) error {
	platforms, err := i.Source.platforms(r.opts.Platforms, r.opts.All)
	if err != nil {
		return err
	}
	if i.tree, err = os.OpenRoot(i.Source.Dir); err != nil {
		return fmt.Errorf("opening the folder of the manifest: %w", err)
	}
	for _, platform := range platforms {
		identity := i.identity(platform)
		file := r.output(identity)
		i.Packages = append(i.Packages, &Package{
			Name: identity.Name, Platform: platform, File: file, Files: []PackedFile{}, Prebuilt: !i.plan.Builds(),
		})
		if filepath.Base(file) != identity.FileName() {
			i.Findings = append(i.Findings, finding.Finding{
				Rule: "output-name", Severity: finding.Warning, File: file, Message: "plakar installs no package of this name",
				Hint: "rename it to " + identity.FileName() + " before you publish it",
			})
		}
	}
	return nil
}

// platforms are those asked for, all that the integration builds for, or this machine's.
func (s *Source) platforms(asked []executable.Platform, all bool) ([]executable.Platform, error) {
	switch {
	case all:
		platforms := s.Plan.Platforms()
		if len(platforms) == 0 {
			return nil, fmt.Errorf("%s builds for no platform that upstream ships: name one, or list them in build.platforms", s.Document.File)
		}
		return platforms, nil
	case len(asked) > 0:
		return asked, nil
	}
	return []executable.Platform{executable.Host()}, nil
}

func (i *Integration) identity(platform executable.Platform) manifest.Identity {
	return manifest.Identity{Name: i.Source.Document.Manifest.Name, Version: i.Version.Value, OS: platform.OS, Arch: platform.Arch}
}

// output is the path of a package.
func (r *run) output(identity manifest.Identity) string {
	if r.opts.Output != "" {
		return r.opts.Output
	}
	return filepath.Join(r.opts.OutDir, identity.FileName())
}
