package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/access"
	"github.com/PlakarKorp/kpkg/internal/suggest"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/release"
)

// KeyName is where a tree that is signed has the public key, for those who see the tree for the first time. That it is there proves
// nothing.
const KeyName = "key.pub"

// Edition is the folder of a registry for which clients look up the keys that they trust.
const Edition = edition

// Registry is one that is read, to install from. It believes what is signed with a key that counts, and not older than what it has
// seen before.
type Registry struct {
	// Location is the folder or the address, as it may be shown.
	Location string

	source
	seenFile string
	seen     seen
	index    *Index
	// unsigned is what is found of an index that only lacks a signature, as that of a mirror of a part does.
	unsigned []finding.Finding
	trust    release.Trust
}

// Open reads the index of a registry, in a folder or at an https address; http is for this machine. keys are those that count
// for it, seenFile remembers what was seen of it. Where there are findings with errors there is no registry.
func Open(ctx context.Context, location string, keys []*release.PublicKey, seenFile string) (*Registry, []finding.Finding, error) {
	from, err := openSecure(location)
	if err != nil {
		return nil, nil, err
	}
	r := &Registry{
		Location: access.Shown(location), source: from, seenFile: seenFile, trust: release.Trust{Keys: keys, Require: true},
	}
	if r.seen, err = readSeen(seenFile); err != nil {
		return nil, nil, err
	}
	c := r.check()
	if c.index, err = c.readIndex(ctx, IndexName); err != nil {
		return nil, nil, err
	}
	r.unsigned, c.Findings = unsigned(c.refusals(), IndexName)
	if len(c.Findings) == 0 {
		c.checkIndexSeen()
	}
	r.index = c.index
	return r, c.refusals(), nil
}

// Unsigned is what is found of an index that is whole and lacks a signature: what it lists is nobody's word.
func (r *Registry) Unsigned() []finding.Finding { return r.unsigned }

// unsigned are those findings by which a file lacks a signature, and the others.
func unsigned(findings []finding.Finding, file string) (lacking, others []finding.Finding) {
	for _, f := range findings {
		if f.Rule == "signature-missing" && f.File == file {
			lacking = append(lacking, f)
		} else {
			others = append(others, f)
		}
	}
	return lacking, others
}

// ReadKey reads the public key that a registry says is its own, and its file's content.
func ReadKey(ctx context.Context, location string) (*release.PublicKey, []byte, error) {
	from, err := openSecure(location)
	if err != nil {
		return nil, nil, err
	}
	data, err := read(ctx, from, KeyName, release.MaxSidecar)
	if err != nil {
		return nil, nil, err
	}
	key, err := release.ParsePublicKey(KeyName, data)
	return key, data, err
}

func openSecure(location string) (source, error) {
	if access.IsAddress(location) {
		if err := access.Secure(location); err != nil {
			return nil, err
		}
	}
	return openSource(location)
}

// check is what one thing is judged by that is read of the registry.
func (r *Registry) check() *check {
	return &check{
		source: r.source, opts: CheckOptions{Trust: r.trust}, before: r.seen, index: r.index, Checked: &Checked{},
		named: map[string]bool{}, all: map[string]*Versions{},
	}
}

// refusals are the errors that were found, for those who can do nothing about the tree.
func (c *check) refusals() []finding.Finding {
	findings := slices.DeleteFunc(c.Findings, func(f finding.Finding) bool { return f.Severity < finding.Error })
	for i := range findings {
		if strings.HasPrefix(findings[i].Rule, "registry-") {
			findings[i].Hint = "tell those who run the registry; nothing was taken from it"
		}
	}
	return findings
}

// Integrations are those that the registry offers.
func (r *Registry) Integrations() []Integration { return r.index.Integrations }

// Knows tells whether the registry had the integration when it was seen before.
func (r *Registry) Knows(name string) bool {
	_, known := r.seen.Integrations[name]
	return known
}

// Found is a version in a registry.
type Found struct {
	Name, Version string
	// Withdrawn is why it is no longer to be had; "" for one that is.
	Withdrawn string

	registry *Registry
	recipe   release.Recipe // of the version that is offered
	files    []release.File // nil where the registry has no list
}

// State is what a registry says of an integration.
type State struct {
	// Offered is the version for everybody, "" for none; Prerelease a newer one that is not, "" for none.
	Offered, Prerelease string
	recipe              release.Recipe
	versions            *Versions // nil where the registry has no list
}

// Withdrawn is why a version is no longer to be had; "" for one that is.
func (s *State) Withdrawn(version string) string {
	if s.versions != nil {
		if v := s.versions.find(version); v != nil {
			return v.Withdrawn
		}
	}
	return ""
}

