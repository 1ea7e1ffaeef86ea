package gobuild

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/internal/regular"
)

// Inputs are what of this machine's files goes into the executables of a plan, as go says: not the standard library, and not what
// go.sum has the sum of.
type Inputs struct {
	// Packages are those of the tree that the executables import, directly or not, and their own main packages.
	Packages []InputPackage
	// Files are others that count: those that say which modules there are, those that flags of go name, and Go files that are links, whose
	// folder does not tell what is in them. One need not be there.
	Files []InputFile
	// Unclear is why go does not tell all of it, such as an import that nothing provides; "" where it does.
	Unclear string
}

// InputPackage is a package that is compiled from files of this machine.
type InputPackage struct {
	// Path is its import path, Dir its folder.
	Path, Dir string
	// Embeds are the patterns of the files that it embeds, relative to Dir.
	Embeds []string
	// Cgo says that it has files for a C compiler, Assembly that it has some for the assembler: both include others, from anywhere.
	Cgo, Assembly bool
	// Profile says that go takes a default.pgo in its folder.
	Profile bool
}

// InputFile is a file with what it is for, as the end of a sentence: "says what modules there are".
type InputFile struct {
	Path, What string
}

const saysModules = "says what modules there are"

// listedPackage is what go list says of a package (go help list).
type listedPackage struct {
	ImportPath, Dir, Name                        string
	Standard                                     bool
	EmbedPatterns                                []string
	GoFiles, CgoFiles, CFiles, CXXFiles, MFiles  []string
	HFiles, FFiles, SFiles, SwigFiles, SysoFiles []string
	SwigCXXFiles                                 []string
	Module                                       *listedModule
	Error                                        *struct{ Err string }
	DepsErrors                                   []*struct{ Err string }
}

// listedFields are those of a listedPackage.
const listedFields = "-json=ImportPath,Dir,Name,Standard,EmbedPatterns,GoFiles,CgoFiles,CFiles,CXXFiles,MFiles,HFiles,FFiles,SFiles," +
	"SwigFiles,SysoFiles,SwigCXXFiles,Module,Error,DepsErrors"

// listedModule is what go list says of a module.
type listedModule struct {
	Main       bool
	Dir, GoMod string
	Replace    *struct{ Version, GoMod string }
}

// Inputs asks go what the executables are built from for a platform. It compiles nothing; modules that are not there are fetched, as
// for a build. The error is that of an ended ctx, or ErrNoGo.
func (p *Plan) Inputs(ctx context.Context, platform executable.Platform) (Inputs, error) {
	var in Inputs
	env := readEnvironment(os.Environ()).passed
	for _, name := range slices.Sorted(maps.Keys(p.settings.Env)) {
		env = append(env, name+"="+p.settings.Env[name])
	}
	env = append(env, "GOOS="+platform.OS, "GOARCH="+platform.Arch, "PWD="+workingDir(p.Dir))
	ask := func(each func(*json.Decoder) error, args ...string) error {
		var listed bytes.Buffer
		printed, err := runGo(ctx, p.Dir, env, args, &listed)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, ErrNoGo):
			return err
		case err != nil:
			in.unclear(located(string(printed), p.Dir))
			return nil
		}
		for decoder := json.NewDecoder(&listed); decoder.More(); {
			if err := each(decoder); err != nil {
				return fmt.Errorf("reading what go list prints: %w", err)
			}
		}
		return nil
	}
	dir, seen := workingDir(p.Dir), map[string]bool{}
	flags := readFileFlags(env)
	in.addFlagged(flags, dir)
	addPackage := func(decoder *json.Decoder) error {
		var l listedPackage
		if err := decoder.Decode(&l); err != nil {
			return err
		}
		if l.Error != nil {
			in.unclear(l.Error.Err)
		}
		for _, e := range l.DepsErrors {
			in.unclear(e.Err)
		}
		if !l.Standard && !seen[l.ImportPath] && l.here() {
			seen[l.ImportPath] = true
			in.Packages = append(in.Packages, InputPackage{
				Path: l.ImportPath, Dir: l.Dir, Embeds: l.EmbedPatterns, Cgo: len(l.CgoFiles) > 0, Assembly: len(l.SFiles) > 0,
				Profile: l.Name == "main" && flags.profile == "",
			})
			in.addLinks(l)
			in.addModule(l.Module, dir)
		}
		return nil
	}
	for _, call := range calls(p, platform, "") {
		args := slices.Concat([]string{"list", "-e", "-deps", listedFields}, tagFlags(p), []string{"--"}, call.packages)
		if err := ask(addPackage, args...); err != nil {
			return Inputs{}, err
		}
	}
	if err := p.addWorkspace(&in, ask); err != nil {
		return Inputs{}, err
	}
	slices.SortFunc(in.Files, func(a, b InputFile) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.What, b.What))
	})
	in.Files = slices.Compact(in.Files)
	return in, nil
}

