package gobuild

import (
	"context"
	"slices"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/manifest"
)

// Source says how the main package of an executable was found.
type Source string

// The sources. They are asked in this order, but for FromTree, which comes last.
const (
	FromManifest   Source = "build.packages"
	FromMakefile   Source = "Makefile"
	FromConvention Source = "convention"
	FromTree       Source = "only main package" // there is, and no finished file
	// Prebuilt is a file that is there and that no main package builds; it is packed as it is.
	Prebuilt Source = "prebuilt"
)

// Executable is one file that connectors start. Several connectors may start the same one.
type Executable struct {
	// Name is the manifest's: a slash path relative to the manifest, without ".exe".
	Name string
	// Package is the folder of the main package, "./dir" relative to the manifest; empty for a prebuilt file.
	Package string
	// Files are the package's .go files, "./dir/file.go", where the Makefile builds some of the folder only.
	Files []string
	// Source is how it was found.
	Source Source
}

// Plan is what there is to build for a manifest.
type Plan struct {
	// Dir is the manifest's folder, where go runs.
	Dir string
	// Executables are in the order of the manifest.
	Executables []Executable

	settings manifest.Build
}

func (e Executable) built() bool { return e.Source != Prebuilt }

// Builds reports whether there is anything to build: whether not all executables are prebuilt.
func (p *Plan) Builds() bool { return slices.ContainsFunc(p.Executables, Executable.built) }

// cgo reports whether the manifest turns cgo on.
func (p *Plan) cgo() bool { return p.settings.Env["CGO_ENABLED"] == "1" }

// Platforms returns what "--platform all" means for the manifest: its build.platforms, else the platforms upstream ships
// for which every main package has Go files. Entries that are no platform are left out; Resolve reports them.
func (p *Plan) Platforms() []executable.Platform {
	var platforms []executable.Platform
	for _, name := range p.settings.Platforms {
		if platform, err := executable.ParsePlatform(name); err == nil && !slices.Contains(platforms, platform) {
			platforms = append(platforms, platform)
		}
	}
	if len(p.settings.Platforms) > 0 {
		return platforms
	}
	t := newTree(context.Background(), p.Dir, p.settings)
	return slices.DeleteFunc(executable.Shipped(), func(platform executable.Platform) bool {
		return slices.ContainsFunc(p.Executables, func(e Executable) bool {
			if !e.built() {
				return false
			}
			_, err := t.importPackage(e.Package, platform)
			return err != nil
		})
	})
}
