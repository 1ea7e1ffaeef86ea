package gobuild

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild/internal/makefile"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/suggest"
	"github.com/PlakarKorp/kpkg/manifest"
)

// Resolve finds the main package or the file behind every executable of the manifest in dir. It reads and runs nothing.
// The findings, sorted, are errors for executables that nothing provides, and warnings where the Makefile and the
// manifest disagree; a plan that came with errors lacks those executables. Paths that leave dir are the manifest's fault,
// found by its own check, and passed over here. The error is that of an ended ctx.
func Resolve(ctx context.Context, dir string, doc *manifest.Document) (*Plan, []finding.Finding, error) {
	r := &resolver{
		doc:  doc,
		plan: &Plan{Dir: dir},
	}
	if doc.Manifest.Build != nil {
		r.plan.settings = *doc.Manifest.Build
	}
	r.tree = newTree(ctx, dir, r.plan.settings)
	r.readMakefile()
	r.declared = declaredExecutables(doc.Manifest)
	for _, d := range r.declared {
		if executable, found := r.resolve(d); found {
			r.plan.Executables = append(r.plan.Executables, executable)
		}
	}
	r.checkSettings()
	r.checkMakefile()
	r.checkPackages()
	r.checkFileKinds()
	if ctx.Err() != nil { // what was not looked at is no finding
		return nil, nil, context.Cause(ctx)
	}
	finding.Sort(r.findings)
	return r.plan, r.findings, nil
}

// ResolveFiles is Resolve for files that are there already: every executable is Prebuilt. That each is there depends on the
// platform, so Build checks it.
func ResolveFiles(dir string, doc *manifest.Document) *Plan {
	plan := &Plan{Dir: dir}
	for _, d := range declaredExecutables(doc.Manifest) {
		plan.Executables = append(plan.Executables, Executable{Name: d.name, Source: Prebuilt})
	}
	return plan
}

// declared is an executable as the manifest's connectors name it.
type declared struct {
	name  string   // clean
	index int      // of the first connector that names it
	types []string // of all that do, without repetition
}

func declaredExecutables(m manifest.Manifest) []declared {
	var all []declared
	for i, connector := range m.Connectors {
		name := path.Clean(connector.Executable)
		if connector.Executable == "" || !filepath.IsLocal(filepath.FromSlash(name)) || name == "." {
			continue
		}
		at := slices.IndexFunc(all, func(d declared) bool { return d.name == name })
		if at < 0 {
			at = len(all)
			all = append(all, declared{name: name, index: i})
		}
		if connector.Type != "" && !slices.Contains(all[at].types, connector.Type) {
			all[at].types = append(all[at].types, connector.Type)
		}
	}
	return all
}

type resolver struct {
	doc      *manifest.Document
	plan     *Plan
	tree     *tree
	makefile string // its name, empty if there is none
	builds   []makefile.Build
	declared []declared
	findings []finding.Finding
}

// report adds a finding at a place in the manifest, or about all of it.
func (r *resolver) report(rule string, severity finding.Severity, message, hint string, at ...any) {
	line, column := 0, 0
	if len(at) > 0 {
		line, column = r.doc.Position(at...)
	}
	r.findings = append(r.findings, finding.Finding{
		Rule: rule, Severity: severity, File: r.doc.File, Line: line, Column: column, Message: message, Hint: hint,
	})
}

// reportMakefile adds a warning at a line of the Makefile.
func (r *resolver) reportMakefile(rule string, line int, message, hint string) {
	r.findings = append(r.findings, finding.Finding{
		Rule: rule, Severity: finding.Warning, File: filepath.Join(filepath.Dir(r.doc.File), r.makefile), Line: line,
		Message: message, Hint: hint,
	})
}

func (r *resolver) readMakefile() {
	for _, name := range []string{"GNUmakefile", "makefile", "Makefile"} { // make's own order
		data, err := regular.Read(r.tree.file(name), makefile.MaxSize+1)
		if err != nil {
			continue
		}
		r.makefile = name
		if len(data) > makefile.MaxSize {
			r.reportMakefile("makefile-size", 0, fmt.Sprintf("the Makefile is larger than %d bytes and was not read",
				makefile.MaxSize), "name the main packages under build.packages in the manifest")
			return
		}
		r.builds = makefile.Parse(data)
		return
	}
}

