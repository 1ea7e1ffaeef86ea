package create

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/internal/git"
	"github.com/PlakarKorp/kpkg/manifest"
)

// Since keeps of a matrix, which is one of the sources, the integrations whose packages can differ from those made of another commit,
// tag or branch, ref, and says why of each; the others are LeftOut. All packages of an integration stay together, as a version has
// them all. Git is asked what changed, in the working tree too, and go for each platform what is built from it: what counts is what
// is packed, the packages that the executables import, the files that say which modules there are, and other Go files of the
// manifest's folder, as a main package may be found among them.
//
// The version and the time in a package, which is that of its commit, make no difference.
func (m Matrix) Since(ctx context.Context, sources []*Source, ref string) (Matrix, error) {
	repositories := map[string]*changes{} // by the folder of the manifest, then by their own
	for _, source := range sources {
		top, paths, err := git.Changed(ctx, source.Dir, ref)
		if err != nil {
			return Matrix{}, err
		}
		repositories[source.Dir] = &changes{top: top, paths: paths}
	}
	platforms := map[string][]executable.Platform{}
	for _, e := range m.Include {
		platforms[e.Manifest] = append(platforms[e.Manifest], e.Platform)
	}
	reasons := make([]string, len(sources))
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	for i, source := range sources {
		group.Go(func() (err error) {
			reasons[i], err = source.changed(asking, platforms[source.Document.File], repositories[source.Dir])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Matrix{}, err
	}
	why := map[string]string{}
	for i, source := range sources {
		why[source.Document.File] = reasons[i]
	}
	return m.Keep(func(e MatrixElement) (bool, string, error) {
		if reason := why[e.Manifest]; reason != "" {
			return true, reason, nil
		}
		return false, "nothing that it is made of changed since " + ref, nil
	})
}

// changes are those of a repository: slash paths below its folder, with a slash at the end of a folder in which all is new. That of a
// submodule is its folder.
type changes struct {
	top   string
	paths []string
}

// first is the first path that fits, "" for none.
func (c *changes) first(fits func(path string) bool) string {
	if at := slices.IndexFunc(c.paths, fits); at >= 0 {
		return c.paths[at]
	}
	return ""
}

// below is a file or a folder as a slash path below the repository's folder; ok is false for one outside of it.
func (c *changes) below(name string) (slashed string, ok bool) {
	name, err := filepath.Abs(name)
	if err != nil {
		return "", false
	}
	// git follows links to the folder of the repository. What is gone has none.
	if dir, err := filepath.EvalSymlinks(name); err == nil {
		name = dir
	} else if dir, err := filepath.EvalSymlinks(filepath.Dir(name)); err == nil {
		name = filepath.Join(dir, filepath.Base(name))
	}
	relative, err := filepath.Rel(c.top, name)
	if err != nil || !filepath.IsLocal(relative) {
		return "", false
	}
	return filepath.ToSlash(relative), true
}

// holds tells whether what changed is a file, or a folder around it.
func holds(changed, file string) bool {
	return changed == file || strings.HasPrefix(file, strings.TrimSuffix(changed, "/")+"/")
}

// changed is why the packages for some platforms can differ; "" if they cannot.
func (s *Source) changed(ctx context.Context, platforms []executable.Platform, c *changes) (string, error) {
	dir, ok := c.below(s.Dir)
	if !ok {
		return "", fmt.Errorf("%s is not in the repository %s, as git says that it is", s.Dir, c.top)
	}
	if file := c.first(func(changed string) bool { return s.packs(changed, dir) }); file != "" {
		return file + " changed, which is packed or says what is", nil
	}
	if !s.Plan.Builds() {
		return "", nil
	}
	if s.Plan.Stamps(".Commit") || s.Plan.Stamps(".Date") {
		return "build.ldflags puts the commit into it", nil
	}
	if file := c.first(func(changed string) bool { return s.ownGo(changed, dir) }); file != "" {
		return file + " changed, which is in its folder", nil
	}
	for _, platform := range platforms {
		in, err := s.Plan.Inputs(ctx, platform)
		if err != nil {
			return "", err
		}
		if why := c.change(in); why != "" {
			return why, nil
		}
	}
	return "", nil
}

// packs tells whether something that changed is packed from the manifest's folder, or says what the packages are made of.
func (s *Source) packs(changed, dir string) bool {
	files := []string{manifest.FileName, "GNUmakefile", "makefile", "Makefile"}
	for name := range namedFiles(s.Document) {
		files = append(files, name)
	}
	for _, e := range s.Plan.Executables {
		if e.Source == gobuild.Prebuilt {
			files = append(files, path.Clean(e.Name), path.Clean(e.Name)+".exe")
		}
	}
	if slices.ContainsFunc(files, func(name string) bool { return holds(changed, path.Join(dir, name)) }) {
		return true
	}
	name, isBelow := cutFolder(changed, dir)
	return isBelow && manifest.IsExpected(name)
}

// cutFolder is a path as seen from a folder that it is below.
func cutFolder(name, dir string) (string, bool) {
	if dir == "." {
		return name, true
	}
	return strings.CutPrefix(name, dir+"/")
}

// ownGo tells whether something that changed is a Go file of the manifest's folder: not of another integration, nor another module,
// below it.
func (s *Source) ownGo(changed, dir string) bool {
	name, isBelow := cutFolder(changed, dir)
	if !isBelow || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
		return false
	}
	for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
		base := path.Base(folder)
		if base == "vendor" || base == "testdata" || base[0] == '.' || base[0] == '_' {
			return false
		}
		for _, marker := range []string{"go.mod", manifest.FileName} {
			if _, err := os.Stat(filepath.Join(s.Dir, filepath.FromSlash(folder), marker)); err == nil {
				return false
			}
		}
	}
	return true
}

