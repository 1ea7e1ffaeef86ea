package oci

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/mod/semver"
	"golang.org/x/sync/singleflight"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/registry"
	"github.com/PlakarKorp/kpkg/release"
)

// NewOrigin is a repository, or the repositories below it, as what a mirror is made of. Names are those of the integrations, none
// for that of the repository itself or, where that is none, all below it.
func NewOrigin(ctx context.Context, a Address, names []string, access Access) (registry.Origin, error) {
	o := &origin{at: a, access: access, repositories: map[string]*repository{}, read: map[string]*contents{}}
	if a.Version != "" {
		return nil, fmt.Errorf("%s names a version, and a mirror has all: leave it out", a)
	}
	if len(names) > 0 {
		return o, nil
	}
	r, err := open(ctx, a, access)
	if err != nil {
		return nil, err
	}
	versions, err := r.versions(ctx)
	if err != nil || len(versions) == 0 {
		return o, err
	}
	c, err := r.contents(ctx, versions[0])
	if err != nil {
		return nil, err
	}
	o.single = c.name
	o.repositories[c.name] = r
	return o, nil
}

// origin is a registry that is mirrored.
type origin struct {
	at     Address
	access Access
	// single is the name of the integration that the repository itself holds, "" where it holds none.
	single string

	reading singleflight.Group // by NAME VERSION

	mu           sync.Mutex // guards what follows
	repositories map[string]*repository
	// read are the versions that were read, by NAME VERSION.
	read map[string]*contents
}

func (o *origin) Location() string { return o.at.String() }

