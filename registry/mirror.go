package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/release"
)

// mirrorName is the file that says of a tree that it is a mirror, and in the folder of an integration what of it is mirrored.
const mirrorName = "mirror.json"

// holdingDir is where files are until the folders that they belong to are made, and stay when a run ends before that.
const holdingDir = ".kpkg.incoming"

// mirrored is the content of mirrorName.
type mirrored struct {
	// Origin is what the tree is a mirror of; in the folder of an integration it is missing.
	Origin string `json:"origin,omitempty"`
	// Platforms are those whose packages are mirrored; none means all.
	Platforms []string `json:"platforms,omitempty"`
}

// MirrorOptions say what is mirrored.
type MirrorOptions struct {
	// Tree is the folder of the mirror. It is made when it is not there.
	Tree string
	// Names are the integrations to mirror; none means all that the origin has. Others that the tree has stay as they are.
	Names []string
	// Platforms are those whose packages are mirrored; none means all. What is mirrored once stays so: those of earlier runs count too.
	Platforms []executable.Platform
	// Trust is what sums and signatures are held to. With keys, all must be signed.
	Trust release.Trust
	// Progress, when set, is told of each file that is about to be fetched. Calls do not overlap.
	Progress func(name string, size int64)
}

// Mirrored is what was done with an integration.
type Mirrored struct {
	Name string `json:"name"`
	// Version is the newest that the mirror offers, "" for none.
	Version string `json:"version"`
	// What is "added", "updated" or "unchanged".
	What string `json:"what"`
	// Files is how many files were fetched, without sums and signatures, and Bytes how many bytes these have.
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

// Updated is a value of Mirrored.What, beside Added and Unchanged.
const Updated = "updated"

// Mirror makes a tree that has what the origin has, or a part of it, and brings one up to date. Each file is held to its sum and its
// signature and each package is verified before it has a place in the tree; nothing is signed anew. What is in the tree, or was
// fetched by a run that was interrupted, is not fetched again. An origin that is older than the mirror, or has other bytes under a
// version, is refused.
func Mirror(ctx context.Context, origin Origin, opts MirrorOptions) ([]Mirrored, error) {
	opts.Trust.Require = len(opts.Trust.Keys) > 0
	m := &mirror{origin: origin, MirrorOptions: opts}
	names := slices.Clone(opts.Names)
	var err error
	if len(names) == 0 { // before anything is made
		if names, err = origin.Names(ctx); err != nil {
			return nil, err
		}
	}
	if m.tree, err = openTree(ctx, Options{Tree: opts.Tree, Trusted: opts.Trust.Keys, mirrors: origin.Location()}); err != nil {
		return nil, err
	}
	defer m.close()
	if len(opts.Names) == 0 {
		if names, err = m.alreadyThere(names); err != nil {
			return nil, err
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) == 0 {
		return nil, fmt.Errorf("%s has nothing to mirror", origin.Location())
	}
	var done []Mirrored
	for _, name := range names {
		one, err := m.take(ctx, name)
		if err != nil {
			return nil, err
		}
		done = append(done, one)
	}
	return done, m.commit(ctx)
}

// mirror is one that is being made.
type mirror struct {
	*tree
	MirrorOptions
	origin Origin
}

// alreadyThere adds the integrations that the tree has.
func (m *mirror) alreadyThere(names []string) ([]string, error) {
	entries, err := os.ReadDir(m.at(integrationsDir()))
	if err != nil {
		return nil, fmt.Errorf("looking at the mirror: %w", err)
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".") {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// take brings an integration up to date, as far as its new folder.
func (m *mirror) take(ctx context.Context, name string) (Mirrored, error) {
	one := Mirrored{Name: name, What: Unchanged}
	c, err := m.integration(name)
	if err != nil {
		return one, err
	}
	_, statErr := os.Lstat(m.at(integrationDir(name)))
	isNew := errors.Is(statErr, fs.ErrNotExist)
	old := c.versions
	if c.versions, err = m.origin.Versions(ctx, name, old); err != nil {
		return one, err
	}
	if err := succeeds(name, m.origin.Location(), old, c.versions); err != nil {
		return one, err
	}
	platforms, err := m.platforms(name, isNew)
	if err != nil {
		return one, err
	}
	p := &pull{mirror: m, name: name, old: old, platforms: platforms, folder: m.at(integrationDir(name))}
	if err := p.fetch(ctx, c.versions); err != nil {
		return one, err
	}
	one.Files, one.Bytes = p.files, p.bytes
	if err := p.describe(ctx, c.versions); err != nil {
		return one, err
	}
	if offered, _ := c.versions.offered(); offered != nil {
		one.Version = offered.Version
	}
	c.changed = p.again
	if !c.changed {
		if c.changed, err = p.differs(c.versions); err != nil || !c.changed {
			return one, err
		}
	}
	if one.What = Updated; isNew {
		one.What = Added
	}
	if c.folder, err = m.newFolder(integrationsDir(), name); err != nil {
		return one, err
	}
	if err := p.build(ctx, c.folder, c.versions); err != nil {
		return one, fmt.Errorf("making the folder of %s: %w", name, err)
	}
	return one, nil
}

// succeeds refuses versions that are not what comes after the old ones: an old list has all the right signatures.
func succeeds(name, location string, old, now *Versions) error {
	for _, before := range old.Versions {
		v := now.find(before.Version)
		switch {
		case v == nil:
			return fmt.Errorf("%s has %s %s no more, which the mirror has: it is older than the mirror, or something was taken out of it; "+
				"find out which", location, name, before.Version)
		case before.digest() != v.digest():
			return fmt.Errorf("%s has other files of %s %s than the mirror (%s): what is published under a version does not change; "+
				"find out who has put them there", location, name, before.Version, difference(before.Files, v.Files))
		case before.Withdrawn != "" && v.Withdrawn == "":
			return fmt.Errorf("%s offers %s %s again, which was withdrawn: it is older than the mirror; find out why",
				location, name, before.Version)
		}
	}
	return nil
}

// platforms are those whose packages of an integration the mirror is to have: those of this run and of the runs before.
func (m *mirror) platforms(name string, isNew bool) ([]string, error) {
	var now []string
	for _, p := range m.Platforms {
		now = append(now, p.String())
	}
	if !isNew {
		before, err := readMirrored(m.at(integrationDir(name), mirrorName))
		if err != nil {
			return nil, err
		}
		if len(before.Platforms) == 0 || len(now) == 0 {
			return nil, nil
		}
		now = append(now, before.Platforms...)
	}
	slices.Sort(now)
	return slices.Compact(now), nil
}

// maxMirrored is how much of a mirrorName is read, in bytes: its own address and its choice of names.
const maxMirrored = 1 << 20

// readMirrored reads a mirrorName; one that is not there says nothing.
func readMirrored(file string) (said mirrored, err error) {
	data, err := regular.Read(file, maxMirrored)
	if errors.Is(err, fs.ErrNotExist) {
		return said, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &said)
	}
	if err != nil {
		return said, fmt.Errorf("reading %s, which says what is mirrored: %w", file, err)
	}
	return said, nil
}

// checkMirror holds a tree to what it is a mirror of: a mirror is changed by Mirror only, and another tree never.
func (t *tree) checkMirror() error {
	file := t.at(mirrorName)
	said, err := readMirrored(file)
	if err != nil {
		return err
	}
	switch {
	case said.Origin == t.mirrors:
		return nil
	case t.mirrors == "":
		return fmt.Errorf("%s is a mirror of %s: kpkg mirror changes it, and nothing else", t.Tree, said.Origin)
	case said.Origin != "":
		return fmt.Errorf("%s is a mirror of %s: mirror %s into a folder of its own", t.Tree, said.Origin, t.mirrors)
	}
	if _, err := os.Lstat(t.at(IndexName)); err == nil {
		return fmt.Errorf("%s is a registry, and no mirror: give another folder", t.Tree)
	}
	data, err := encode(mirrored{Origin: t.mirrors})
	if err == nil {
		err = regular.Replace(file, data, regular.SharedMode) // for the web server
	}
	if err != nil {
		return fmt.Errorf("noting what the tree is a mirror of: %w", err)
	}
	return nil
}

// isFor tells whether a file of an integration is to be there in a mirror of packages for these platforms only.
func isFor(file string, platforms []string) bool {
	if len(platforms) == 0 {
		return true
	}
	base := path.Base(file)
	if of, is := image.PackageOf(base); is {
		base = of
	}
	at := strings.Index(base, manifest.Extension)
	if at < 0 {
		return true
	}
	id, err := manifest.ParseFileName(base[:at+len(manifest.Extension)])
	return err != nil || slices.Contains(platforms, executable.Platform{OS: id.OS, Arch: id.Arch}.String())
}

// commit gives the new folders their names, and has the index tell of them.
func (m *mirror) commit(ctx context.Context) error {
	var names []string
	for name, c := range m.integrations {
		if c.changed && c.folder != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) > 0 {
		if err := m.writeJournal(names); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := m.settle(m.integrations[name].folder, m.at(integrationDir(name))); err != nil {
			return err
		}
	}
	if err := m.writeIndex(ctx); err != nil {
		return err
	}
	if err := os.Remove(m.at(journalName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("ending the run: %w", err)
	}
	if err := os.RemoveAll(m.at(holdingDir)); err != nil {
		return fmt.Errorf("removing what was fetched: %w", err)
	}
	return m.clean()
}

// writeIndex has the mirror's index tell of what the mirror has. Where that is all that the origin's tells of, it is the origin's
// own, with its signature. Else it is a new one, which is not signed: all that it says is in the lists of versions too, which are.
func (m *mirror) writeIndex(ctx context.Context) error {
	there, err := m.alreadyThere(nil)
	if err != nil {
		return err
	}
	m.index.Integrations, m.prereleases.Integrations = []Integration{}, []Integration{}
	for _, name := range there {
		c, err := m.integration(name)
		if err != nil {
			return err
		}
		offered, prerelease := c.versions.offered()
		m.index.set(name, described(offered))
		m.prereleases.set(name, described(prerelease))
	}
	files := map[string][]byte{}
	if o, isTree := m.origin.(*treeOrigin); isTree {
		if files, err = m.treeIndex(ctx, o); err != nil {
			return err
		}
	}
	if len(files) == 0 {
		if files, err = m.ownIndex(); err != nil {
			return err
		}
	}
	if o, isTree := m.origin.(*treeOrigin); isTree && o.key != nil {
		files[KeyName] = o.key
	}
	return m.placeIndex(files)
}

// described is the version if something is known to say of it.
func described(v *Version) *Version {
	if v == nil || v.Entry.Name == "" {
		return nil
	}
	return v
}

// treeIndex is the index of the tree that is mirrored, if it tells of what the mirror has and nothing else.
func (m *mirror) treeIndex(ctx context.Context, o *treeOrigin) (map[string][]byte, error) {
	index, prereleases, err := o.readIndexes(ctx)
	if err != nil {
		return nil, err
	}
	if index.Timestamp.Before(m.index.Timestamp) {
		return nil, fmt.Errorf("the index of %s is of %s, and the mirror has one of %s: find out who has put the old one there",
			o.location, index.Timestamp, m.index.Timestamp)
	}
	m.index.Timestamp, m.prereleases.Timestamp = index.Timestamp, prereleases.Timestamp
	for _, pair := range [][2]*Index{{index, m.index}, {prereleases, m.prereleases}} {
		its, err := encode(pair[0].Integrations)
		if err != nil {
			return nil, err
		}
		ours, err := encode(pair[1].Integrations)
		if err != nil {
			return nil, err
		}
		if string(its) != string(ours) {
			return nil, nil
		}
	}
	files := map[string][]byte{}
	for name, own := range map[string]*ownFile{IndexName: o.index, PrereleasesName: o.prereleases} {
		files[name] = own.data
		for extension, data := range own.beside {
			files[name+extension] = data
		}
	}
	return files, nil
}

// ownIndex is one that tells of what the mirror has.
func (m *mirror) ownIndex() (map[string][]byte, error) {
	files := map[string][]byte{}
	for name, index := range map[string]*Index{IndexName: m.index, PrereleasesName: m.prereleases} {
		data, err := encode(index)
		if err != nil {
			return nil, err
		}
		files[name] = data
		files[name+release.SumExtension] = sumOf(name, data)
	}
	return files, nil
}

// placeIndex puts the files of the index in their place, unless they are there.
func (m *mirror) placeIndex(files map[string][]byte) error {
	same := true
	for _, name := range []string{KeyName, IndexName, PrereleasesName} {
		for _, extension := range append([]string{""}, sidecars...) {
			there, err := regular.Read(m.at(indexDir, name+extension), maxJSON)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("reading the index: %w", err)
			}
			same = same && string(there) == string(files[name+extension])
		}
	}
	if same {
		return m.linkIndex()
	}
	folder, err := m.newFolder(".", indexDir)
	for name, data := range files {
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), data, 0o644)
		}
	}
	if err == nil {
		err = place.SyncAll(m.tree.Tree)
	}
	if err != nil {
		return fmt.Errorf("making the index: %w", err)
	}
	if err := m.settle(folder, m.at(indexDir)); err != nil {
		return err
	}
	for _, name := range []string{IndexName, PrereleasesName} {
		for _, extension := range sidecars {
			if files[name+extension] != nil {
				continue
			}
			if err := os.Remove(m.at(name + extension)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("removing the link to a signature that is no more: %w", err)
			}
		}
	}
	return m.linkIndex()
}