// Look reads what the registry says of an integration: the list of versions, the recipe and the index must all say the same, and
// nothing older than before. Where there are findings, they are errors, and nothing is to be believed. The error of an integration that
// the registry does not have wraps fs.ErrNotExist.
func (r *Registry) Look(ctx context.Context, name string) (*State, []finding.Finding, error) {
	if strings.ContainsAny(name, `/\.`) || name == "" {
		return nil, nil, fmt.Errorf("%q is no name of an integration", finding.Cut(name))
	}
	c := r.check()
	dir := integrationDir(name)
	state := &State{}
	now := seenIntegration{Versions: map[string]string{}}
	data, err := c.optional(ctx, path.Join(dir, versionsName))
	if err != nil {
		return nil, nil, err
	}
	if data != nil {
		if state.versions, err = decodeVersions(data, name); err != nil {
			c.fail("registry-form", path.Join(dir, versionsName), err.Error(), "")
			return nil, c.refusals(), nil
		}
		offered, prerelease := state.versions.offered()
		c.indexed(IndexName, r.index, name, offered)
		if offered != nil {
			state.Offered = offered.Version
		}
		if prerelease != nil {
			state.Prerelease = prerelease.Version
		}
		now = state.versions.seen()
	}
	if data == nil || state.Offered != "" {
		if state.recipe, err = c.offeredRecipe(ctx, name, state.Offered); err != nil {
			return nil, nil, err
		}
		if data == nil {
			state.Offered = state.recipe.Semver()
			now.Offered = state.Offered
		}
	}
	if before, known := r.seen.Integrations[name]; known {
		c.checkOneSeen(name, before, now)
	}
	mirrored, err := c.fromMirror(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	if mirrored { // a list that was put together for it is nobody's to sign; recipes and packages are signed by their makers
		_, c.Findings = unsigned(c.Findings, path.Join(dir, versionsName))
	} else {
		c.Findings = append(c.Findings, r.unsigned...)
	}
	if findings := c.refusals(); len(findings) > 0 {
		return nil, findings, nil
	}
	return state, nil, r.remember(name, now)
}

// optional is ownFile of what need not be there.
func (c *check) optional(ctx context.Context, name string) ([]byte, error) {
	file, err := c.open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the registry: %w", err)
	}
	file.Close()
	return c.ownFile(ctx, name)
}

