package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/internal/lock"
	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/web"
	"github.com/PlakarKorp/kpkg/release"
)

// Options say which tree is changed, and who answers for it.
type Options struct {
	// Tree is the folder of the registry. It is made when it is not there.
	Tree string
	// Key signs what the tree itself says; nil leaves it unsigned, which a tree that is signed refuses.
	Key *release.SecretKey
	// Trusted are keys, beside Key's own, that releases may be signed with. With Key, a release that is not signed is refused.
	Trusted []*release.PublicKey
	// Base is the address that the tree is served at, which its sitemap needs; "" for the one that was given before, if any.
	Base string
	// mirrors is what the tree is a mirror of, "" for a registry of its own.
	mirrors string
}

// Change is what was done with a version.
type Change struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// What is "added", "unchanged" or "withdrawn"; "signed again" for the same files with other signatures.
	What string `json:"what"`
	// Offered tells whether the index offers this version now, in the list of all or of the pre-releases.
	Offered bool `json:"offered"`
}

// The values of Change.What.
const (
	Added       = "added"
	Unchanged   = "unchanged"
	Withdrawn   = "withdrawn"
	SignedAgain = "signed again"
)

// Add publishes the releases in the folders dists, each as release.Run has written it. All are checked before anything of the
// tree changes. A version that is there already must have the same bytes. What an interrupted run has left undone is done
// too: without dists, nothing else is.
func Add(ctx context.Context, dists []string, opts Options) ([]Change, error) {
	t, err := openTree(ctx, opts)
	if err != nil {
		return nil, err
	}
	defer t.close()
	for _, dir := range dists {
		if _, err := os.Stat(filepath.Join(dir, release.PartName)); err == nil {
			return nil, fmt.Errorf("%s is a part of a release: kpkg release --finish puts all parts together", dir)
		}
	}
	folders, err := findDists(dists)
	if err != nil {
		return nil, err
	}
	releases, err := readDists(ctx, folders, t.trust)
	if err != nil {
		return nil, err
	}
	var changes []Change
	for _, in := range releases {
		what, err := t.take(in)
		if err != nil {
			return nil, err
		}
		changes = append(changes, Change{Name: in.recipe.Name, Version: in.version.Version, What: what})
	}
	if err := t.commit(ctx); err != nil {
		return nil, err
	}
	for i := range changes {
		changes[i].Offered = t.offers(changes[i])
	}
	return changes, nil
}

// Withdraw marks a version as one that is no longer to be had. Its files stay, for those who have it and for those who look for
// the reason; the version before it is offered instead.
func Withdraw(ctx context.Context, name, version, reason string, opts Options) (Change, error) {
	change := Change{Name: name, Version: version, What: Withdrawn}
	if strings.TrimSpace(reason) == "" {
		return change, errors.New("say why it is withdrawn: users will ask")
	}
	t, err := openTree(ctx, opts)
	if err != nil {
		return change, err
	}
	defer t.close()
	c, err := t.integration(name)
	if err != nil {
		return change, err
	}
	known := c.versions.find(version)
	if known == nil {
		var has []string
		for _, v := range c.versions.Versions {
			has = append(has, v.Version)
		}
		return change, fmt.Errorf("%s %s was never published here; there is %s", name, version, strings.Join(append(has, "nothing else"), ", "))
	}
	if known.Withdrawn == reason {
		change.What = Unchanged
	}
	known.Withdrawn = reason
	c.changed = true
	return change, t.commit(ctx)
}

// tree is a registry that is being changed.
type tree struct {
	Options
	trust release.Trust
	lock  *os.File
	// changed are the integrations that are looked at, by name.
	integrations map[string]*changing
	index        *Index
	prereleases  *Index
	// site is what the pages in the tree were made of, and before it the files of the list.
	site web.Site
	// outdated tells that pages in the tree are none, or of another generation: all are made again.
	outdated bool
	// now is when what changes is published.
	now time.Time
}

