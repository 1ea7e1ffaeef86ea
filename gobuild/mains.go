package gobuild

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/internal/modules"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/manifest"
)

// tree knows the Go packages in and below the manifest's folder, without running go. Its folders are
// slash paths relative to that folder.
type tree struct {
	ctx  context.Context // ends the search for main packages
	dir  string
	tags []string
	cgo  bool
	// mains lists the folders of all main packages, sorted.
	mains func() []string
	// usual lists those in the usual places, in the order in which these are asked.
	usual func() []usualPlace
	// unread are the folders that mains could not look into, unopenable the files beside Go files that are named like these and
	// are none.
	unread, unopenable []string
}

func newTree(ctx context.Context, dir string, settings manifest.Build) *tree {
	t := &tree{ctx: ctx, dir: dir, tags: settings.Tags, cgo: settings.Env["CGO_ENABLED"] == "1"}
	t.mains = sync.OnceValue(t.findMains)
	t.usual = sync.OnceValue(t.findUsual)
	return t
}

func (t *tree) file(name string) string { return filepath.Join(t.dir, filepath.FromSlash(name)) }

func (t *tree) hasFile(name string) bool {
	info, err := os.Stat(t.file(name))
	return err == nil && info.Mode().IsRegular()
}

func (t *tree) hasFolder(name string) bool {
	info, err := os.Stat(t.file(name))
	return err == nil && info.IsDir()
}

// importPackage reads the package clauses and build constraints in a folder as go build would for the platform.
func (t *tree) importPackage(dir string, platform executable.Platform) (*build.Package, error) {
	target := build.Default
	target.GOOS, target.GOARCH, target.CgoEnabled = platform.OS, platform.Arch, t.cgo
	target.BuildTags = t.tags
	target.ReadDir = sourceFiles
	target.OpenFile = func(name string) (io.ReadCloser, error) { return regular.Open(name) }
	// Whether the folder is below GOPATH does not matter, and to find out go/build resolves the links of each folder above it.
	target.HasSubdir = func(string, string) (string, bool) { return "", false }
	return target.ImportDir(t.file(dir), 0)
}

// sourceFiles are the files of a folder that go/build may look into, in the order of their names.
func sourceFiles(dir string) ([]fs.FileInfo, error) {
	files, _, err := listSource(dir)
	return files, err
}

// listSource lists the files of a folder: the regular ones, and those named like Go files that are something else, such as a
// pipe that go would wait for.
func listSource(dir string) (files, others []fs.FileInfo, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, entry.Name()))
		if err != nil { // such as a link to nowhere, which go refuses
			if info, err = entry.Info(); err != nil {
				return nil, nil, err
			}
		}
		switch {
		case info.Mode().IsRegular(), info.Mode()&fs.ModeSymlink != 0:
			files = append(files, info)
		case isGo(info) && !info.IsDir():
			others = append(others, info)
		}
	}
	return files, others, nil
}

func isGo(file fs.FileInfo) bool { return strings.HasSuffix(file.Name(), ".go") }

// checkMain returns nil if the folder holds a main package for this machine or for a platform that upstream ships, and
// otherwise what is wrong with it, as the end of a sentence.
func (t *tree) checkMain(dir string) error {
	switch info, err := os.Stat(t.file(dir)); {
	case errors.Is(err, fs.ErrNotExist), err == nil && !info.IsDir():
		return errors.New("does not exist")
	case err != nil:
		return fmt.Errorf("cannot be read: %w", err)
	}
	// Most folders hold no Go at all, and need not be asked about for each platform.
	if files, err := sourceFiles(t.file(dir)); err == nil && !slices.ContainsFunc(files, isGo) {
		return errors.New("holds no Go files")
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
		file, err := t.packageClause(name)
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

// packageClause parses the beginning of a Go file.
func (t *tree) packageClause(name string) (*ast.File, error) {
	const maxClause = 1 << 20 // bytes in which the package clause must be, after a license and documentation
	data, err := regular.Read(t.file(name), maxClause)
	if err != nil {
		return nil, err
	}
	return parser.ParseFile(token.NewFileSet(), name, data, parser.PackageClauseOnly)
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
		case t.ctx.Err() != nil:
			return fs.SkipAll
		case err != nil:
			t.unread = append(t.unread, dir)
			return nil // go could not build it either
		case !entry.IsDir():
			return nil
		case dir != "." && (ignored(path.Base(dir)) || t.hasFile(path.Join(dir, "go.mod"))):
			return fs.SkipDir
		}
		t.findUnopenable(dir)
		if t.checkMain(dir) == nil {
			mains = append(mains, dir)
		}
		return nil
	}
	if err := fs.WalkDir(os.DirFS(t.dir), ".", walk); err != nil {
		return nil
	}
	return mains
}

// findUnopenable notes the files of a package that go must not be let near. Where there is nothing else, there is no package.
func (t *tree) findUnopenable(dir string) {
	files, others, err := listSource(t.file(dir))
	if err != nil || !slices.ContainsFunc(files, isGo) {
		return
	}
	for _, other := range others {
		t.unopenable = append(t.unopenable, path.Join(dir, other.Name()))
	}
}

func ignored(folder string) bool {
	return strings.HasPrefix(folder, ".") || strings.HasPrefix(folder, "_") ||
		folder == "vendor" || folder == "testdata" || folder == "node_modules"
}

// ModuleRoot is the folder of the module that dir is in, with the go.mod in dir or above it; found is false outside of any.
func ModuleRoot(dir string) (root string, found bool) { return modules.Root(workingDir(dir)) }

// workingDir is the path by which go is to know dir, since it looks for a module up that path: the one given, as after cd, or
// where that is in no module the one that its links lead to.
func workingDir(dir string) string {
	path, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	if _, found := modules.Root(path); !found {
		if physical, err := filepath.EvalSymlinks(path); err == nil {
			return physical
		}
	}
	return path
}
