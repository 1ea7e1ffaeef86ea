package diff

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// Integration is a side that is an integration: a package, a folder of packages of one version, or a source tree.
type Integration struct {
	Side
	// Version is "" where nothing says it.
	Version string
	// Size is that of the package, in bytes; 0 for what is no package, or several.
	Size int64
}

// Versions is what changed between two integrations.
type Versions struct {
	// Old and New are the versions, "" where they are not known.
	Old, New string
	// OldSize and NewSize are the bytes of the packages, 0 for what is no package.
	OldSize, NewSize int64
	// Changes are those that users meet.
	Changes []Change
	// Manifest says in which fields the manifests differ otherwise.
	Manifest []Fact
	// Asked is the step that the version has to take. Step is nil when it is taken, or when a version is not known.
	Asked Step
	Step  error
}

// CompareIntegrations compares what two integrations promise.
func CompareIntegrations(before, after *Integration) Versions {
	v := Versions{Old: before.Version, New: after.Version, OldSize: before.Size, NewSize: after.Size}
	v.Changes = Compare(before.Side, after.Side)
	v.Manifest = compareManifests(before.Manifest, after.Manifest)
	v.Asked = Asked(v.Changes)
	if v.Old != "" && v.New != "" && v.Old != v.New {
		v.Step = CheckStep(v.Old, v.New, v.Asked)
	}
	return v
}

// packagers are the types of the importers that packages are made with, by kpkg and by plakar.
var packagers = []string{"kpkg", "pkger"}

// OfSnapshot is the integration whose package a snapshot is; nil for one that is no package. file is the name of the ptar.
func OfSnapshot(ctx context.Context, file string, s Snapshot) (*Integration, error) {
	if !slices.Contains(packagers, s.Source().Type) {
		return nil, nil
	}
	root := strings.TrimSuffix(s.Source().Root, "/")
	read := func(name string) ([]byte, error) {
		e, err := s.Entry(ctx, root+"/"+name)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
		}
		if !e.FileInfo.Mode().IsRegular() || e.FileInfo.Size() > manifest.MaxSize {
			return nil, fmt.Errorf("%s is no file of a size that manifests have", name)
		}
		content, err := s.OpenContent(ctx, e.Object)
		if err != nil {
			return nil, err
		}
		data := make([]byte, min(content.Size(), manifest.MaxSize+1))
		_, err = content.ReadAt(data, 0)
		return data, err
	}
	side, err := Read(read, nil)
	if err != nil {
		return nil, err
	}
	identity, _ := manifest.ParseFileName(filepath.Base(file))
	return &Integration{side, versionOf(identity.Version, side.Manifest), s.Archive.Size()}, nil
}

// OfFolder is the integration of a folder: its packages, of one name and version, or its manifest; nil if it has neither.
func OfFolder(ctx context.Context, dir string) (*Integration, error) {
	packages, err := filepath.Glob(filepath.Join(filepath.Clean(dir), "*"+manifest.Extension))
	if err != nil {
		return nil, nil // a folder whose name is a pattern
	}
	var identity manifest.Identity
	var platforms []executable.Platform
	for _, name := range packages {
		i, err := manifest.ParseFileName(filepath.Base(name))
		if err != nil || identity.Name != "" && (i.Name != identity.Name || i.Version != identity.Version) {
			return nil, nil
		}
		identity = i
		if p, err := executable.ParsePlatform(i.OS + "/" + i.Arch); err == nil {
			platforms = append(platforms, p)
		}
	}
	if len(packages) > 0 {
		opened, err := ptarread.Open(ctx, packages[0])
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", packages[0], err)
		}
		defer opened.Close()
		side, err := Read(FromFS(opened.FS()), platforms)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", packages[0], err)
		}
		return &Integration{Side: side, Version: identity.Version}, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if _, err := root.Stat(manifest.FileName); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	side, err := Read(FromFS(regular.FS(root)), nil)
	if err != nil {
		return nil, err
	}
	if side.Manifest.Build != nil {
		for _, name := range side.Manifest.Build.Platforms {
			if p, err := executable.ParsePlatform(name); err == nil {
				side.Platforms = append(side.Platforms, p)
			}
		}
	}
	return &Integration{Side: side, Version: versionOf("", side.Manifest)}, nil
}

// versionOf is a version as packages have it.
func versionOf(named string, m manifest.Manifest) string {
	version, err := manifest.NormalizeVersion(cmp.Or(named, m.Version))
	if err != nil {
		return ""
	}
	return version
}

// compareManifests are the fields in which two manifests differ; what users meet of connectors is Compare's.
func compareManifests(before, after manifest.Manifest) []Fact {
	was, is := fields(before, after), fields(after, before)
	keys := slices.Sorted(maps.Keys(was))
	keys = slices.AppendSeq(keys, maps.Keys(is))
	slices.Sort(keys)
	var facts []Fact
	for _, key := range slices.Compact(keys) {
		if was[key] != is[key] {
			facts = append(facts, Fact{key, was[key], is[key]})
		}
	}
	return facts
}

// fields are those of a manifest by their names; of its connectors, those that the other has too.
func fields(m, other manifest.Manifest) map[string]string {
	all := map[string]string{
		"name": m.Name, "display_name": m.DisplayName, "description": m.Description, "tier": m.Tier, "contact": m.Contact,
		"homepage": m.Homepage, "license": m.License, "tags": strings.Join(m.Tags, ", "), "api_version": m.APIVersion, "version": m.Version,
	}
	kept := connectors(Side{Manifest: other})
	for key, c := range connectors(Side{Manifest: m}) {
		if _, both := kept[key]; !both {
			continue
		}
		at := key + " "
		all[at+"executable"], all[at+"validator"] = c.Executable, c.Validator
		all[at+"args"], all[at+"extra_files"] = strings.Join(c.Args, " "), strings.Join(c.ExtraFiles, ", ")
		all[at+"image"], all[at+"image_id"] = c.Image, c.ImageID
	}
	if b := m.Build; b != nil {
		all["build.platforms"], all["build.ldflags"] = strings.Join(b.Platforms, ", "), b.LDFlags
		all["build.tags"], all["build.ignore"] = strings.Join(b.Tags, ", "), strings.Join(b.Ignore, ", ")
		for name, dir := range b.Packages {
			all["build.packages."+name] = dir
		}
		for name, value := range b.Env {
			all["build.env."+name] = value
		}
	}
	return all
}
