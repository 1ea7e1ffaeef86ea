package gobuild

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// inputs remembers what the outputs of an entry were built from, so that with nothing changed go need not be asked: that
// takes go longer than all the rest of a run. Modules in go's module cache do not change; what counts is the toolchain, the
// flags, and the files of the packages outside of that cache. Where this cannot be known well enough (cgo, embedded files,
// flags that bring in other files) nothing is remembered, and go decides.
type inputs struct {
	Settings string   // hash of all that is no file
	Folders  []string // of packages, absolute
	Files    []string // go.mod and its like, absolute; some may not exist
	Sum      string   // hash of their content
	Outputs  map[string]fileState
}

// fileState tells a kept output from a later one of the same name.
type fileState struct {
	Size     int64
	Modified time.Time
}

func stateOf(file string) (fileState, error) {
	info, err := os.Stat(file)
	if err != nil {
		return fileState{}, err
	}
	return fileState{info.Size(), info.ModTime().UTC()}, nil
}

// inputsFile is the name of the inputs in an entry; an output is named after a folder or by @ and a number.
const inputsFile = "@inputs"

// inputsLimit bounds an inputs file, in bytes.
const inputsLimit = 4 << 20

// goSettings are what decides the outputs beside files.
type goSettings struct {
	hash                string // empty if outputs cannot be remembered
	modCache, workspace string // where modules are, and the go.work if there is one
	// noDWARF is whether the compiler may leave out the debugging information that -w has the linker drop, which saves it a
	// tenth of its work. Flags of the user's for the compiler, or for keeping that information, come first.
	noDWARF bool
}

// goSettings asks go for the toolchain that go.mod and the environment choose, and for all its variables.
func (b *Builder) goSettings(ctx context.Context, plan *Plan, env []string, ldflags string) goSettings {
	output, err := b.run(ctx, plan.Dir, env, []string{"env", "-json"})
	if err != nil {
		return goSettings{}
	}
	var variables map[string]string
	if json.Unmarshal(output, &variables) != nil {
		return goSettings{}
	}
	settings := goSettings{noDWARF: !strings.Contains(variables["GOFLAGS"], "-gcflags") && !strings.Contains(ldflags, "-w=")}
	if variables["CGO_ENABLED"] != "0" || variables["GOMODCACHE"] == "" {
		return settings
	}
	for _, flag := range []string{"-modfile", "-overlay", "-toolexec", "-pgo"} {
		if strings.Contains(variables["GOFLAGS"], flag) {
			return settings
		}
	}
	for _, temporary := range []string{"GOTMPDIR", "GOGCCFLAGS"} { // folders of their own in every run
		delete(variables, temporary)
	}
	data, err := json.Marshal([]any{variables, ldflags, plan.settings})
	if err != nil {
		return settings
	}
	sum := sha256.Sum256(data)
	settings.hash, settings.modCache = hex.EncodeToString(sum[:]), variables["GOMODCACHE"]
	if workspace := variables["GOWORK"]; workspace != "off" {
		settings.workspace = workspace
	}
	return settings
}

// unchanged reports whether the entry, fetched into dir, holds the outputs of just these settings and files.
func unchanged(entry, dir string, settings goSettings) bool {
	file, err := os.Open(filepath.Join(entry, inputsFile))
	if err != nil || settings.hash == "" {
		return false
	}
	defer file.Close()
	var known inputs
	if json.NewDecoder(io.LimitReader(file, inputsLimit)).Decode(&known) != nil || known.Settings != settings.hash ||
		len(known.Outputs) == 0 {
		return false
	}
	for name, state := range known.Outputs {
		if now, err := stateOf(filepath.Join(dir, name)); err != nil || now != state {
			return false
		}
	}
	sum, _, err := hashInputs(known.Folders, known.Files)
	return err == nil && sum == known.Sum
}

