package gobuild

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild/internal/makefile"
	"github.com/PlakarKorp/kpkg/internal/modules"
	"github.com/PlakarKorp/kpkg/manifest"
)

// checkSettings judges in the build key what only the toolchain knows.
func (r *resolver) checkSettings() {
	settings := r.plan.settings
	for i, platform := range settings.Platforms {
		// What is no pair at all is said of the manifest.
		if _, err := executable.ParsePlatform(platform); err != nil && strings.Count(platform, "/") == 1 {
			r.report("build-platform", finding.Error, err.Error(), "", "build", "platforms", i)
		}
	}
	if _, err := expandLDFlags(settings.LDFlags, Stamp{}); err != nil {
		r.report("build-ldflags", finding.Error, err.Error(), "", "build", "ldflags")
	}
}

// checkMakefile compares the Makefile with the manifest.
func (r *resolver) checkMakefile() {
	declares := func(output string) bool {
		return slices.ContainsFunc(r.declared, func(d declared) bool { return d.name == output })
	}
	var bare []makefile.Build
	for _, b := range r.builds {
		if !b.Default && !declares(b.Output) {
			continue // a tool of the author's that plain make does not build
		}
		if !declares(b.Output) {
			r.reportMakefile("makefile-undeclared", b.Line, fmt.Sprintf("%s is built here and named by no connector", b.Output),
				"name it as a connector's executable, or build it under a target of its own")
		}
		if !b.EXT {
			bare = append(bare, b)
		}
	}
	if len(bare) > 0 && r.windowsMatters() {
		names := make([]string, len(bare))
		for i, b := range bare {
			names[i] = b.Output
		}
		r.reportMakefile("makefile-ext", bare[0].Line,
			fmt.Sprintf("%s: no ${EXT} at the end of the name, so that plakar pkg build finds no .exe on windows",
				strings.Join(slices.Compact(names), ", ")),
			"write -o "+bare[0].Output+"${EXT}; kpkg itself appends .exe")
	}
	if r.makefile == "" && r.doc.Manifest.Build == nil && r.plan.Builds() {
		r.report("makefile-missing", finding.Info, "there is no Makefile: kpkg needs none, plakar pkg build does", "")
	}
}

// windowsMatters reports whether the integration may be built for windows: it says so, or says nothing and has the code.
func (r *resolver) windowsMatters() bool {
	if platforms := r.plan.settings.Platforms; len(platforms) > 0 {
		return slices.ContainsFunc(platforms, func(p string) bool { return strings.HasPrefix(p, "windows/") })
	}
	for _, e := range r.plan.Executables {
		if e.built() {
			if _, err := r.tree.importPackage(e.Package, executable.Platform{OS: "windows", Arch: "amd64"}); err != nil {
				return false
			}
		}
	}
	return true
}

// isKnownType tells a type of connectors from a word in its place, which is an error of its own.
func isKnownType(t string) bool { return slices.Contains(manifest.ConnectorTypes(), t) }

// checkFileKinds reports what go would wait for when it reads a package.
func (r *resolver) checkFileKinds() {
	r.tree.mains() // walks the tree
	for _, name := range r.tree.unopenable {
		r.report("go-file-kind", finding.Error, dotted(name)+" is not a regular file: go may wait for it for ever", "remove it")
	}
}

// checkPackages judges the packages that were found.
func (r *resolver) checkPackages() {
	built := map[string]string{} // executable by conventional package
	for _, e := range r.plan.Executables {
		at := slices.IndexFunc(r.declared, func(d declared) bool { return d.name == e.Name })
		d := r.declared[at]
		other := typeOf(path.Base(e.Package))
		if other != "" && slices.ContainsFunc(d.types, isKnownType) && !slices.Contains(d.types, other) {
			hint := ""
			if dir, found := r.tree.conventional(e.Name, d.types); found && dotted(dir) != e.Package {
				hint = fmt.Sprintf("did you mean %s?", dotted(dir))
			}
			r.report("wrong-package", finding.Warning, fmt.Sprintf("the %s %s is built from %s, which looks like the %s's (%s)",
				d.types[0], e.Name, e.Package, other, e.Source), hint, "connectors", d.index, "executable")
		}
		if e.Source != FromConvention && e.Source != FromTree {
			continue
		}
		if other, twice := built[e.Package]; twice {
			r.report("same-package", finding.Warning,
				fmt.Sprintf("%s and %s are both built from %s", other, e.Name, e.Package),
				"one executable may serve several connectors; or name each one's main package under build.packages",
				"connectors", d.index, "executable")
		}
		built[e.Package] = e.Name
	}
	if _, found := ModuleRoot(r.plan.Dir); !found && r.plan.Builds() {
		message, hint := "go finds no go.mod here or above, so that it builds nothing", "run go mod init"
		if modules.IsTemporary(r.plan.Dir) {
			message = "this is the folder for temporary files, where go ignores a go.mod, so that it builds nothing"
			hint = "move the integration into a folder of its own"
		}
		r.report("module-missing", finding.Error, message, hint)
	}
}