// changing is one integration of the tree.
type changing struct {
	name     string
	versions *Versions
	changed  bool
	incoming []*incoming
	// folder is the new folder, once it is made.
	folder string
}

func openTree(ctx context.Context, opts Options) (_ *tree, err error) {
	t := &tree{Options: opts, integrations: map[string]*changing{}}
	t.trust.Keys = slices.Clone(opts.Trusted)
	if opts.Key != nil {
		t.trust.Keys, t.trust.Require = append(t.trust.Keys, opts.Key.Public()), true
	}
	if err := os.MkdirAll(filepath.Join(t.Tree, filepath.FromSlash(integrationsDir())), 0o777); err != nil {
		return nil, fmt.Errorf("making the tree: %w", err)
	}
	if t.lock, err = lock.Hold(filepath.Join(t.Tree, lockName)); errors.Is(err, lock.ErrHeld) {
		return nil, fmt.Errorf("another run is changing %s: wait for it", t.Tree)
	} else if err != nil {
		return nil, fmt.Errorf("locking the tree: %w", err)
	}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	if err := t.checkMirror(); err != nil {
		return nil, err
	}
	if t.index, err = t.readIndex(IndexName); err != nil {
		return nil, err
	}
	if t.prereleases, err = t.readIndex(PrereleasesName); err != nil {
		return nil, err
	}
	// Never back: a clock that was set would make what is newer look older.
	if t.now = time.Now().UTC().Truncate(time.Second); !t.now.After(t.index.Timestamp) {
		t.now = t.index.Timestamp.Add(time.Second)
	}
	if _, err := os.Lstat(t.at(indexDir, IndexName+release.SignatureExtension)); err == nil && t.Key == nil && t.mirrors == "" {
		return nil, fmt.Errorf("%s is signed: give the key that it is to be signed with", t.Tree)
	}
	if err := t.clean(); err != nil {
		return nil, err
	}
	if err := t.readJournal(); err != nil {
		return nil, err
	}
	return t, t.readSite()
}

func (t *tree) close() {
	if t.lock != nil {
		t.lock.Close()
	}
}

// at is the path of what stands below the tree.
func (t *tree) at(parts ...string) string {
	return filepath.Join(t.Tree, filepath.FromSlash(path.Join(parts...)))
}

