package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/internal/scratch"
	"github.com/PlakarKorp/kpkg/internal/sha256sum"
	"github.com/PlakarKorp/kpkg/internal/web"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/release"
	"github.com/PlakarKorp/kpkg/verify"
)

// CheckOptions say what a tree is held to.
type CheckOptions struct {
	// Trust is what sums and signatures are held to. Without keys, a signature that is not there is a warning, and one that is
	// there is not judged.
	Trust release.Trust
	// SeenFile remembers what was seen of the tree, for the next check; "" remembers nothing. It is written when all is right.
	SeenFile string
}

// Checked is what Check has found.
type Checked struct {
	Location     string
	Integrations int
	Versions     int
	Packages     int
	// Files is how many files were read, in Bytes.
	Files int
	Bytes int64
	// Findings are sorted.
	Findings []finding.Finding
}

// Check holds a whole tree, in a folder or behind a web server, to itself: each file to its sum, its signature and what the tree
// says of it, each package to its verification, all of it to what was seen before. The error is for what cannot be read.
func Check(ctx context.Context, location string, opts CheckOptions) (*Checked, error) {
	from, err := openSource(location)
	if err != nil {
		return nil, err
	}
	opts.Trust.Require = len(opts.Trust.Keys) > 0
	c := &check{source: from, opts: opts, Checked: &Checked{Location: location}, named: map[string]bool{}, all: map[string]*Versions{}}
	if strings.HasPrefix(location, "http://") {
		c.warn("registry-http", location, "plakar's clients read https only", "serve the tree over https")
	}
	if c.before, err = readSeen(opts.SeenFile); err != nil {
		return nil, err
	}
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	finding.Sort(c.Findings)
	if !finding.HasErrors(c.Findings) {
		return c.Checked, writeSeen(opts.SeenFile, c.seen())
	}
	return c.Checked, nil
}

type check struct {
	source
	opts   CheckOptions
	before seen
	index  *Index
	// prereleases is the index of those that are not for everybody.
	prereleases *Index
	// pages tells whether the tree has any: that of an older kpkg, and a mirror, have none.
	pages bool
	// isMirror tells a tree that somebody else's is mirrored in, unsigned one whose own files nobody could sign.
	isMirror, unsigned bool

	mu sync.Mutex // guards what follows
	*Checked
	named map[string]bool
	all   map[string]*Versions
}

func (c *check) fail(rule, file, message, hint string) {
	c.report(rule, finding.Error, file, message, hint)
}

func (c *check) warn(rule, file, message, hint string) {
	c.report(rule, finding.Warning, file, message, hint)
}

func (c *check) report(rule string, severity finding.Severity, file, message, hint string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Findings = append(c.Findings, finding.Finding{
		Rule: rule, Severity: severity, File: file, Message: finding.CutMessage(message), Hint: hint,
	})
}

