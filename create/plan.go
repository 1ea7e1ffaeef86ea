package create

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/manifest"
)

// planPackages lists the packages to make of the integrations that are usable, each with its platform and file.
func planPackages(integrations []*Integration, opts Options) error {
	for _, i := range integrations {
		if i.usable() {
			if i.Err = i.planPackages(opts); i.Err != nil {
				i.Packages = nil
			}
		}
	}
	planned := map[string]string{}
	for _, i := range integrations {
		file := i.Source.Document.File
		for _, p := range i.Packages {
			if other, taken := planned[p.File]; taken {
				return fmt.Errorf("%w: %s", ErrOptions, bothMake(other, file, p.File))
			}
			planned[p.File] = file
		}
	}
	return nil
}

// bothMake says that two manifests of a run make the same.
func bothMake(one, other, what string) string {
	if one == other {
		return fmt.Sprintf("%s is named twice", one)
	}
	return fmt.Sprintf("%s and %s would both make %s: give them different names, or name them in runs of their own", one, other, what)
}

// planPackages lists the packages of an integration, one for each platform.
func (i *Integration) planPackages(opts Options) error {
	platforms, err := i.Source.platforms(opts.Platforms, opts.All)
	if err != nil {
		return err
	}
	if i.tree, err = os.OpenRoot(i.Source.Dir); err != nil {
		return fmt.Errorf("opening the folder of the manifest: %w", err)
	}
	for _, platform := range platforms {
		if i.plan.Builds() && !platform.Inspectable() {
			return fmt.Errorf("%s: no packages are built for %s: the format of its executables is not known", i.Source.Document.File, platform)
		}
		identity := i.identity(platform)
		file := opts.Output
		if file == "" {
			file = filepath.Join(opts.OutDir, identity.FileName())
		}
		i.Packages = append(i.Packages, &Package{
			Name: identity.Name, Platform: platform, File: file, Files: []PackedFile{}, Prebuilt: !i.plan.Builds(),
		})
		if filepath.Base(file) != identity.FileName() {
			i.add([]finding.Finding{{
				Rule: "output-name", Severity: finding.Warning, File: file, Message: "plakar installs no package of this name",
				Hint: "rename it to " + identity.FileName() + " before you publish it",
			}})
		}
	}
	return i.planImages(opts)
}

// needsGo tells whether something is to be built.
func needsGo(integrations []*Integration) bool {
	return slices.ContainsFunc(integrations, func(i *Integration) bool { return len(i.Packages) > 0 && i.plan.Builds() })
}

// listFiles lists what the packages will hold, for a dry run.
func listFiles(integrations []*Integration, opts Options) {
	for _, i := range integrations {
		for _, p := range i.Packages {
			if err := place.Free(p.File, opts.Force); err != nil && !errors.Is(err, fs.ErrExist) {
				p.Err = err
				continue
			}
			if _, files, err := i.contents(p.Platform, nil); err != nil {
				p.Err = err
			} else {
				p.Files, p.Executables = files, len(i.plan.Executables)
			}
		}
	}
}

// platforms are those asked for, all that the integration builds for, or this machine's.
func (s *Source) platforms(asked []executable.Platform, all bool) ([]executable.Platform, error) {
	switch {
	case all:
		platforms := s.Plan.Platforms()
		slices.SortStableFunc(platforms, func(a, b executable.Platform) int { return hostFirst(a) - hostFirst(b) })
		if len(platforms) == 0 {
			return nil, fmt.Errorf("%s builds for no platform that upstream ships: name one, or list them in build.platforms",
				s.Document.File)
		}
		return platforms, nil
	case len(asked) > 0:
		return asked, nil
	}
	return []executable.Platform{executable.Host()}, nil
}

// hostFirst is 0 for the platform that is built fastest and tried first, 1 for the others.
func hostFirst(p executable.Platform) int {
	if p == executable.Host() {
		return 0
	}
	return 1
}

func (i *Integration) identity(platform executable.Platform) manifest.Identity {
	return manifest.Identity{Name: i.Source.Document.Manifest.Name, Version: i.Version.Value, OS: platform.OS, Arch: platform.Arch}
}
