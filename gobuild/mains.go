package gobuild

import (
	"errors"
	"fmt"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/manifest"
)

// tree answers questions about the Go packages in and below the manifest's folder, without running go. Its folders are
// slash paths relative to that folder.
type tree struct {
	dir  string
	tags []string
	cgo  bool
	// mains lists the folders of all main packages, sorted.
	mains func() []string
	// unread are the folders that mains could not look into.
	unread []string
}

func newTree(dir string, settings manifest.Build) *tree {
	t := &tree{dir: dir, tags: settings.Tags, cgo: settings.Env["CGO_ENABLED"] == "1"}
	t.mains = sync.OnceValue(t.findMains)
	return t
}

func (t *tree) file(name string) string { return filepath.Join(t.dir, filepath.FromSlash(name)) }

func (t *tree) hasFile(name string) bool {
	info, err := os.Stat(t.file(name))
	return err == nil && info.Mode().IsRegular()
}

// importPackage reads the package clauses and build constraints in a folder as go build would for the platform.
func (t *tree) importPackage(dir string, platform executable.Platform) (*build.Package, error) {
	context := build.Default
	context.GOOS, context.GOARCH, context.CgoEnabled = platform.OS, platform.Arch, t.cgo
	context.BuildTags = t.tags
	return context.ImportDir(t.file(dir), 0)
}

// checkMain returns nil if the folder holds a main package for this machine or for a platform that upstream ships, and
// otherwise what is wrong with it, as the end of a sentence.
func (t *tree) checkMain(dir string) error {
	switch info, err := os.Stat(t.file(dir)); {
	case errors.Is(err, fs.ErrNotExist), err == nil && !info.IsDir():
		return errors.New("does not exist")
	case err != nil:
		return fmt.Errorf("cannot be read: %w", err)
	}
	for _, platform := range append([]executable.Platform{executable.Host()}, executable.Shipped()...) {
		p, err := t.importPackage(dir, platform)
		var noGo *build.NoGoError
		var several *build.MultiplePackageError
		switch {
		case errors.As(err, &noGo):
			continue
		case errors.As(err, &several):
			return fmt.Errorf("holds two packages, %s and %s", several.Packages[0], several.Packages[1])
		case err != nil:
			return fmt.Errorf("cannot be read: %w", err)
		case p.Name != "main":
			return fmt.Errorf("is package %s, not main", p.Name)
		}
		return nil
	}
	return errors.New("holds no Go files")
}

// checkFiles is checkMain for a main package given as a list of its files.
func (t *tree) checkFiles(files []string) error {
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), t.file(name), nil, parser.PackageClauseOnly)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("lacks %s", path.Base(name))
		case err != nil:
			return fmt.Errorf("cannot be read: %w", err)
		case file.Name.Name != "main":
			return fmt.Errorf("has %s in package %s, not main", path.Base(name), file.Name.Name)
		}
	}
	return nil
}

// isWhole reports whether the files are all that the folder's package is made of on this machine.
func (t *tree) isWhole(dir string, files []string) bool {
	p, err := t.importPackage(dir, executable.Host())
	if err != nil {
		return false
	}
	for _, name := range p.GoFiles {
		if !slices.Contains(files, path.Join(dir, name)) {
			return false
		}
	}
	return true
}

// findMains walks the folder as `./...` does: vendor, testdata, hidden folders and nested modules are not its own.
func (t *tree) findMains() []string {
	var mains []string
	walk := func(dir string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			t.unread = append(t.unread, dir)
			return nil // go could not build it either
		case !entry.IsDir():
			return nil
		case dir != "." && (ignored(path.Base(dir)) || t.hasFile(path.Join(dir, "go.mod"))):
			return fs.SkipDir
		case t.checkMain(dir) == nil:
			mains = append(mains, dir)
		}
		return nil
	}
	if err := fs.WalkDir(os.DirFS(t.dir), ".", walk); err != nil {
		return nil
	}
	return mains
}

func ignored(folder string) bool {
	return strings.HasPrefix(folder, ".") || strings.HasPrefix(folder, "_") ||
		folder == "vendor" || folder == "testdata" || folder == "node_modules"
}

// ModuleRoot is the folder of the module that dir is in, with the go.mod in dir or above it; found is false outside of any.
func ModuleRoot(dir string) (root string, found bool) { return goModAbove(workingDir(dir)) }

// workingDir is the path by which go is to know dir, since it looks for a module up that path: the one given, as after cd, or
// where that is in no module the one that its links lead to.
func workingDir(dir string) string {
	path, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	if _, found := goModAbove(path); !found {
		if physical, err := filepath.EvalSymlinks(path); err == nil {
			return physical
		}
	}
	return path
}

func goModAbove(path string) (root string, found bool) {
	for root = path; ; root = filepath.Dir(root) {
		if info, err := os.Stat(filepath.Join(root, "go.mod")); err == nil && info.Mode().IsRegular() {
			return root, true
		}
		if root == filepath.Dir(root) {
			return "", false
		}
	}
}