func (c *check) run(ctx context.Context) error {
	mirrors, err := c.mirrored(ctx, mirrorName)
	if err != nil {
		return err
	}
	c.isMirror, c.unsigned = mirrors.Origin != "", strings.HasPrefix(mirrors.Origin, "oci://")
	if c.index, err = c.readIndex(ctx, IndexName); err != nil {
		return err
	}
	if c.prereleases, err = c.readIndex(ctx, PrereleasesName); err != nil {
		return err
	}
	c.name(KeyName)
	c.name(path.Join(indexDir, KeyName))
	files, listed, err := c.list()
	if err != nil {
		return fmt.Errorf("listing the tree: %w", err)
	}
	if err := c.site(ctx); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(2, min(8, runtime.NumCPU())))
	names := c.names(files)
	for _, name := range names {
		group.Go(func() error { return c.integration(ctx, name) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	c.Integrations = len(names)
	c.checkSeen()
	if listed {
		c.strays(files)
	}
	return nil
}

// names are the integrations that the indexes, the memory or the folders know of.
func (c *check) names(files []string) []string {
	var names []string
	for _, index := range []*Index{c.index, c.prereleases} {
		for _, i := range index.Integrations {
			names = append(names, i.Name)
		}
	}
	for name := range c.before.Integrations {
		names = append(names, name)
	}
	for _, file := range files {
		if rest, below := strings.CutPrefix(file, integrationsDir()+"/"); below {
			if name, inside, found := strings.Cut(rest, "/"); found && inside == versionsName && !strings.HasPrefix(name, ".") {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return slices.DeleteFunc(names, func(name string) bool {
		if strings.ContainsAny(name, `/\.`) || name == "" {
			c.fail("registry-form", IndexName, fmt.Sprintf("%q is no name of an integration", finding.Cut(name)), "make the tree again")
			return true
		}
		return false
	})
}

// readIndex reads an index, held to its sum and signature. One that cannot be read is an empty one.
func (c *check) readIndex(ctx context.Context, name string) (*Index, error) {
	empty := &Index{Version: indexVersion}
	data, err := c.rootFile(ctx, name)
	if err != nil || data == nil {
		return empty, err
	}
	index, err := decodeIndex(data)
	if err != nil {
		c.fail("registry-form", name, err.Error(), "upload it again from the tree that kpkg index has made")
		return empty, nil
	}
	return index, nil
}

// rootFile is ownFile for one at the root, to which a link leads.
func (c *check) rootFile(ctx context.Context, name string) ([]byte, error) {
	data, err := c.ownFile(ctx, name)
	if data != nil {
		for _, extension := range append([]string{""}, sidecars...) {
			c.name(path.Join(indexDir, name+extension))
		}
	}
	return data, err
}

// mirrored reads what is mirrored in the tree, or in the folder of an integration; nothing is said of a tree that is no mirror.
func (c *check) mirrored(ctx context.Context, name string) (said mirrored, err error) {
	data, err := read(ctx, c.source, name, maxMirrored)
	if errors.Is(err, fs.ErrNotExist) {
		return said, nil
	}
	c.name(name)
	if err != nil {
		return said, c.unreadable(ctx, name, err)
	}
	if err := json.Unmarshal(data, &said); err != nil {
		c.fail("registry-form", name, err.Error(), "run kpkg mirror again")
	}
	return said, nil
}

// name notes that something names a file.
func (c *check) name(file string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.named[file] = true
}

// ownFile reads a small file and holds it to its sum and signature; nil when it is not there, which is reported.
func (c *check) ownFile(ctx context.Context, name string) ([]byte, error) {
	c.name(name)
	data, err := read(ctx, c.source, name, ownLength(name))
	if errors.Is(err, fs.ErrNotExist) {
		c.fail("registry-missing", name, "it is not there", "upload it again")
		return nil, nil
	}
	if err != nil {
		return nil, c.unreadable(ctx, name, err)
	}
	digest := sha256.Sum256(data)
	c.count(int64(len(data)))
	trust := c.opts.Trust
	if c.isMirror && (c.unsigned || name == IndexName || name == PrereleasesName) {
		// Nobody has signed what a mirror says itself, of a part of a registry or of what came from a registry of another form: what is
		// not signed is told, and that is all.
		trust.Require = false
	}
	return data, c.signature(ctx, name, hex.EncodeToString(digest[:]), trust)
}

// unreadable reports a file that is there and cannot be read; the error is that of an ended context.
func (c *check) unreadable(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c.fail("registry-form", name, err.Error(), "upload it again")
	return nil
}

func (c *check) count(bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Files++
	c.Bytes += bytes
}

// signature holds a file with a sum to what it has beside it.
func (c *check) signature(ctx context.Context, name, sum string, trust release.Trust) error {
	for _, extension := range sidecars {
		c.name(name + extension)
	}
	beside := func(extension string) ([]byte, error) {
		data, err := read(ctx, c.source, name+extension, release.MaxSidecar)
		if err == nil && extension == release.SignatureExtension && len(trust.Keys) == 0 {
			return nil, errUnjudged
		}
		return data, err
	}
	_, findings, err := trust.Judge(name, release.Sum{Name: path.Base(name), SHA256: sum}, beside)
	if errors.Is(err, errUnjudged) {
		// Nobody says whose it may be: the sum alone is judged.
		_, findings, err = trust.Judge(name, release.Sum{Name: path.Base(name), SHA256: sum}, func(extension string) ([]byte, error) {
			if extension == release.SignatureExtension {
				return nil, fs.ErrNotExist
			}
			return read(ctx, c.source, name+extension, release.MaxSidecar)
		})
		findings = slices.DeleteFunc(findings, func(f finding.Finding) bool { return f.Rule == "signature-missing" })
	}
	if err != nil {
		return c.unreadable(ctx, name, err)
	}
	if len(trust.Keys) > 0 && !trust.Require {
		for i := range findings {
			findings[i].Hint = "a mirror signs nothing; what is installed is signed by its maker, and held to that"
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Findings = append(c.Findings, findings...)
	return nil
}

var errUnjudged = errors.New("there is no key to judge the signature by")

// integration checks the folder of one.
func (c *check) integration(ctx context.Context, name string) error {
	dir := integrationDir(name)
	data, err := c.ownFile(ctx, path.Join(dir, versionsName))
	if err != nil || data == nil {
		return err
	}
	versions, err := decodeVersions(data, name)
	if err != nil {
		c.fail("registry-form", path.Join(dir, versionsName), err.Error(), "upload it again from the tree that kpkg index has made")
	}
	if c.pages {
		sum := sha256.Sum256(data)
		if err := c.page(ctx, path.Join(dir, web.PageName), hex.EncodeToString(sum[:]), path.Join(dir, versionsName)); err != nil {
			return err
		}
	}
	if versions == nil {
		return nil
	}
	c.mu.Lock()
	c.all[name] = versions
	c.Versions += len(versions.Versions)
	c.mu.Unlock()
	part, err := c.mirrored(ctx, path.Join(dir, mirrorName))
	if err != nil {
		return err
	}
	if !c.isMirror {
		part.Platforms = nil
	}
	for _, v := range versions.Versions {
		for _, f := range v.Files {
			if !isFor(f.Name, part.Platforms) {
				continue
			}
			if err := c.file(ctx, dir, v, f); err != nil {
				return err
			}
		}
	}
	offered, prerelease := versions.offered()
	c.indexed(IndexName, c.index, name, offered)
	c.indexed(PrereleasesName, c.prereleases, name, prerelease)
	if err := c.recipe(ctx, dir, name, offered); err != nil {
		return err
	}
	shown := offered
	if shown == nil {
		shown = prerelease
	}
	if shown != nil {
		for _, at := range []string{shown.Entry.Documentation, shown.Entry.Icon} {
			if at == "" {
				continue
			}
			if path.Dir(at) != dir || !validPath(path.Base(at)) {
				c.fail("registry-form", path.Join(dir, versionsName), finding.Sprintf("%q is no file of the integration", at), "make the tree again")
				continue
			}
			if _, err := c.ownFile(ctx, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// indexed holds what an index says of an integration to the version that is offered.
func (c *check) indexed(file string, index *Index, name string, version *Version) {
	at := slices.IndexFunc(index.Integrations, func(i Integration) bool { return i.Name == name })
	hint := "upload the index again, after all else; locally, kpkg index --out-dir TREE does what an interrupted run has left"
	switch {
	case at < 0 && version != nil:
		c.fail("registry-stale", file, finding.Sprintf("it does not list %s, which offers %s", name, version.Version), hint)
	case at >= 0 && version == nil:
		c.fail("registry-stale", file, finding.Sprintf("it lists %s %s, which is not offered", name, index.Integrations[at].Version), hint)
	case at >= 0:
		one, oneErr := encode(index.Integrations[at])
		other, otherErr := encode(version.Entry)
		if oneErr != nil || otherErr != nil || string(one) != string(other) {
			c.fail("registry-stale", file, finding.Sprintf("it says of %s %s something else than %s says of %s",
				name, index.Integrations[at].Version, versionsName, version.Version), hint)
		}
	}
}

// recipe holds the recipe that clients read first to the version that is offered.
func (c *check) recipe(ctx context.Context, dir, name string, offered *Version) error {
	file := path.Join(dir, release.RecipeName)
	if offered == nil {
		if _, err := read(ctx, c.source, file, release.MaxSidecar); !errors.Is(err, fs.ErrNotExist) {
			c.fail("registry-stale", file, "there is a recipe, and no version of "+name+" is offered", "remove it")
		}
		return nil
	}
	data, err := c.ownFile(ctx, file)
	if err != nil || data == nil {
		return err
	}
	recipe, err := release.ParseRecipe(data)
	switch {
	case err != nil:
		c.fail("registry-form", file, err.Error(), "upload it again")
	case recipe.Name != name || recipe.Semver() != offered.Version:
		c.fail("registry-stale", file,
			finding.Sprintf("it is the recipe of %s %s, and the version offered is %s", recipe.Name, recipe.Semver(), offered.Version),
			"upload the recipe of "+offered.Version+": with another, clients install another version, or none")
	}
	return nil
}

// file holds a file of a version to what the tree says of it, and a package to its verification.
func (c *check) file(ctx context.Context, dir string, v Version, f release.File) error {
	name := path.Join(dir, f.Name)
	c.name(name)
	file, err := c.open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		c.fail("registry-missing", name, "it is not there", "upload it again")
		return nil
	}
	if err != nil {
		return c.unreadable(ctx, name, err)
	}
	defer file.Close()
	isPackage := strings.HasSuffix(f.Name, manifest.Extension)
	var sum string
	var size int64
	if isPackage {
		sum, size, err = c.packaged(ctx, name, file, f.Size, v.hasImages(f.Name))
	} else {
		sum, size, err = sha256sum.Of(ctx, io.LimitReader(file, f.Size+1))
	}
	if err != nil {
		return c.unreadable(ctx, name, err)
	}
	c.count(size)
	if sum != f.SHA256 {
		c.fail("registry-stale", name, finding.Sprintf(
			"it has the SHA-256 %s, and %s says %s of %s %s: the file or the list is not the one that was published",
			sum, versionsName, f.SHA256, v.Entry.Name, v.Version), "upload both again from the tree that kpkg index has made")
	}
	return c.signature(ctx, name, sum, c.opts.Trust)
}

// packaged verifies a package that comes from a reader, by way of a temporary file unless it is one. The images beside it, if it has
// such, are opened on disk; elsewhere their sums alone are compared, as those of all files.
func (c *check) packaged(ctx context.Context, name string, r io.Reader, size int64, images bool) (sum string, got int64, err error) {
	file, onDisk := r.(*os.File)
	if !onDisk {
		temporary, err := scratch.Make("check")
		if err != nil {
			return "", 0, err
		}
		defer temporary.Remove()
		if file, err = os.Create(filepath.Join(temporary.Path, "package")); err != nil {
			return "", 0, err
		}
		defer file.Close()
		// What is longer than the tree says is not the file, however long it is.
		if _, err := io.Copy(file, io.LimitReader(r, size+1)); err != nil {
			return "", 0, err
		}
	}
	info, err := file.Stat()
	if err != nil {
		return "", 0, err
	}
	if got = info.Size(); got > size {
		got = size + 1
	}
	sum, _, err = sha256sum.Of(ctx, io.NewSectionReader(file, 0, got))
	if err != nil || got != size {
		return sum, got, err
	}
	opts := verify.Options{Name: path.Base(name), Containers: images && !onDisk}
	if images && onDisk {
		opts.Image = image.Beside(file.Name())
	}
	report, err := verify.Reader(ctx, file, size, opts)
	if err != nil {
		return "", 0, err
	}
	c.mu.Lock()
	c.Packages++
	c.mu.Unlock()
	for _, f := range report.Findings {
		if f.Severity == finding.Error {
			c.fail("registry-package", name, f.Message+" ["+f.Rule+"]", "kpkg verify says more; withdraw the version")
			break
		}
	}
	return sum, got, nil
}

// strays reports files that nothing names.
func (c *check) strays(files []string) {
	for _, file := range files {
		if file == lockName {
			continue
		}
		if !c.named[file] {
			c.warn("registry-stray", file, "nothing in the tree names it", "remove it; what a killed run has left, the next kpkg index removes")
		}
	}
}
