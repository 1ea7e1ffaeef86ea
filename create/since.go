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
	there, gone := name, ""
	resolved, err := filepath.EvalSymlinks(there)
	for err != nil && there != filepath.Dir(there) {
		there, gone = filepath.Dir(there), filepath.Join(filepath.Base(there), gone)
		resolved, err = filepath.EvalSymlinks(there)
	}
	if err != nil {
		return "", false
	}
	relative, err := filepath.Rel(c.top, filepath.Join(resolved, gone))
	if err != nil || !filepath.IsLocal(relative) {
		return "", false
	}
	return filepath.ToSlash(relative), true
}

// links are those by which a file or a folder is reached, as slash paths below the repository's folder: one that leads to another place
// changes what is there, and git says so of the link.
func (c *changes) links(name string) []string {
	name, err := filepath.Abs(name)
	if err != nil {
		return nil
	}
	var links []string
	for followed := 0; followed < maxLinks; followed++ {
		link, target := firstLink(name)
		if link == "" {
			break
		}
		if dir, ok := c.below(filepath.Dir(link)); ok {
			links = append(links, path.Join(dir, filepath.Base(link)))
		}
		name = target
	}
	return links
}

// maxLinks is how many are followed, as by Linux.
const maxLinks = 40

// firstLink is the link among a path and the folders above it that is the highest, and the path with that followed; "" for none.
func firstLink(name string) (link, target string) {
	for at := 1; at <= len(name); at++ {
		if at < len(name) && !os.IsPathSeparator(name[at]) {
			continue
		}
		leads, err := os.Readlink(name[:at])
		if err != nil {
			continue
		}
		if !filepath.IsAbs(leads) {
			leads = filepath.Join(filepath.Dir(name[:at]), leads)
		}
		return name[:at], filepath.Join(leads, name[at:])
	}
	return "", ""
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
	links := c.links(s.Dir)
	if link := c.first(func(changed string) bool { return holdsAny(changed, links) }); link != "" {
		return link + " changed, a link to its folder", nil
	}
	packed := s.packed(dir, c)
	if file := c.first(func(changed string) bool { return holdsAny(changed, packed) || isExpected(changed, dir) }); file != "" {
		return file + " changed, which is packed or says what is", nil
	}
	if !s.Plan.Builds() {
		return "", nil
	}
	if s.Plan.Stamps(".Commit") || s.Plan.Stamps(".Date") {
		return "build.ldflags puts the commit into it", nil
	}
	if file := c.first(func(changed string) bool { return s.ownGo(changed, dir, c) }); file != "" {
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

// packed are what is packed from the manifest's folder because something names it, or says what the packages are made of: by their names
// and, of links, by what these lead to.
func (s *Source) packed(dir string, c *changes) []string {
	files := []string{manifest.FileName, "GNUmakefile", "makefile", "Makefile"}
	for name := range namedFiles(s.Document) {
		files = append(files, name)
	}
	for _, e := range s.Plan.Executables {
		if e.Source == gobuild.Prebuilt {
			files = append(files, path.Clean(e.Name), path.Clean(e.Name)+".exe")
		}
	}
	var names []string
	for _, name := range files {
		file := filepath.Join(s.Dir, filepath.FromSlash(name))
		names = append(names, path.Join(dir, name))
		names = append(names, c.links(file)...)
		if target, ok := c.below(file); ok {
			names = append(names, target)
		}
	}
	return names
}

// isExpected tells whether something that changed is packed from a manifest's folder because of its name.
func isExpected(changed, dir string) bool {
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
// below it, even if that is gone as well.
func (s *Source) ownGo(changed, dir string, c *changes) bool {
	name, isBelow := cutFolder(changed, dir)
	if !isBelow || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
		return false
	}
	gone := !exists(filepath.Join(s.Dir, filepath.FromSlash(name)))
	for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
		base := path.Base(folder)
		if base == "vendor" || base == "testdata" || base[0] == '.' || base[0] == '_' {
			return false
		}
		for _, marker := range []string{"go.mod", manifest.FileName} {
			if exists(filepath.Join(s.Dir, filepath.FromSlash(folder), marker)) ||
				gone && slices.Contains(c.paths, path.Join(dir, folder, marker)) {
				return false
			}
		}
	}
	return true
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// change is what changed of what go builds from; "" for nothing.
func (c *changes) change(in gobuild.Inputs) string {
	if in.Unclear != "" {
		return "go does not tell what it is built from: " + finding.CutMessage(in.Unclear)
	}
	for _, file := range in.Files {
		name, ok := c.below(file.Path)
		if !ok && exists(file.Path) {
			return fmt.Sprintf("%s, which %s, is outside of the repository", file.Path, file.What)
		}
		names := append(c.links(file.Path), name)
		if changed := c.first(func(changed string) bool { return holdsAny(changed, names) }); ok && changed != "" {
			return changed + " changed, which " + file.What
		}
	}
	for _, p := range in.Packages {
		dir, ok := c.below(p.Dir)
		if !ok {
			return fmt.Sprintf("it imports %s from %s, outside of the repository", p.Path, p.Dir)
		}
		links := c.links(p.Dir)
		if changed := c.first(func(changed string) bool { return holdsAny(changed, links) }); changed != "" {
			return fmt.Sprintf("%s changed, a link to %s, which is built into it", changed, p.Path)
		}
		if changed := c.first(func(changed string) bool { return compiled(changed, dir, p) }); changed != "" {
			return fmt.Sprintf("%s changed, in %s, which is built into it", changed, p.Path)
		}
		if changed := c.first(func(changed string) bool { return included(changed, p) }); changed != "" {
			return fmt.Sprintf("%s changed, which %s may include, which is built into it", changed, p.Path)
		}
	}
	return ""
}

func holdsAny(changed string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return holds(changed, name) })
}

// sources are what the names of files end with that go compiles, or has compiled.
var sources = []string{".go", ".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for", ".f90", ".s", ".S", ".sx",
	".swig", ".swigcxx", ".syso"}

// includes are what the names of files end with that C, or the linker it is linked with, takes from other folders too.
var includes = []string{".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".inc", ".inl", ".s", ".S", ".a", ".o", ".so",
	".dylib", ".lib"}

// included tells whether something that changed, anywhere in the repository, may be included by C or assembly of a package, by a path that
// go does not say.
func included(changed string, p gobuild.InputPackage) bool {
	return (p.Cgo || p.Assembly) && slices.Contains(includes, path.Ext(changed))
}

// compiled tells whether something that changed is, or was, a file of a package in the folder dir that go builds from.
func compiled(changed, dir string, p gobuild.InputPackage) bool {
	if holds(changed, dir) {
		return true
	}
	name, isBelow := cutFolder(changed, dir)
	if !isBelow {
		return false
	}
	if p.Cgo || !strings.Contains(name, "/") && (p.Profile && name == "default.pgo" ||
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