// change is what changed of what go builds from; "" for nothing.
func (c *changes) change(in gobuild.Inputs) string {
	if in.Unclear != "" {
		return "go does not tell what it is built from: " + finding.CutMessage(in.Unclear)
	}
	for _, file := range in.Files {
		name, ok := c.below(file)
		if changed := c.first(func(changed string) bool { return holds(changed, name) }); ok && changed != "" {
			return changed + " changed, which says what modules it has"
		}
	}
	for _, p := range in.Packages {
		dir, ok := c.below(p.Dir)
		if !ok {
			return fmt.Sprintf("it imports %s from %s, outside of the repository", p.Path, p.Dir)
		}
		if changed := c.first(func(changed string) bool { return compiled(changed, dir, p) }); changed != "" {
			return fmt.Sprintf("%s changed, in %s, which is built into it", changed, p.Path)
		}
	}
	return ""
}

// sources are what the names of files end with that go compiles, or has compiled.
var sources = []string{".go", ".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for", ".f90", ".s", ".S", ".sx",
	".swig", ".swigcxx", ".syso"}

// compiled tells whether something that changed is, or was, a file of a package in the folder dir that go builds from.
func compiled(changed, dir string, p gobuild.InputPackage) bool {
	if holds(changed, dir) {
		return true
	}
	name, isBelow := cutFolder(changed, dir)
	if !isBelow {
		return false
	}
	if p.Cgo || !strings.Contains(name, "/") && (name == "default.pgo" ||
		slices.Contains(sources, path.Ext(name)) && !strings.HasSuffix(name, "_test.go")) {
		return true
	}
	// A pattern of a folder is one of all that is in it.
	for _, pattern := range p.Embeds {
		pattern = strings.TrimPrefix(pattern, "all:")
		for part := strings.TrimSuffix(name, "/"); part != "."; part = path.Dir(part) {
			if matches, err := path.Match(pattern, part); matches && err == nil {
				return true
			}
		}
	}
	return false
}