// fromMirror tells whether the folder of an integration says that it is that of a mirror.
func (c *check) fromMirror(ctx context.Context, dir string) (bool, error) {
	file, err := c.open(ctx, path.Join(dir, mirrorName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the registry: %w", err)
	}
	return true, file.Close()
}

// offeredRecipe reads the recipe of an integration, which must be that of the version offered, by the list of versions or, with
// "", by the index.
func (c *check) offeredRecipe(ctx context.Context, name, offered string) (release.Recipe, error) {
	file := path.Join(integrationDir(name), release.RecipeName)
	data, err := c.optional(ctx, file)
	if err != nil {
		return release.Recipe{}, err
	}
	at := slices.IndexFunc(c.index.Integrations, func(i Integration) bool { return i.Name == name })
	if data == nil {
		if offered == "" && at < 0 {
			return release.Recipe{}, absent(finding.Sprintf("it has no integration %q", name))
		}
		c.fail("registry-missing", file, "it is not there", "")
		return release.Recipe{}, nil
	}
	recipe, err := release.ParseRecipe(data)
	if err != nil {
		c.fail("registry-form", file, err.Error(), "")
		return release.Recipe{}, nil
	}
	if offered == "" && at >= 0 {
		offered = c.index.Integrations[at].Version
	}
	if recipe.Name != name || offered != "" && recipe.Semver() != offered {
		c.fail("registry-stale", file,
			finding.Sprintf("it is the recipe of %s %s, and the version offered is %s", recipe.Name, recipe.Semver(), offered), "")
	}
	return recipe, nil
}

// remember notes what was seen of an integration, and of the index.
func (r *Registry) remember(name string, now seenIntegration) error {
	if r.seen.Integrations == nil {
		r.seen.Integrations = map[string]seenIntegration{}
	}
	r.seen.Integrations[name] = now
	r.seen.Timestamp = r.index.Timestamp
	return writeSeen(r.seenFile, r.seen)
}

// Find is Look for one version, the one that is offered for "". A version that is withdrawn is found; which one that is not for
// everybody is the error of one that offers nothing else.
func (r *Registry) Find(ctx context.Context, name, version string) (*Found, []finding.Finding, error) {
	state, findings, err := r.Look(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		var names []string
		for _, i := range r.index.Integrations {
			names = append(names, i.Name)
		}
		if hint := suggest.DidYouMean(name, names); hint != "" {
			return nil, nil, absent(fmt.Sprintf("there is no integration %q in %s; %s", finding.Cut(name), r.Location, hint))
		}
		return nil, nil, absent(fmt.Sprintf("there is no integration %q in %s", finding.Cut(name), r.Location))
	}
	if err != nil || len(findings) > 0 {
		return nil, findings, err
	}
	found := &Found{Name: name, Version: state.Offered, recipe: state.recipe, registry: r}
	if version != "" {
		if found.Version, err = manifest.NormalizeVersion(version); err != nil {
			return nil, nil, err
		}
	}
	switch {
	case found.Version == "" && state.Prerelease != "":
		return nil, nil, fmt.Errorf("%s offers no version of %s for everybody; there is the pre-release %[2]s@%s",
			r.Location, name, state.Prerelease)
	case found.Version == "":
		return nil, nil, fmt.Errorf("%s offers no version of %s any more", r.Location, name)
	case state.versions == nil:
		return found, nil, nil
	}
	its := state.versions.find(found.Version)
	if its == nil {
		var has []string
		for _, v := range state.versions.Versions {
			has = append(has, v.Version)
		}
		return nil, nil, fmt.Errorf("%s has no %s %s; there is %s", r.Location, name, found.Version, finding.Cut(strings.Join(has, ", ")))
	}
	found.Withdrawn, found.files = its.Withdrawn, its.Files
	return found, nil, nil
}

// ReadRecipe is the recipe of the version, of which there are findings where it is not to be believed.
func (f *Found) ReadRecipe(ctx context.Context) (release.Recipe, []finding.Finding, error) {
	if f.recipe.Semver() == f.Version {
		return f.recipe, nil, nil
	}
	c := f.registry.check()
	file := path.Join(integrationDir(f.Name), f.Version, release.RecipeName)
	data, err := c.ownFile(ctx, file)
	if findings := c.refusals(); err != nil || len(findings) > 0 {
		return release.Recipe{}, findings, err
	}
	recipe, err := release.ParseRecipe(data)
	if err != nil || recipe.Name != f.Name || recipe.Semver() != f.Version {
		c.fail("registry-stale", file, finding.Sprintf("it is not the recipe of %s %s", f.Name, f.Version), "")
	}
	return recipe, c.refusals(), nil
}

// absent says that something is not there.
type absent string

func (a absent) Error() string { return string(a) }
func (a absent) Unwrap() error { return fs.ErrNotExist }

// Package is the package of a version for a platform.
type Package struct {
	// Name is its file name, SHA256 and Size what the registry says of it; "" and 0 where it says nothing.
	Name   string
	SHA256 string
	Size   int64

	registry *Registry
	path     string
	beside   map[string][]byte
}

// Package is that of a platform. The error of one that is not made for it names those that there are.
func (f *Found) Package(platform executable.Platform) (*Package, error) {
	id := manifest.Identity{Name: f.Name, Version: f.Version, OS: platform.OS, Arch: platform.Arch}
	p := &Package{
		Name: id.FileName(), registry: f.registry, path: path.Join(integrationDir(f.Name), id.FileName()), beside: map[string][]byte{},
	}
	if f.files == nil {
		return p, nil
	}
	var others []string
	for _, file := range f.files {
		if file.Name == p.Name {
			p.SHA256, p.Size = file.SHA256, file.Size
			return p, nil
		}
		if its, err := manifest.ParseFileName(file.Name); err == nil {
			others = append(others, its.OS+"/"+its.Arch)
		}
	}
	return nil, fmt.Errorf("there is no %s %s for %s; it is made for %s", f.Name, f.Version, platform, strings.Join(others, ", "))
}

// Folder is the place of the package, for which keys may count that count for nothing else of the registry.
func (p *Package) Folder() string {
	return strings.TrimRight(p.registry.Location, "/") + "/" + path.Dir(p.path)
}

// Label is how the package is called.
func (p *Package) Label() string { return strings.TrimRight(p.registry.Location, "/") + "/" + p.path }

// Open opens the package.
func (p *Package) Open(ctx context.Context) (io.ReadCloser, error) {
	file, err := p.registry.open(ctx, p.path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", p.Label(), err)
	}
	return file, nil
}

// Beside reads a file beside the package, once: what is judged is what is kept.
func (p *Package) Beside(ctx context.Context, extension string) ([]byte, error) {
	if data, there := p.beside[extension]; there {
		return data, nil
	}
	data, err := read(ctx, p.registry.source, p.path+extension, release.MaxSidecar)
	if err == nil {
		p.beside[extension] = data
	}
	return data, err
}
