package create

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// PackedFile is one file of a package, before or after it is made.
type PackedFile struct {
	// Name is where the file stands in the package.
	Name string `json:"name"`
	// Size in bytes; -1 for an executable that is yet to be built.
	Size       int64 `json:"size"`
	Executable bool  `json:"executable,omitempty"`
	// Built is the main package that an executable is built from, "" for a file packed as it is.
	Built string `json:"built_from,omitempty"`
}

// otherFiles lists what a package holds beside the executables.
func otherFiles(tree *os.Root, doc *manifest.Document) ([]ptarbuild.File, []PackedFile, error) {
	names := namedFiles(doc)
	shown, _ := shownFiles(tree, "", names)
	for _, name := range shown {
		names[name] = true
	}
	// The manifest is packed as Packed gives it, even when an extra file names it.
	delete(names, manifest.FileName)

	files := []ptarbuild.File{ptarbuild.FromBytes(manifest.FileName, doc.Packed())}
	listed := []PackedFile{{Name: manifest.FileName, Size: int64(len(doc.Packed()))}}
	for name := range names {
		info, err := tree.Lstat(name)
		if err != nil {
			return nil, nil, fmt.Errorf("listing what to pack: %w", err)
		}
		if !info.Mode().IsRegular() {
			return nil, nil, fmt.Errorf("%s is not a regular file: a package holds nothing else", name)
		}
		open := func() (io.ReadCloser, error) { return regular.OpenIn(tree, name) }
		// An extra file may be a script that an executable runs.
		runs := info.Mode().Perm()&0o111 != 0
		files = append(files, ptarbuild.File{Name: name, Executable: runs, Open: open})
		listed = append(listed, PackedFile{Name: name, Size: info.Size(), Executable: runs})
	}
	return files, listed, nil
}

// namedFiles are the files beside the executables that the manifest names.
func namedFiles(doc *manifest.Document) map[string]bool {
	names := map[string]bool{}
	for _, c := range doc.Manifest.Connectors {
		if c.Validator != "" {
			names[path.Clean(c.Validator)] = true
		}
		for _, name := range c.ExtraFiles {
			names[path.Clean(name)] = true
		}
	}
	return names
}

// executables lists the executables of a package for the platform: built holds their paths, and is nil before they are
// built.
func (i *Integration) executables(platform executable.Platform, built map[string]string) ([]ptarbuild.File, []PackedFile, error) {
	var files []ptarbuild.File
	var listed []PackedFile
	for _, e := range i.plan.Executables {
		name := platform.FileName(path.Clean(e.Name))
		file := ptarbuild.FromDisk(name, built[e.Name], true)
		packed := PackedFile{Name: name, Size: -1, Executable: true, Built: e.Package}
		var info fs.FileInfo
		var err error
		switch {
		case e.Source == gobuild.Prebuilt: // through the root, which links do not leave
			file.Open = func() (io.ReadCloser, error) { return regular.OpenIn(i.tree, name) }
			info, err = i.tree.Lstat(name)
		case built != nil:
			info, err = os.Stat(built[e.Name])
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("executable %s is not there: build it before packing", name)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("executable %s: %w", e.Name, err)
		}
		if info != nil && !info.Mode().IsRegular() {
			return nil, nil, fmt.Errorf("executable %s: %s is not a regular file", e.Name, name)
		}
		if info != nil {
			packed.Size = info.Size()
		}
		files, listed = append(files, file), append(listed, packed)
	}
	return files, listed, nil
}

// contents lists all that a package for the platform holds; built is nil before the executables are built.
func (i *Integration) contents(platform executable.Platform, built map[string]string) ([]ptarbuild.File, []PackedFile, error) {
	executables, listed, err := i.executables(platform, built)
	if err != nil {
		return nil, nil, err
	}
	files, more, err := otherFiles(i.tree, i.Source.Document)
	if err != nil {
		return nil, nil, err
	}
	known := map[string]bool{}
	for _, f := range executables {
		known[f.Name] = true
	}
	for n, f := range files {
		// A file may be both an executable and another connector's extra file.
		if !known[f.Name] {
			executables, listed = append(executables, f), append(listed, more[n])
		}
	}
	sortByName(listed)
	var total int64
	for _, f := range listed {
		if f.Size > ptarread.MaxFile {
			return nil, nil, fmt.Errorf("%s is %d bytes, and a file of a package holds at most %d",
				f.Name, f.Size, int64(ptarread.MaxFile))
		}
		total += max(f.Size, 0)
	}
	if total > ptarread.MaxUnpacked {
		return nil, nil, fmt.Errorf("the files are %d bytes together, and a package holds at most %d",
			total, int64(ptarread.MaxUnpacked))
	}
	return executables, listed, nil
}

func sortByName(files []PackedFile) {
	slices.SortFunc(files, func(a, b PackedFile) int { return strings.Compare(a.Name, b.Name) })
}
