package gobuild

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/executable"
)

// Inputs are what of this machine's files goes into the executables of a plan, as go says: not the standard library, and not what
// go.sum has the sum of.
type Inputs struct {
	// Packages are those of the tree that the executables import, directly or not, and their own main packages.
	Packages []InputPackage
	// Files are those that say which modules these are: go.mod, go.sum, go.work and their like. One need not be there.
	Files []string
	// Unclear is why go does not tell all of it, such as an import that nothing provides; "" where it does.
	Unclear string
}

// InputPackage is a package that is compiled from files of this machine.
type InputPackage struct {
	// Path is its import path, Dir its folder.
	Path, Dir string
	// Embeds are the patterns of the files that it embeds, relative to Dir.
	Embeds []string
	// Cgo says that it has files for a C compiler, which may include whatever they like.
	Cgo bool
}

// listedPackage is what go list says of a package (go help list).
type listedPackage struct {
	ImportPath, Dir string
	Standard        bool
	EmbedPatterns   []string
	CgoFiles        []string
	Module          *listedModule
	Error           *struct{ Err string }
	DepsErrors      []*struct{ Err string }
}

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
	seen := map[string]bool{}
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
			in.Packages = append(in.Packages, InputPackage{l.ImportPath, l.Dir, l.EmbedPatterns, len(l.CgoFiles) > 0})
			in.addModule(l.Module)
		}
		return nil
	}
	const fields = "-json=ImportPath,Dir,Standard,EmbedPatterns,CgoFiles,Module,Error,DepsErrors"
	for _, call := range calls(p, platform, "") {
		args := slices.Concat([]string{"list", "-e", "-deps", fields}, tagFlags(p), []string{"--"}, call.packages)
		if err := ask(addPackage, args...); err != nil {
			return Inputs{}, err
		}
	}
	if err := p.addWorkspace(&in, ask); err != nil {
		return Inputs{}, err
	}
	slices.Sort(in.Files)
	in.Files = slices.Compact(in.Files)
	return in, nil
}

// here tells a package whose files no sum of go.sum is about: of a main module, of a folder that replaces one, or vendored.
func (l listedPackage) here() bool {
	m := l.Module
	return m == nil || m.Main || m.Dir == "" || m.Replace != nil && m.Replace.Version == ""
}

// addModule adds the files that say what a module of the tree imports.
func (in *Inputs) addModule(m *listedModule) {
	if m == nil || m.GoMod == "" {
		return
	}
	file := m.GoMod
	if m.Replace != nil && m.Replace.GoMod != "" {
		file = m.Replace.GoMod
	}
	in.Files = append(in.Files, file)
	if m.Main {
		dir := filepath.Dir(file)
		in.Files = append(in.Files, filepath.Join(dir, "go.sum"), filepath.Join(dir, "vendor", "modules.txt"))
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
	in.Files = append(in.Files, settings.GOWORK, settings.GOWORK+".sum")
	return ask(func(d *json.Decoder) error {
		var m listedModule
		err := d.Decode(&m)
		in.addModule(&m)
		return err
	}, "list", "-m", "-json")
}

// unclear keeps the first reason.
func (in *Inputs) unclear(why string) {
	if why = strings.TrimSpace(why); in.Unclear == "" {
		in.Unclear = why
	}
}
