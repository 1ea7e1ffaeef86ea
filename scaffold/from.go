package scaffold

import (
	"cmp"
	"errors"
	"fmt"
	"go/doc"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/manifest"
)

// existing is what an integration of connectors that are there already lacks. No file of theirs is touched: of those that are
// for people, what is there is kept.
func existing(i *integration, opts Options) (*Tree, error) {
	if len(opts.Types) > 0 || opts.Module != "" {
		return nil, refused("with packages that are there, their module and the types of their connectors are known: leave them out")
	}
	moduleName, top, err := moduleOf(opts.From[0])
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%s is in no Go module: make one there with go mod init", opts.From[0])
		}
		return nil, err
	}
	i.Module = moduleName
	folder := cmp.Or(opts.Folder, relativeToHere(top))
	own, err := importPathOf(folder)
	if err != nil || !isWithin(top, folder) {
		return nil, refused("%s is not in the module of %s, so that no main there could import it", folder, opts.From[0])
	}
	i.SDK = path.Join(own, sdkFolder)
	var found []*construct
	for _, from := range opts.From {
		if !isWithin(top, from) {
			return nil, refused("%s is not in the module of %s", from, opts.From[0])
		}
		all, err := readPackage(from)
		if err != nil {
			return nil, err
		}
		found = append(found, all...)
	}
	i.program = i.Name
	if _, err := os.Lstat(under(folder, i.program)); err == nil { // often the package's folder
		i.program += "Plugin"
	}
	if err := i.serve(found, folder); err != nil {
		return nil, err
	}
	i.describe(found)
	tree := &Tree{Folder: folder}
	files, err := i.render(func(name string) bool {
		switch {
		case path.Dir(name) == "connector", name == "go.mod", name == "go.sum":
			return false
		case name == "plugin/main.go":
			return i.Copied
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if _, err := os.Lstat(under(folder, f.Path)); err == nil && f.people {
			tree.Kept = append(tree.Kept, f.Path)
			continue
		}
		tree.Files = append(tree.Files, f)
	}
	if i.Copied {
		sdk, err := sdkFiles(i.SDK)
		if err != nil {
			return nil, err
		}
		tree.Files = append(tree.Files, sdk...)
		tree.Notes = append(lateNotes(i.SDK), missingModules(filepath.Join(top, "go.mod"))...)
	} else {
		tree.Notes = []string{"the mains that are there serve the connectors: docs/converting.md says what it takes to move them to kpkg's SDK"}
	}
	tree.sort()
	return tree, nil
}

// serve writes the connectors into the manifest, and into a new main those that can be imported.
func (i *integration) serve(found []*construct, folder string) error {
	names := map[string]string{}
	for _, t := range Types {
		for _, c := range found {
			if c.Type != t {
				continue
			}
			if i.Has(t) {
				return refused("there is more than one constructor of an %s: %s and %s; name the package of one, and leave the other to be "+
					"added to the manifest", t, names[t], c.where())
			}
			names[t] = c.where()
			if err := i.add(c, folder); err != nil {
				return err
			}
		}
	}
	if len(i.Connectors) == 0 {
		return refused("no constructor of a connector is there: a function such as func New%s(context.Context, *connectors.Options, string, "+
			"map[string]string) (importer.Importer, error), or a main that hands one to go-kloset-sdk", title(i.Name))
	}
	if i.Copied {
		i.Programs = append(i.Programs, program{i.program, "./plugin"})
	}
	if len(i.Served) == 1 {
		for n := range i.Connectors {
			if i.Connectors[n].Executable == i.program {
				i.Connectors[n].Argument = ""
			}
		}
	}
	return nil
}

// add writes one connector into the manifest.
func (i *integration) add(c *construct, folder string) error {
	// plakar's own names are taken; a connector that is built into plakar gets another when it is a package.
	protocols := slices.DeleteFunc(c.Protocols, func(p string) bool { return manifest.IsBuiltin(c.Type, p) })
	if len(protocols) == 0 {
		protocols = []string{i.Name}
	}
	class, subclass := manifest.ClassOf(protocols[0])
	if slices.Contains(c.Flags, "localfs") {
		class, subclass = "file-storage", ""
	}
	entry := connector{
		Type: c.Type, Class: class, Subclass: subclass, Protocols: protocols, LocationFlags: c.Flags, Executable: i.program, Argument: c.Type,
	}
	if c.Unexported || c.ServedBy != "" && absolute(c.ServedBy) == absolute(filepath.Join(folder, "plugin")) {
		entry.Executable, entry.Argument = i.Name+title(c.Type), ""
		main, err := filepath.Rel(absolute(folder), absolute(c.ServedBy))
		if err != nil || !filepath.IsLocal(main) {
			return refused("the main package %s is not below %s", c.ServedBy, folder)
		}
		p := program{entry.Executable, "./" + filepath.ToSlash(main)}
		i.Programs, i.Packages = append(i.Programs, p), append(i.Packages, p)
		i.Connectors = append(i.Connectors, entry)
		return nil
	}
	i.Connectors = append(i.Connectors, entry)
	i.Copied = true
	name := c.Package
	for slices.ContainsFunc(i.Imports, func(m imported) bool { return m.Path != c.ImportPath && cmp.Or(m.Name, path.Base(m.Path)) == name }) ||
		name == "sdk" {
		name = c.Type + "pkg"
	}
	m := imported{Path: c.ImportPath}
	if name != path.Base(c.ImportPath) {
		m.Name = name
	}
	if !slices.Contains(i.Imports, m) {
		i.Imports = append(i.Imports, m)
	}
	function := name + "." + c.Function
	field := strings.ToUpper(c.Type[:1]) + c.Type[1:]
	s := served{field, fmt.Sprintf("sdk.%sFrom(%s)", field, function), function}
	if c.Scanner {
		s.InConnectors = fmt.Sprintf("sdk.ScannerFrom(%s)", function)
		s.Alone = s.InConnectors
	}
	i.Served = append(i.Served, s)
	return nil
}

// describe takes from the packages what they say of themselves.
func (i *integration) describe(found []*construct) {
	i.Homepage = "https://" + i.Module
	i.Local = true
	folders := map[string]bool{}
	keys := map[string]bool{"location": true}
	for _, c := range found {
		folders[filepath.Base(absolute(c.Folder))] = true
		i.Local = i.Local && slices.Contains(c.Flags, "localfs")
		if i.Description == "" {
			i.Description = c.Doc
		}
		for _, key := range c.Keys {
			if !keys[key] {
				keys[key] = true
				i.Settings = append(i.Settings, setting{Key: key, Description: strings.ReplaceAll(title(strings.ReplaceAll(key, "_", "-")), "-", " "),
					Secret: isSecret(key)})
			}
		}
	}
	slices.SortFunc(i.Settings, func(a, b setting) int { return strings.Compare(a.Key, b.Key) })
	i.Code = strings.Join(sortedKeys(folders), "/`, `") + "/"
	if i.Description == "" {
		i.Description = i.Title + " for plakar"
	}
}

// isSecret tells a key whose value nobody is to see, as the SDK does.
func isSecret(key string) bool {
	for _, end := range []string{"file", "path"} {
		if strings.HasSuffix(key, end) {
			return false
		}
	}
	for _, part := range []string{"pass", "secret", "token", "key", "credential"} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return false
}

// missingModules is what a module lacks that the SDK imports.
func missingModules(file string) []string {
	data, err := regular.Read(file, maxFile)
	if err != nil {
		return nil
	}
	parsed, err := modfile.ParseLax(file, data, nil)
	if err != nil {
		return nil
	}
	needed := []string{"github.com/PlakarKorp/kloset", "golang.org/x/net", "golang.org/x/sys", "google.golang.org/protobuf"}
	for _, r := range parsed.Require {
		needed = slices.DeleteFunc(needed, func(name string) bool { return name == r.Mod.Path })
	}
	if len(needed) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("the SDK imports %s, which go.mod does not have yet: run go mod tidy", strings.Join(needed, ", "))}
}

func absolute(name string) string {
	if full, err := filepath.Abs(name); err == nil {
		return full
	}
	return name
}

func isWithin(top, folder string) bool {
	relative, err := filepath.Rel(top, absolute(folder))
	return err == nil && filepath.IsLocal(relative)
}

// relativeToHere is how people would name a folder.
func relativeToHere(folder string) string {
	here, err := os.Getwd()
	if err != nil {
		return folder
	}
	if relative, err := filepath.Rel(here, folder); err == nil && filepath.IsLocal(relative) {
		return relative
	}
	return folder
}

// sentence is what a package's comment says that it does: "Package ftp backs up FTP servers." is "Backs up FTP servers".
func sentence(name, comment string) string {
	text := (&doc.Package{}).Synopsis(comment)
	text = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(text, "Package "), name+" "), ".")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
