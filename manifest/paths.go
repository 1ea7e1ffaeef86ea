package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode"

	"github.com/PlakarKorp/kpkg/internal/suggest"
)

// namedFile is a file that a connector names.
type namedFile struct {
	path  string
	at    place
	built bool // by kpkg, so that it need not be there yet
}

// namedFiles lists the paths in the manifest, in its order.
func (c *checker) namedFiles() []namedFile {
	var files []namedFile
	for i, connector := range c.Manifest.Connectors {
		if connector.Executable != "" {
			files = append(files, namedFile{connector.Executable, c.at("connectors", i, "executable"), true})
		}
		if connector.Validator != "" {
			files = append(files, namedFile{connector.Validator, c.at("connectors", i, "validator"), false})
		}
		for j, extra := range connector.ExtraFiles {
			files = append(files, namedFile{extra, c.at("connectors", i, "extra_files", j), false})
		}
	}
	return files
}

// localPath cleans a path of the manifest. It says what is wrong with one that does not stay, on every system alike, in the
// manifest's folder.
func localPath(p string) (clean, fault string) {
	clean = path.Clean(p)
	switch {
	case p == "":
		return "", "is empty"
	case strings.ContainsFunc(p, unicode.IsControl):
		return "", "contains a control character"
	case strings.Contains(p, `\`):
		return "", `contains "\"`
	case path.IsAbs(p), len(p) > 1 && p[1] == ':':
		return "", "is absolute"
	case clean == ".." || strings.HasPrefix(clean, "../"):
		return "", "leaves the manifest's folder"
	case clean == ".":
		return "", "is the manifest's folder"
	case len(clean) > maxPath:
		return "", fmt.Sprintf("is longer than %d bytes", maxPath)
	case strings.Count(clean, "/") > maxFolders:
		return "", fmt.Sprintf("leads through more than %d folders", maxFolders)
	}
	return clean, ""
}

// paths reports paths that plakar refuses or that mean something else on another system.
func (c *checker) paths() {
	for _, file := range c.namedFiles() {
		if _, fault := localPath(file.path); fault != "" {
			c.error(file.at, "write it relative to the manifest, with \"/\"", "path %q %s", file.path, fault)
		}
	}
}

// missingFiles reports files that packing would not find or could not read.
func (c *checker) missingFiles() {
	c.eachFile(func(file namedFile, info fs.FileInfo, err error) {
		if file.built {
			return
		}
		if err == nil && info.Mode().IsRegular() {
			var f fs.File
			if f, err = c.opts.Tree.Open(path.Clean(file.path)); err == nil {
				f.Close()
			}
		}
		switch {
		case errors.Is(err, fs.ErrNotExist) && strings.Contains(file.path, "://"):
			c.error(file.at, "save it beside the manifest and name that file", "%q is an address, not a file of the tree", file.path)
		case errors.Is(err, fs.ErrNotExist):
			c.error(file.at, c.similarFile(file.path), "%q does not exist", file.path)
		case err != nil:
			c.error(file.at, "", "%q cannot be read: %s", file.path, innermost(err))
		}
	})
}

// similarFile is a hint at what to write instead of a file that is not there: one of a close name, or what a shell would make
// of the name.
func (c *checker) similarFile(written string) string {
	switch {
	case strings.HasPrefix(written, "~"):
		return "put the file beside the manifest: \"~\" stands for nobody's home here"
	case strings.ContainsAny(written, "*?"):
		return "name each file: patterns stand for none here"
	case strings.ContainsAny(written, "$%"):
		return "write the name itself: variables stand for none here"
	}
	name := path.Clean(written)
	entries, err := fs.ReadDir(c.opts.Tree, path.Dir(name))
	if err != nil {
		return ""
	}
	var names []string
	for _, entry := range entries {
		if entry.Type().IsRegular() {
			names = append(names, entry.Name())
		}
	}
	if closest := suggest.Closest(path.Base(name), names); closest != "" {
		return fmt.Sprintf("did you mean %q?", path.Join(path.Dir(name), closest))
	}
	return ""
}

// fileKinds reports what is there under the name of a file and is none.
func (c *checker) fileKinds() {
	c.eachFile(func(file namedFile, info fs.FileInfo, err error) {
		switch {
		case err != nil || info.Mode().IsRegular():
		case info.IsDir() && file.built:
			c.error(file.at, "give the executable another name", "%q is a folder: nothing can be built under this name", file.path)
		case info.IsDir():
			c.error(file.at, "name a file", "%q is a folder", file.path)
		case info.Mode()&fs.ModeSymlink != 0:
			c.error(file.at, "name the file it points to", "%q is reached by a symbolic link, which packages do not hold", file.path)
		default:
			c.error(file.at, "name a file", "%q is not a regular file", file.path)
		}
	})
}

// eachFile looks up the files named by usable paths, each path once.
func (c *checker) eachFile(visit func(namedFile, fs.FileInfo, error)) {
	if c.opts.Tree == nil {
		return
	}
	seen := map[string]bool{}
	for _, file := range c.namedFiles() {
		clean, fault := localPath(file.path)
		if fault != "" || seen[clean] {
			continue
		}
		seen[clean] = true
		info, err := lstat(c.opts.Tree, clean)
		visit(file, info, err)
	}
}

// lstat is fs.Lstat that stops at a symbolic link anywhere in the path.
func lstat(tree fs.FS, name string) (fs.FileInfo, error) {
	for i := range name {
		if name[i] != '/' {
			continue
		}
		info, err := fs.Lstat(tree, name[:i])
		switch {
		case err != nil || info.Mode()&fs.ModeSymlink != 0:
			return info, err
		case !info.IsDir():
			return nil, fs.ErrNotExist
		}
	}
	return fs.Lstat(tree, name)
}