// here tells a package whose files no sum of go.sum is about: of a main module, of a folder that replaces one, or vendored.
func (l listedPackage) here() bool {
	m := l.Module
	return m == nil || m.Main || m.Dir == "" || m.Replace != nil && m.Replace.Version == ""
}

// addModule adds the files that say what a module of the tree imports. dir is where go runs: with -modfile, what it says of the main
// module's go.mod is relative to that.
func (in *Inputs) addModule(m *listedModule, dir string) {
	if m == nil || m.GoMod == "" {
		return
	}
	file := m.GoMod
	if m.Replace != nil && m.Replace.GoMod != "" {
		file = m.Replace.GoMod
	}
	file = within(dir, file)
	in.add(saysModules, file)
	if m.Main {
		in.add(saysModules, strings.TrimSuffix(file, ".mod")+".sum", filepath.Join(m.Dir, "vendor", "modules.txt"))
	}
}

func (in *Inputs) add(what string, paths ...string) {
	for _, path := range paths {
		in.Files = append(in.Files, InputFile{path, what})
	}
}

// addLinks adds the files of a package that are links to others.
func (in *Inputs) addLinks(l listedPackage) {
	for _, name := range slices.Concat(l.GoFiles, l.CgoFiles, l.CFiles, l.CXXFiles, l.MFiles, l.HFiles, l.FFiles, l.SFiles, l.SwigFiles,
		l.SysoFiles, l.SwigCXXFiles) {
		file := filepath.Join(l.Dir, name)
		if info, err := os.Lstat(file); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			in.add("is built into it", file)
		}
	}
}

// within is a path as a program that runs in dir takes it.
func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// fileFlags are the flags of go that name files which are built from.
type fileFlags struct {
	// profile is that of -pgo, "" where each main package may have one of its own.
	profile string
	// overlay is what stands in the place of other files.
	overlay string
}

// readFileFlags finds them in the last GOFLAGS of an environment. What -modfile names, go list says itself.
func readFileFlags(env []string) (flags fileFlags) {
	set := ""
	for _, variable := range env {
		if value, ok := strings.CutPrefix(variable, "GOFLAGS="); ok {
			set = value
		}
	}
	for _, field := range splitFlags(set) {
		name, value, _ := strings.Cut(strings.Trim(field, `"'`), "=")
		switch "-" + strings.TrimLeft(name, "-") {
		case "-pgo":
			if flags.profile = value; value == "auto" {
				flags.profile = ""
			}
		case "-overlay":
			flags.overlay = value
		}
	}
	return flags
}

// maxOverlay is how much of an overlay is read, in bytes.
const maxOverlay = 4 << 20

// addFlagged adds the files that flags of go name, and those that an overlay does. That one cannot be read is for go to say.
func (in *Inputs) addFlagged(flags fileFlags, dir string) {
	if flags.profile != "" && flags.profile != "off" {
		in.add("-pgo names as the profile", within(dir, flags.profile))
	}
	if flags.overlay == "" {
		return
	}
	file := within(dir, flags.overlay)
	in.add("-overlay names", file)
	var overlay struct{ Replace map[string]string } // go help build
	data, err := regular.Read(file, maxOverlay)
	if err != nil || json.Unmarshal(data, &overlay) != nil {
		return
	}
	for _, path := range overlay.Replace {
		if path != "" { // a file that is to be gone
			in.add("-overlay puts in the place of another", within(dir, path))
		}
	}
}

// addWorkspace adds the files of a workspace, of a manifest that has builds use one.
func (p *Plan) addWorkspace(in *Inputs, ask func(each func(*json.Decoder) error, args ...string) error) error {
	if value, set := p.settings.Env["GOWORK"]; !set || value == "off" || !p.Builds() {
		return nil
	}
	var settings struct{ GOWORK string }
	if err := ask(func(d *json.Decoder) error { return d.Decode(&settings) }, "env", "-json", "GOWORK"); err != nil {
		return err
	}
	if settings.GOWORK == "" {
		return nil
	}
	in.add(saysModules, settings.GOWORK, settings.GOWORK+".sum", filepath.Join(filepath.Dir(settings.GOWORK), "vendor", "modules.txt"))
	return ask(func(d *json.Decoder) error {
		var m listedModule
		err := d.Decode(&m)
		in.addModule(&m, workingDir(p.Dir))
		return err
	}, "list", "-m", "-json")
}

// unclear keeps the first reason.
func (in *Inputs) unclear(why string) {
	if why = strings.TrimSpace(why); in.Unclear == "" {
		in.Unclear = why
	}
}