func (o *origin) Names(ctx context.Context) ([]string, error) {
	if o.single != "" {
		return []string{o.single}, nil
	}
	// Not all registries tell what repositories they have.
	r, err := open(ctx, o.at, o.access)
	if err != nil {
		return nil, err
	}
	all := &remote.Registry{RepositoryOptions: remote.RepositoryOptions{Client: r.remote.Client, PlainHTTP: r.remote.PlainHTTP}}
	all.Reference.Registry = o.at.Host
	var names []string
	err = all.Repositories(ctx, "", func(repositories []string) error {
		for _, repository := range repositories {
			if name, below := strings.CutPrefix(repository, o.at.Repository+"/"); below && !strings.Contains(name, "/") {
				names = append(names, name)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s has no version, and %s does not say what there is below it: name the integrations: %w", o.at, o.at.Host, err)
	}
	return names, nil
}

// repository is that of an integration.
func (o *origin) repository(ctx context.Context, name string) (*repository, error) {
	o.mu.Lock()
	r := o.repositories[name]
	o.mu.Unlock()
	if r != nil {
		return r, nil
	}
	a, err := o.at.below(name)
	if err != nil {
		return nil, err
	}
	if r, err = open(ctx, a, o.access); err != nil {
		return nil, err
	}
	o.mu.Lock()
	o.repositories[name] = r
	o.mu.Unlock()
	return r, nil
}

// Versions reads those that the mirror has not. One that is gone here stays there.
func (o *origin) Versions(ctx context.Context, name string, old *registry.Versions) (*registry.Versions, error) {
	r, err := o.repository(ctx, name)
	if err != nil {
		return nil, err
	}
	numbers, err := r.versions(ctx)
	if err != nil {
		return nil, err
	}
	if len(numbers) == 0 && len(old.Versions) == 0 {
		return nil, fmt.Errorf("there is no version of %s in %s: %w", name, r.Address, fs.ErrNotExist)
	}
	all := &registry.Versions{Name: name, Versions: slices.Clone(old.Versions)}
	for _, number := range numbers {
		at := slices.IndexFunc(all.Versions, func(v registry.Version) bool { return v.Version == number })
		if at >= 0 {
			d, found, err := r.resolve(ctx, Tag(number, noPlatform))
			if err != nil {
				return nil, err
			}
			if found && d.Digest.String() == all.Versions[at].Origin {
				continue
			}
		}
		c, err := o.contents(ctx, name, number)
		if err != nil {
			return nil, err
		}
		v := registry.Version{Version: number, Origin: c.index.Digest.String(), Files: c.files}
		if at < 0 {
			all.Versions = append(all.Versions, v)
		} else {
			all.Versions[at] = v
		}
	}
	slices.SortFunc(all.Versions, func(a, b registry.Version) int { return -semver.Compare(a.Version, b.Version) })
	return all, nil
}

// contents reads a version, once.
func (o *origin) contents(ctx context.Context, name, number string) (*contents, error) {
	key := name + " " + number
	o.mu.Lock()
	c := o.read[key]
	o.mu.Unlock()
	if c != nil {
		return c, nil
	}
	// Others wait for whoever reads it first, for as long as their contexts last. That one's error is theirs: what is left out of the
	// map is read again when it is asked for again.
	answer := o.reading.DoChan(key, func() (any, error) { return o.readContents(ctx, name, number, key) })
	select {
	case a := <-answer:
		c, _ := a.Val.(*contents)
		return c, a.Err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// readContents reads a version and keeps it by a key.
func (o *origin) readContents(ctx context.Context, name, number, key string) (*contents, error) {
	o.mu.Lock()
	c := o.read[key]
	o.mu.Unlock()
	if c != nil { // somebody has read it since the caller looked
		return c, nil
	}
	r, err := o.repository(ctx, name)
	if err != nil {
		return nil, err
	}
	c, err = r.contents(ctx, number)
	if err != nil {
		return nil, err
	}
	if c.name != name {
		return nil, fmt.Errorf("%s holds packages of %s, not of %s", r.tagged(Tag(number, noPlatform)), c.name, name)
	}
	o.mu.Lock()
	o.read[key] = c
	o.mu.Unlock()
	return c, nil
}

// contentsOf are those that have a file of an integration.
func (o *origin) contentsOf(ctx context.Context, name, file string) (*contents, error) {
	number, pkg := path.Dir(file), file
	if of, is := image.PackageOf(file); is {
		pkg = of
	}
	if id, err := manifest.ParseFileName(pkg); err == nil {
		number = id.Version
	}
	return o.contents(ctx, name, number)
}

func (o *origin) Open(ctx context.Context, name, file string, offset int64) (io.ReadCloser, int64, error) {
	c, err := o.contentsOf(ctx, name, file)
	if err != nil {
		return nil, 0, err
	}
	return c.blob(ctx, c.layers[file], offset)
}

func (o *origin) Beside(ctx context.Context, name string, file release.File, extension string, trust release.Trust) ([]byte, error) {
	c, err := o.contentsOf(ctx, name, file.Name)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	beside := c.beside[file.Name]
	o.mu.Unlock()
	if beside == nil {
		if beside, err = c.readBeside(ctx, file, trust); err != nil {
			return nil, err
		}
		o.mu.Lock()
		c.beside[file.Name] = beside
		o.mu.Unlock()
	}
	return beside(extension)
}

// contents is all that a version holds.
type contents struct {
	*version
	// name is the integration's.
	name string
	// files are sorted by name; layers has where each is.
	files  []release.File
	layers map[string]ocispec.Descriptor
	// artifacts are the layers of each artifact, by their titles.
	artifacts []map[string]ocispec.Descriptor
	// beside has the sums and signatures that were read, by the names of the files.
	beside map[string]release.Beside
}

// readBeside reads the sum and the signature of a file.
func (c *contents) readBeside(ctx context.Context, file release.File, trust release.Trust) (release.Beside, error) {
	var all []map[string][]byte
	for _, layers := range c.artifacts {
		one, err := c.pair(ctx, path.Base(file.Name), layers)
		if err != nil {
			return nil, err
		}
		if len(one) > 0 {
			all = append(all, one)
		}
	}
	return best(all, trust, release.Sum{Name: path.Base(file.Name), SHA256: file.SHA256})
}

// contents reads all manifests of a version.
func (r *repository) contents(ctx context.Context, number string) (*contents, error) {
	v, err := r.version(ctx, number)
	if err != nil {
		return nil, err
	}
	c := &contents{version: v, layers: map[string]ocispec.Descriptor{}, beside: map[string]release.Beside{}}
	for _, d := range v.packages {
		p, err := v.packaged(ctx, d)
		if err != nil {
			return nil, err
		}
		if c.name != "" && c.name != p.Name {
			return nil, fmt.Errorf("%s holds packages of %s and of %s", r.tagged(Tag(number, noPlatform)), c.name, p.Name)
		}
		c.name = p.Name
		if err := c.add(p.FileName(), p.layer, ptarread.MaxUnpacked); err != nil {
			return nil, err
		}
		if err := c.refer(ctx, p.manifest, TypeSignature, TypeParts, TypeProvenance, TypeImage); err != nil {
			return nil, err
		}
	}
	if err := c.refer(ctx, v.index, TypeRelease); err != nil {
		return nil, err
	}
	slices.SortFunc(c.files, func(a, b release.File) int { return strings.Compare(a.Name, b.Name) })
	if sum := filesDigest(c.files); sum != v.files {
		return nil, fmt.Errorf("%s has not the files that it was published with: something of it was not published yet, was taken away, "+
			"or was added: kpkg publish puts back what is missing", r.tagged(Tag(number, noPlatform)))
	}
	return c, nil
}

// add notes a file.
func (c *contents) add(name string, layer ocispec.Descriptor, limit int64) error {
	if known, found := c.layers[name]; found {
		if known.Digest != layer.Digest {
			return fmt.Errorf("%s has %s twice, with other bytes", c.tagged(Tag(c.number, noPlatform)), name)
		}
		return nil
	}
	if layer.Size < 0 || layer.Size > limit {
		return fmt.Errorf("%s in %s is larger than %d bytes", name, c.tagged(Tag(c.number, noPlatform)), limit)
	}
	c.layers[name] = layer
	c.files = append(c.files, release.File{Name: name, Size: layer.Size, SHA256: layer.Digest.Encoded()})
	return nil
}

// refer notes the files in the artifacts of some kinds that refer to a manifest.
func (c *contents) refer(ctx context.Context, subject ocispec.Descriptor, kinds ...string) error {
	referrers, err := c.referrers(ctx, subject)
	if err != nil {
		return err
	}
	for _, d := range ours(referrers, kinds...) {
		layers, err := c.artifact(ctx, d, subject)
		if err != nil {
			return err
		}
		c.artifacts = append(c.artifacts, layers)
		for name, layer := range layers {
			if isSidecar(name) {
				continue
			}
			if err := c.add(registry.Place(c.number, name), layer, registry.MaxLength(name)); err != nil {
				return err
			}
		}
	}
	return nil
}