// resolve asks the sources in their order.
func (r *resolver) resolve(d declared) (Executable, bool) {
	for _, key := range slices.Sorted(maps.Keys(r.plan.settings.Packages)) {
		if path.Clean(key) == d.name {
			return r.resolveExplicit(d, key)
		}
	}
	var gone *makefile.Build // what the Makefile builds it from, in vain, and why
	var obstacle error
	for _, b := range r.builds {
		if b.Output != d.name {
			continue
		}
		executable, err := r.made(d, b)
		if err == nil {
			return executable, true
		}
		gone, obstacle = &b, err
	}
	if dir, found := r.tree.conventional(d.name, d.types); found {
		switch {
		case gone != nil:
			r.reportMakefile("makefile-package", gone.Line, fmt.Sprintf("%s, the package of %s, %v: kpkg builds it from %s",
				dotted(gone.Dir), d.name, obstacle, dotted(dir)), "correct the package, or plakar pkg build fails")
		case len(r.builds) > 0:
			r.report("executable-not-made", finding.Warning,
				fmt.Sprintf("the %s builds no %s: kpkg builds it from %s, plakar pkg build fails", r.makefile, d.name, dotted(dir)),
				r.suggest(d), "connectors", d.index, "executable")
		}
		return Executable{Name: d.name, Package: dotted(dir), Source: FromConvention}, true
	}
	if r.tree.hasFile(d.name) || r.tree.hasFile(d.name+".exe") {
		return Executable{Name: d.name, Source: Prebuilt}, true
	}
	if dir, found := r.tree.only(d.types); found && len(r.builds) == 0 { // which would name it otherwise
		return Executable{Name: d.name, Package: dotted(dir), Source: FromTree}, true
	}
	message := fmt.Sprintf("no main package builds %s and no such file is here", d.name)
	usual := "plugin/" + kindOf(d)
	if err := r.tree.checkMain(usual); err != nil && r.tree.hasFolder(usual) {
		message = fmt.Sprintf("%s, of which %s would be built, %v", dotted(usual), d.name, err)
	}
	if gone != nil {
		message = fmt.Sprintf("%s, from which line %d of the %s builds %s, %v", dotted(gone.Dir), gone.Line, r.makefile, d.name,
			obstacle)
	}
	r.report("executable-unbuilt", finding.Error, message, r.suggest(d), "connectors", d.index, "executable")
	return Executable{}, false
}

// resolveExplicit takes the folder that build.packages gives under key.
func (r *resolver) resolveExplicit(d declared, key string) (Executable, bool) {
	dir := r.plan.settings.Packages[key]
	clean := path.Clean(filepath.ToSlash(dir))
	problem := ""
	if !filepath.IsLocal(filepath.FromSlash(clean)) {
		problem = "leaves the manifest's folder"
	} else if err := r.tree.checkMain(clean); err != nil {
		problem = err.Error()
	}
	if problem != "" {
		hint := r.mainsHint(d)
		if closest := suggest.Closest(clean, r.tree.mains()); closest != "" {
			hint = fmt.Sprintf("did you mean %s?", dotted(closest))
		}
		r.report("executable-unbuilt", finding.Error, fmt.Sprintf("%s, the package of %s, %s", dir, d.name, problem),
			hint, "build", "packages", key)
		return Executable{}, false
	}
	return Executable{Name: d.name, Package: dotted(clean), Source: FromManifest}, true
}

// made is the executable as a line of the Makefile builds it.
func (r *resolver) made(d declared, b makefile.Build) (Executable, error) {
	if !filepath.IsLocal(filepath.FromSlash(b.Dir)) {
		return Executable{}, errors.New("lies outside the manifest's folder")
	}
	executable := Executable{Name: d.name, Package: dotted(b.Dir), Source: FromMakefile}
	if len(b.Files) == 0 || r.tree.isWhole(b.Dir, b.Files) {
		return executable, r.tree.checkMain(b.Dir)
	}
	for _, file := range b.Files {
		executable.Files = append(executable.Files, dotted(file))
	}
	return executable, r.tree.checkFiles(b.Files)
}

// suggest names what the author may have meant by an executable.
func (r *resolver) suggest(d declared) string {
	var outputs []string
	for _, b := range r.builds {
		outputs = append(outputs, b.Output)
	}
	if closest := suggest.Closest(d.name, outputs); closest != "" && closest != d.name {
		return fmt.Sprintf("the %s builds %s: did you mean that?", r.makefile, closest)
	}
	return r.mainsHint(d)
}

// mainsHint says how to name the executable's main package: one of those that no other executable has. A few are enough to
// choose from.
func (r *resolver) mainsHint(d declared) string {
	const enough = 10
	var mains []string
	for _, dir := range r.tree.mains() {
		other := typeOf(path.Base(dir))
		if !r.takes(dir) && (other == "" || slices.Contains(d.types, other)) {
			mains = append(mains, dotted(dir))
		}
	}
	switch {
	case len(mains) == 0 && len(r.tree.unread) > 0:
		return fmt.Sprintf("make %s readable: what is in it is not known", dotted(r.tree.unread[0]))
	case len(mains) == 0:
		return fmt.Sprintf("write its main package, ./plugin/%s by convention, or put the finished file in its place", kindOf(d))
	case len(mains) == 1:
		return fmt.Sprintf("if %s is its main package, write build: {packages: {%s: %[1]s}}", mains[0], d.name)
	case len(mains) > enough:
		mains = append(mains[:enough], "...")
	}
	return fmt.Sprintf("name its main package, as in build: {packages: {%s: %s}}; there are %s", d.name, mains[0],
		strings.Join(mains, ", "))
}

// takes tells whether an executable that is found already is built from a folder.
func (r *resolver) takes(dir string) bool {
	return slices.ContainsFunc(r.plan.Executables, func(e Executable) bool { return e.Package == dotted(dir) })
}

// kindOf is the type of connector that an executable is for, an importer if that is not known.
func kindOf(d declared) string {
	if len(d.types) > 0 && slices.Contains(manifest.ConnectorTypes(), d.types[0]) {
		return d.types[0]
	}
	return manifest.Importer
}

// dotted is a folder or file as go build takes it.
func dotted(name string) string {
	if name == "." || name == ".." || strings.HasPrefix(name, "../") || strings.HasPrefix(name, "/") || name == "..." {
		return name
	}
	return "./" + name
}