// inputs returns those of a build that is done. A build that started before one of its files was modified has none: which
// content went into it is not known.
func (b *Builder) inputs(ctx context.Context, plan *Plan, env []string, settings goSettings, start time.Time) (
	known inputs, ok bool) {
	if settings.hash == "" {
		return inputs{}, false
	}
	folders, files, ok := b.localPackages(ctx, plan, env, settings)
	if !ok {
		return inputs{}, false
	}
	sum, modified, err := hashInputs(folders, files)
	const granularity = 2 * time.Second // of the coarsest file systems' times
	if err != nil || modified.After(start.Add(-granularity)) {
		return inputs{}, false
	}
	return inputs{Settings: settings.hash, Folders: folders, Files: files, Sum: sum}, true
}

// write puts the inputs into the entry. Should that fail, the next run asks go.
func (i inputs) write(entry, work string) {
	data, err := json.Marshal(i)
	if err != nil || len(data) > inputsLimit {
		return
	}
	fresh := filepath.Join(work, inputsFile)
	if os.WriteFile(fresh, data, 0o600) == nil {
		_ = os.Rename(fresh, filepath.Join(entry, inputsFile))
	}
}

// localPackages asks go which packages the plan is made of and returns the folders of those outside the module cache, and
// the files that choose the modules.
func (b *Builder) localPackages(ctx context.Context, plan *Plan, env []string, settings goSettings) (
	folders, files []string, ok bool) {
	const format = "{{if not .Standard}}{{.Dir}}\t{{len .EmbedPatterns}}\t{{with .Module}}{{.GoMod}}{{end}}\n{{end}}"
	args := append([]string{"list", "-deps", "-f", format}, tagFlags(plan)...)
	for _, e := range plan.Executables {
		if len(e.Files) > 0 {
			return nil, nil, false // go lists files or packages, not both
		}
		if e.built() {
			args = append(args, e.Package)
		}
	}
	listed, err := b.run(ctx, plan.Dir, env, args)
	if err != nil || len(listed) >= outputLimit {
		return nil, nil, false
	}
	if settings.workspace != "" {
		files = append(files, settings.workspace, settings.workspace+".sum")
	}
	for line := range strings.Lines(string(listed)) {
		fields := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(fields) != 3 {
			continue // an empty line for a package of the standard library
		}
		dir, embedded, module := fields[0], fields[1], fields[2]
		if rel, err := filepath.Rel(settings.modCache, dir); err == nil && filepath.IsLocal(rel) {
			continue
		}
		if embedded != "0" {
			return nil, nil, false
		}
		folders = append(folders, dir)
		if module != "" {
			root := filepath.Dir(module)
			files = append(files, module, filepath.Join(root, "go.sum"), filepath.Join(root, "vendor", "modules.txt"))
		}
	}
	slices.Sort(folders)
	slices.Sort(files)
	return folders, slices.Compact(files), len(folders) > 0
}

// buildExtensions are those of the files that go/build looks at.
var buildExtensions = []string{".go", ".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for",
	".f90", ".s", ".S", ".sx", ".swig", ".swigcxx", ".syso", ".pgo"}

// hashInputs hashes the names and the content of all that go could read in the folders, and of the files, and returns when
// the youngest was modified.
func hashInputs(folders, files []string) (sum string, modified time.Time, err error) {
	hash := sha256.New()
	add := func(name string, optional bool) error {
		file, err := os.Open(name)
		if optional && os.IsNotExist(err) {
			fmt.Fprintf(hash, "%q none\n", name)
			return nil
		}
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		if info.ModTime().After(modified) {
			modified = info.ModTime()
		}
		fmt.Fprintf(hash, "%q %d\n", name, info.Size())
		_, err = io.Copy(hash, file)
		return err
	}
	for _, name := range files {
		if err := add(name, true); err != nil {
			return "", modified, err
		}
	}
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return "", modified, err
		}
		for _, entry := range entries {
			if !entry.IsDir() && slices.Contains(buildExtensions, filepath.Ext(entry.Name())) {
				if err := add(filepath.Join(folder, entry.Name()), false); err != nil {
					return "", modified, err
				}
			}
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), modified, nil
}
