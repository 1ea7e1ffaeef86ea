// Package modules says what Go module a folder is in, what modules executables are made of, and under which licences those are.
//
// What is in an executable, the linker has written into it. The texts of licences come from where go keeps the source: its
// cache of modules, or a vendor folder. It asks no network, and guesses no licence: a text that google/licensecheck does not
// know is one of its own.
package modules

import (
	"cmp"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

// Standard is the path under which Go's standard library is listed.
const Standard = "std"

// Module is a module in an executable.
type Module struct {
	Path, Version string
	// Sum is that of its content, as in go.sum; "" for a copy in a folder and for the standard library.
	Sum string
	// Dir is the folder with its source, "" when there is none at hand.
	Dir string
}

// Source is where the modules of a build are looked for.
type Source struct {
	// Main is the folder of the module that is built.
	Main string
	// Cache is go's GOMODCACHE.
	Cache string
}

// Of lists the modules in executables, each once, sorted, without the main module: the standard library first.
func (s Source) Of(executables []*debug.BuildInfo) []Module {
	var all []Module
	for _, info := range executables {
		all = append(all, Module{Path: Standard, Version: info.GoVersion})
		for _, dependency := range info.Deps {
			all = append(all, s.find(dependency))
		}
	}
	slices.SortFunc(all, func(a, b Module) int {
		return cmp.Or(first(a)-first(b), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Version, b.Version))
	})
	return slices.CompactFunc(all, func(a, b Module) bool { return a.Path == b.Path && a.Version == b.Version })
}

// first is 0 for what is listed before all others.
func first(m Module) int {
	if m.Path == Standard {
		return 0
	}
	return 1
}

// find says where the source of a module is.
func (s Source) find(dependency *debug.Module) Module {
	found := Module{Path: dependency.Path, Version: dependency.Version, Sum: dependency.Sum}
	taken := dependency
	if replacement := dependency.Replace; replacement != nil {
		taken = replacement
		found.Sum = replacement.Sum
		if replacement.Version == "" || replacement.Version == "(devel)" { // a folder, whose path is nobody's business
			dir := filepath.FromSlash(replacement.Path)
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(s.Main, dir)
			}
			found.Dir = existing(dir)
			return found
		}
		found.Version = replacement.Version
		if replacement.Path != dependency.Path {
			found.Path = replacement.Path
		}
	}
	path, pathErr := module.EscapePath(taken.Path)
	version, versionErr := module.EscapeVersion(taken.Version)
	if pathErr != nil || versionErr != nil {
		return found
	}
	found.Dir = cmp.Or(
		existing(filepath.Join(s.Cache, filepath.FromSlash(path)+"@"+version)),
		existing(filepath.Join(s.Main, "vendor", filepath.FromSlash(dependency.Path))),
	)
	return found
}

func existing(dir string) string {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return dir
	}
	return ""
}

// URL is the module as a package URL (https://github.com/package-url/purl-spec).
func (m Module) URL() string {
	if m.Path == Standard {
		return "pkg:golang/std@" + strings.TrimPrefix(m.Version, "go")
	}
	return "pkg:golang/" + strings.ReplaceAll(m.Path, "+", "%2B") + "@" + strings.ReplaceAll(m.Version, "+", "%2B")
}