func (t *tree) readIndex(name string) (*Index, error) {
	data, err := regular.Read(t.at(indexDir, name), maxJSON)
	if errors.Is(err, fs.ErrNotExist) {
		return &Index{Version: indexVersion, Integrations: []Integration{}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	index, err := decodeIndex(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", t.at(indexDir, name), err)
	}
	return index, nil
}

// clean removes the folders that killed runs have left, and gives back their names to those that such a run has put aside.
func (t *tree) clean() error {
	for _, dir := range []string{".", integrationsDir()} {
		if err := place.RecoverAll(t.at(dir)); err != nil {
			return err
		}
		entries, err := os.ReadDir(t.at(dir))
		if err != nil {
			return fmt.Errorf("looking at the tree: %w", err)
		}
		for _, entry := range entries {
			if entry.IsDir() && strings.HasPrefix(entry.Name(), newPrefix) {
				if err := os.RemoveAll(t.at(dir, entry.Name())); err != nil {
					return fmt.Errorf("removing what a killed run has left: %w", err)
				}
			}
		}
	}
	return nil
}

// journalName is the file with the names of the integrations whose folders are about to change, for the run after one that
// was killed before the index told of them.
const journalName = ".kpkg.journal"

func (t *tree) readJournal() error {
	data, err := regular.Read(t.at(journalName), maxJSON)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var names []string
	if err == nil {
		err = json.Unmarshal(data, &names)
	}
	if err != nil {
		return fmt.Errorf("reading what an interrupted run was about to do, in %s: %w", t.at(journalName), err)
	}
	for _, name := range names {
		if _, err := os.Stat(t.at(integrationDir(name))); errors.Is(err, fs.ErrNotExist) {
			continue // it was new, and the run did not come to it
		}
		if _, err := t.integration(name); err != nil {
			return err
		}
	}
	return nil
}

// integration reads what the tree knows of one.
func (t *tree) integration(name string) (*changing, error) {
	if c := t.integrations[name]; c != nil {
		return c, nil
	}
	if strings.ContainsAny(name, `/\.`) || name == "" {
		return nil, fmt.Errorf("%q is no name of an integration", name)
	}
	c := &changing{name: name, versions: &Versions{Name: name, Versions: []Version{}}}
	file := t.at(integrationDir(name), versionsName)
	data, err := regular.Read(file, maxJSON)
	if err == nil {
		c.versions, err = decodeVersions(data, name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(t.at(integrationDir(name))); err == nil {
			return nil, fmt.Errorf("%s is there and has no %s: kpkg has not made it", t.at(integrationDir(name)), versionsName)
		}
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	t.integrations[name] = c
	return c, nil
}

// take adds a release to what is to be published.
func (t *tree) take(in *incoming) (what string, err error) {
	c, err := t.integration(in.recipe.Name)
	if err != nil {
		return "", err
	}
	known := c.versions.find(in.version.Version)
	if known == nil {
		in.version.Published = t.now
		c.versions.insert(in.version)
		c.incoming, c.changed = append(c.incoming, in), true
		return Added, nil
	}
	if !slices.Equal(known.Files, in.version.Files) {
		return "", fmt.Errorf("%s %s is published already, with other files (%s): what is published under a version does not change; "+
			"release it as a new one", in.recipe.Name, in.version.Version, difference(known.Files, in.version.Files))
	}
	again, err := t.signedAgain(in)
	if err != nil || !again {
		return Unchanged, err
	}
	c.incoming, c.changed = append(c.incoming, in), true
	return SignedAgain, nil
}

// difference names the first file that is not in both lists.
func difference(a, b []release.File) string {
	for _, pair := range [][2][]release.File{{a, b}, {b, a}} {
		for _, f := range pair[0] {
			if !slices.Contains(pair[1], f) {
				return f.Name
			}
		}
	}
	return "in another order"
}

// signedAgain tells whether a file of a release has another signature than the one in the tree.
func (t *tree) signedAgain(in *incoming) (bool, error) {
	for place, source := range in.sources {
		now, err := sidecar(source, release.SignatureExtension)
		if err != nil {
			return false, err
		}
		there, err := sidecar(t.at(integrationDir(in.recipe.Name), place), release.SignatureExtension)
		if err != nil {
			return false, err
		}
		if now != nil && !bytes.Equal(now, there) {
			return true, nil
		}
	}
	return false, nil
}

// commit makes the folders that change, gives them their names, and then the index its.
func (t *tree) commit(ctx context.Context) error {
	if t.outdated {
		if err := t.changeAll(); err != nil {
			return err
		}
	}
	var names []string
	for name, c := range t.integrations {
		if !c.changed {
			continue
		}
		names = append(names, name)
		if err := t.build(ctx, c); err != nil {
			return fmt.Errorf("making the folder of %s: %w", name, err)
		}
	}
	slices.Sort(names)
	if len(names) > 0 {
		if err := t.writeJournal(names); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := t.settle(t.integrations[name].folder, t.at(integrationDir(name))); err != nil {
			return err
		}
	}
	if err := t.writeIndex(ctx); err != nil {
		return err
	}
	if err := os.Remove(t.at(journalName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("ending the run: %w", err)
	}
	return t.clean()
}

// writeJournal notes the names, after all that is new is on disk.
func (t *tree) writeJournal(names []string) error {
	// Those that an interrupted run has left stay for as long as the index does not tell of them.
	for name := range t.integrations {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	data, err := json.Marshal(names)
	if err == nil {
		err = regular.Replace(t.at(journalName), data, regular.PrivateMode)
	}
	if err == nil {
		err = place.SyncAll(t.Tree)
	}
	if err != nil {
		return fmt.Errorf("noting what is about to change: %w", err)
	}
	return nil
}

// settle gives a new folder its name; the old one, if there is one, is removed later.
func (t *tree) settle(folder, name string) error {
	err := os.Rename(folder, name)
	if err != nil {
		if _, statErr := os.Lstat(name); statErr == nil { // a folder that is not empty
			err = place.Exchange(folder, name)
		}
	}
	if err != nil {
		return fmt.Errorf("giving %s its name: %w", name, err)
	}
	place.SyncFolder(filepath.Dir(name))
	return nil
}

// newFolder makes a folder beside others, under a name that says what it is.
func (t *tree) newFolder(parent, name string) (string, error) {
	folder, err := os.MkdirTemp(t.at(parent), newPrefix+name+"-*")
	if err != nil {
		return "", err
	}
	return folder, os.Chmod(folder, 0o755) // as folders of a tree that a web server reads
}

// build makes the new folder of an integration: what stays, by hard links; what comes, copied; what is said of all, new.
func (t *tree) build(ctx context.Context, c *changing) (err error) {
	if c.folder, err = t.newFolder(integrationsDir(), c.name); err != nil {
		return err
	}
	old := t.at(integrationDir(c.name))
	for _, v := range c.versions.Versions {
		in := c.comes(v.Version)
		for _, f := range v.Files {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			to := filepath.Join(c.folder, filepath.FromSlash(f.Name))
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return err
			}
			if in != nil {
				err = copyFile(in.sources[f.Name], to, f)
			} else {
				err = linkFile(filepath.Join(old, filepath.FromSlash(f.Name)), to)
			}
			if err != nil {
				return err
			}
		}
	}
	if err := t.describe(ctx, c, old); err != nil {
		return err
	}
	return t.page(ctx, c)
}

// comes is the release of a version that is coming in, nil for one that is there.
func (c *changing) comes(version string) *incoming {
	at := slices.IndexFunc(c.incoming, func(in *incoming) bool { return in.version.Version == version })
	if at < 0 {
		return nil
	}
	return c.incoming[at]
}

// describe writes what the folder says of all versions, and what clients look for by fixed names: that of the version offered.
func (t *tree) describe(ctx context.Context, c *changing, old string) error {
	data, err := encode(c.versions)
	if err != nil {
		return err
	}
	if err := t.write(ctx, filepath.Join(c.folder, versionsName), data); err != nil {
		return err
	}
	offered, prerelease := c.versions.offered()
	if offered != nil {
		// The recipe with its sum and signature as the release has them: the link is to the version's own.
		from := filepath.Join(c.folder, offered.Version, release.RecipeName)
		if err := linkFile(from, filepath.Join(c.folder, release.RecipeName)); err != nil {
			return err
		}
	}
	shown := offered
	if shown == nil {
		shown = prerelease
	}
	if shown == nil {
		return nil
	}
	readme, icon := shown.Entry.Documentation, shown.Entry.Icon
	in := c.comes(shown.Version)
	if in == nil {
		// They are in the packages of the version, of which any tells.
		if in, err = shownIn(ctx, c.folder, *shown); err != nil {
			return err
		}
	}
	for at, content := range map[string][]byte{readme: in.readme, icon: in.icon} {
		if at != "" {
			if err := t.write(ctx, filepath.Join(c.folder, path.Base(at)), content); err != nil {
				return err
			}
		}
	}
	return nil
}

// write writes a file of the tree's own with its sum and, with a key, its signature.
func (t *tree) write(ctx context.Context, file string, data []byte) error {
	if err := os.WriteFile(file, data, 0o644); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	digest := sha256.Sum256(data)
	sum := release.Sum{Name: filepath.Base(file), SHA256: hex.EncodeToString(digest[:])}.String()
	if err := os.WriteFile(file+release.SumExtension, []byte(sum), 0o644); err != nil || t.Key == nil {
		return err
	}
	signature, err := t.Key.Sign([]byte(sum))
	if err != nil {
		return err
	}
	return os.WriteFile(file+release.SignatureExtension, signature, 0o644)
}

// sidecars are what a file has beside it.
var sidecars = []string{release.SumExtension, release.SignatureExtension}

// linkFile makes a hard link to a file, and to what it has beside it; a copy where the file system has none.
func linkFile(from, to string) error {
	if err := link(from, to); err != nil {
		return err
	}
	for _, extension := range sidecars {
		if err := link(from+extension, to+extension); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func link(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		return err
	}
	data, err := os.Open(from)
	if err != nil {
		return err
	}
	defer data.Close()
	return writeFrom(data, to)
}

// copyFile copies a file of a release that must be the one that was judged, and what it has beside it.
func copyFile(from, to string, judged release.File) error {
	file, err := regular.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	h := sha256.New()
	if err := writeFrom(io.TeeReader(file, h), to); err != nil {
		return err
	}
	if hex.EncodeToString(h.Sum(nil)) != judged.SHA256 {
		return fmt.Errorf("%s was changed after it was judged: something else writes there", from)
	}
	for _, extension := range sidecars {
		data, err := sidecar(from, extension)
		if err == nil && data != nil {
			err = os.WriteFile(to+extension, data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func writeFrom(r io.Reader, to string) error {
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, r)
	return errors.Join(err, file.Close())
}

// writeIndex makes the index and the list of pages tell of what has changed.
func (t *tree) writeIndex(ctx context.Context) error {
	before, err := encode([]*Index{t.index, t.prereleases})
	if err != nil {
		return err
	}
	pagesBefore, err := encode(t.site)
	if err != nil {
		return err
	}
	for name, c := range t.integrations {
		offered, prerelease := c.versions.offered()
		t.index.set(name, offered)
		t.prereleases.set(name, prerelease)
		t.setRow(c)
	}
	if t.Base != "" {
		t.site.Base = t.Base
	}
	after, err := encode([]*Index{t.index, t.prereleases})
	if err != nil {
		return err
	}
	pagesAfter, err := encode(t.site)
	if err != nil {
		return err
	}
	same := bytes.Equal(before, after)
	if same && bytes.Equal(pagesBefore, pagesAfter) && !t.outdated && t.indexIsSigned() && t.hasKey() {
		return t.linkIndex()
	}
	if !same || t.index.Timestamp.IsZero() {
		t.index.Timestamp, t.prereleases.Timestamp = t.now, t.now
	}
	folder, err := t.newFolder(".", indexDir)
	if err != nil {
		return fmt.Errorf("making the index: %w", err)
	}
	files := map[string][]byte{}
	for name, index := range map[string]*Index{IndexName: t.index, PrereleasesName: t.prereleases} {
		if files[name], err = encode(index); err != nil {
			return fmt.Errorf("making the index: %w", err)
		}
	}
	t.site.Of = indexSum(files[IndexName], files[PrereleasesName])
	pages, err := t.site.Files()
	if err != nil {
		return fmt.Errorf("making the list of integrations: %w", err)
	}
	maps.Copy(files, pages)
	for name, data := range files {
		if err := t.write(ctx, filepath.Join(folder, name), data); err != nil {
			return fmt.Errorf("making the index: %w", err)
		}
	}
	if t.Key != nil {
		data, err := t.publicKey()
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, KeyName), data, 0o644)
		}
		if err != nil {
			return fmt.Errorf("writing the public key: %w", err)
		}
	}
	if err := place.SyncAll(t.Tree); err != nil {
		return fmt.Errorf("writing the index to disk: %w", err)
	}
	if err := t.settle(folder, t.at(indexDir)); err != nil {
		return err
	}
	return t.linkIndex()
}

// indexFiles are the files of the index without their sums and signatures, what clients read first last.
func (t *tree) indexFiles() ([]string, error) {
	entries, err := os.ReadDir(t.at(indexDir))
	if err != nil {
		return nil, fmt.Errorf("looking at the index: %w", err)
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		if !isSidecar(name) && name != PrereleasesName && name != IndexName {
			names = append(names, name)
		}
	}
	return append(names, PrereleasesName, IndexName), nil
}

func isSidecar(name string) bool {
	return slices.ContainsFunc(sidecars, func(extension string) bool { return strings.HasSuffix(name, extension) })
}

// indexIsSigned tells whether the index there has the sums and signatures that it would get.
func (t *tree) indexIsSigned() bool {
	names, err := t.indexFiles()
	if err != nil {
		return false
	}
	for _, name := range slices.DeleteFunc(names, func(name string) bool { return name == KeyName }) {
		file := t.at(indexDir, name)
		sum, err := release.SumFile(context.Background(), file)
		if err != nil {
			return false
		}
		if t.Key == nil {
			continue
		}
		signed, _, err := release.Trust{Keys: []*release.PublicKey{t.Key.Public()}}.Judge(file, sum, release.BesideFile(file))
		if err != nil || signed == nil {
			return false
		}
	}
	return true
}

// publicKey is the content of KeyName.
func (t *tree) publicKey() ([]byte, error) {
	name := strings.TrimSuffix(filepath.Base(t.Key.File), release.SecretExtension)
	return t.Key.Public().Marshal(name + " public key")
}

// hasKey tells whether the key is there that the index is signed with.
func (t *tree) hasKey() bool {
	if t.Key == nil {
		return true
	}
	want, err := t.publicKey()
	data, readErr := regular.Read(t.at(indexDir, KeyName), release.MaxSidecar)
	return err == nil && readErr == nil && bytes.Equal(data, want)
}

// linkIndex makes the links by which the index and the list are found: sums and signatures before what they are of. Links to
// what the index no longer has are removed.
func (t *tree) linkIndex() error {
	names, err := t.indexFiles()
	if err != nil {
		return err
	}
	for _, name := range names {
		for _, extension := range []string{release.SignatureExtension, release.SumExtension, ""} {
			if _, err := os.Stat(t.at(indexDir, name+extension)); err != nil {
				continue
			}
			err := os.Symlink(indexDir+"/"+name+extension, t.at(name+extension))
			if info, statErr := os.Lstat(t.at(name + extension)); statErr != nil || info.Mode().IsRegular() {
				// A system, or a tree, without links: copies, which change one after the other.
				var data []byte
				if data, err = regular.Read(t.at(indexDir, name+extension), maxJSON); err == nil {
					err = regular.Replace(t.at(name+extension), data, regular.SharedMode)
				}
			}
			if err != nil && !errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("linking the index: %w", err)
			}
		}
	}
	return t.unlinkPages(names)
}

// unlinkPages removes pages of a list that was longer, and a sitemap that is no more.
func (t *tree) unlinkPages(names []string) error {
	entries, err := os.ReadDir(t.Tree)
	if err != nil {
		return fmt.Errorf("looking at the tree: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		for _, extension := range sidecars {
			name = strings.TrimSuffix(name, extension)
		}
		if entry.Type().IsRegular() != t.copied() { // somebody else's
			continue
		}
		if (listPage.MatchString(name) || name == web.SitemapName) && !slices.Contains(names, name) {
			if err := os.Remove(t.at(entry.Name())); err != nil {
				return fmt.Errorf("removing a page that is no more: %w", err)
			}
		}
	}
	return nil
}

// set puts the entry of a version into the index, or takes the integration out for nil. Entries are sorted by name.
func (x *Index) set(name string, version *Version) {
	at, found := slices.BinarySearchFunc(x.Integrations, name, func(i Integration, name string) int { return strings.Compare(i.Name, name) })
	switch {
	case version == nil && found:
		x.Integrations = slices.Delete(x.Integrations, at, at+1)
	case version != nil && found:
		x.Integrations[at] = version.Entry
	case version != nil:
		x.Integrations = slices.Insert(x.Integrations, at, version.Entry)
	}
}

// offers tells whether the index has the version.
func (t *tree) offers(c Change) bool {
	for _, index := range []*Index{t.index, t.prereleases} {
		for _, i := range index.Integrations {
			if i.Name == c.Name && i.Version == c.Version {
				return true
			}
		}
	}
	return false
}
