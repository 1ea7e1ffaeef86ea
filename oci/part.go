package oci

import (
	"bytes"
	"context"
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

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/sha256sum"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/registry"
	"github.com/PlakarKorp/kpkg/release"
)

// TypePart is the artifact type of what a version has beside its packages, ahead of its index: unsigned, as the job left it that made
// them. Its tag is that of the version with partPrefix, which makes it no version's.
const (
	TypePart   = "application/vnd.plakar.part.v1"
	partPrefix = "part-"
)

// PublishPart puts releases into a registry ahead of their versions, which do not exist by it: the packages under their own tags, and all
// the rest, with the record of what they are a part of, under a tag that is no version's. What is there already stays as it is, but
// for the record of another plan; a package with other bytes is refused. What an interrupted run has left undone is done.
func PublishPart(ctx context.Context, a Address, releases []registry.Release, record []byte, opts PublishOptions) ([]Pushed, error) {
	var pushed []Pushed
	for _, r := range releases {
		to := a
		var err error
		if !opts.Single {
			if to, err = a.below(r.Entry.Name); err != nil {
				return pushed, fmt.Errorf("%s gets no repository of its name: %w", r.Entry.Name, err)
			}
		}
		to.Version = r.Version.Version
		repository, err := open(ctx, to, opts.Access)
		if err != nil {
			return pushed, err
		}
		s, part, err := newPart(r, record)
		if err != nil {
			return pushed, err
		}
		what, err := repository.pushPart(ctx, s, part, opts.Progress)
		if err != nil {
			return pushed, err
		}
		pushed = append(pushed, Pushed{
			Name: r.Entry.Name, Version: r.Version.Version, What: what,
			Reference: repository.tagged(partPrefix + s.tag), Digest: part.Digest.String(),
		})
	}
	return pushed, nil
}

// newPart makes the manifests of a release's packages, as they are in the version, and that of the rest.
func newPart(r registry.Release, record []byte) (s *set, part object, err error) {
	if s, err = newSet(r, func(string, string) ([]byte, error) { return nil, nil }); err != nil {
		return nil, object{}, err
	}
	o := newObject("application/json", record)
	s.blobs[o.Digest] = blob{object: o, name: release.PartName}
	d := o.Descriptor
	d.Annotations = map[string]string{ocispec.AnnotationTitle: release.PartName}
	layers := []ocispec.Descriptor{d}
	for _, f := range r.Files {
		if !strings.HasSuffix(f.Name, manifest.Extension) {
			layers = append(layers, s.layer(r, f, mediaType(f.Name)))
		}
	}
	part, err = artifact(TypePart, nil, describe(r.Entry), layers...)
	return s, part, err
}

// pushPart sends what is not there: files, the packages' manifests, and last the part by its tag.
func (r *repository) pushPart(ctx context.Context, s *set, part object, progress func(string, int64)) (What, error) {
	there := 0
	for _, tag := range slices.Sorted(maps.Keys(s.packages)) {
		d, found, err := r.resolve(ctx, tag)
		if err != nil {
			return "", err
		}
		if found && d.Digest != s.packages[tag].Digest {
			return "", fmt.Errorf("%s is there already, with other bytes: %w", r.tagged(tag), ErrDifferent)
		}
		if found {
			there++
		}
	}
	_, published, err := r.resolve(ctx, s.tag)
	if err != nil {
		return "", err
	}
	d, found, err := r.resolve(ctx, partPrefix+s.tag)
	if err != nil {
		return "", err
	}
	switch {
	case published && there < len(s.packages):
		return "", fmt.Errorf("%s is published already, without all of these packages: %w", r.tagged(s.tag), ErrDifferent)
	case there == len(s.packages) && (published || found && d.Digest == part.Digest):
		return Unchanged, nil
	}
	if err := r.pushBlobs(ctx, s.blobs, progress); err != nil {
		return "", err
	}
	for _, tag := range slices.Sorted(maps.Keys(s.packages)) {
		if err := r.pushManifest(ctx, s.packages[tag], tag); err != nil {
			return "", err
		}
	}
	tag := partPrefix + s.tag
	err = r.explain("publishing "+r.tagged(tag), r.remote.PushReference(ctx, part.Descriptor, bytes.NewReader(part.data), tag))
	if there > 0 || found {
		return Completed, err
	}
	return Added, err
}

// Part is what PublishPart has put into a registry of one integration.
type Part struct {
	// Record is that of what it is a part of.
	Record []byte

	repository *repository
	version    string
	layers     map[string]ocispec.Descriptor
}

// FindPart finds the part of an integration's version; an error about one that is not there wraps fs.ErrNotExist. single has the
// repository at a be the integration's own.
func FindPart(ctx context.Context, a Address, single bool, name, version string, access Access) (*Part, error) {
	if !single {
		var err error
		if a, err = a.below(name); err != nil {
			return nil, fmt.Errorf("%s has no repository of its name: %w", name, err)
		}
	}
	r, err := open(ctx, a, access)
	if err != nil {
		return nil, err
	}
	tag := partPrefix + Tag(version, noPlatform)
	d, found, err := r.resolve(ctx, tag)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("there is no %s: %w", r.tagged(tag), fs.ErrNotExist)
	}
	var m ocispec.Manifest
	if d.MediaType != ocispec.MediaTypeImageManifest {
		return nil, fmt.Errorf("%s is no part of a release", r.tagged(tag))
	}
	if err := r.manifest(ctx, d, &m); err != nil {
		return nil, err
	}
	if m.ArtifactType != TypePart || len(m.Layers) > maxListed {
		return nil, fmt.Errorf("%s is no part of a release", r.tagged(tag))
	}
	p := &Part{repository: r, version: version}
	if p.layers, err = r.layers(d, m); err != nil {
		return nil, err
	}
	record, ok := p.layers[release.PartName]
	if !ok {
		return nil, fmt.Errorf("%s has no %s", r.tagged(tag), release.PartName)
	}
	delete(p.layers, release.PartName)
	for name, layer := range p.layers {
		if path.Ext(name) == manifest.Extension || isSidecar(name) {
			return nil, fmt.Errorf("%s lists %s: packages have tags of their own, and parts no sums and signatures",
				r.tagged(tag), finding.Cut(name))
		}
		if most := registry.MaxLength(name); layer.Size < 0 || layer.Size > most {
			return nil, fmt.Errorf("%s in %s is larger than %d bytes", finding.Cut(name), r.tagged(tag), most)
		}
	}
	p.Record, err = r.small(ctx, record, registry.MaxOther)
	return p, err
}

// Fetch writes the files of the part into a folder, with their sums, and those of its packages for the platforms that are there. Files
// that an earlier run has left there whole are not fetched again; all else in the folder is removed.
func (p *Part) Fetch(ctx context.Context, dir string, platforms []executable.Platform, progress func(name string, size int64)) error {
	layers := maps.Clone(p.layers)
	for _, platform := range platforms {
		d, found, err := p.repository.resolve(ctx, Tag(p.version, platform))
		if err != nil {
			return err
		}
		if !found {
			continue // whoever needs it says so
		}
		d.Platform = &ocispec.Platform{OS: platform.OS, Architecture: platform.Arch}
		one, err := (&version{repository: p.repository, number: p.version}).packaged(ctx, d)
		if err != nil {
			return err
		}
		layers[one.FileName()] = one.layer
	}
	if err := keepWhole(ctx, dir, layers); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(layers)) {
		file := filepath.Join(dir, name)
		if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
			if progress != nil {
				progress(name, layers[name].Size)
			}
			if err := p.fetch(ctx, layers[name], file); err != nil {
				return err
			}
		}
		if _, err := release.WriteSum(ctx, file); err != nil {
			return err
		}
	}
	return nil
}

// keepWhole removes all from a folder but the files that some layers have: the sums of others too, and of files that were there.
func keepWhole(ctx context.Context, dir string, layers map[string]ocispec.Descriptor) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking at what was fetched: %w", err)
	}
	for _, entry := range entries {
		file := filepath.Join(dir, entry.Name())
		if layer, known := layers[entry.Name()]; known && entry.Type().IsRegular() {
			sum, size, err := sha256sum.File(ctx, file)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err == nil && size == layer.Size && digest.NewDigestFromEncoded(digest.SHA256, sum) == layer.Digest {
				continue
			}
		}
		if err := os.RemoveAll(file); err != nil {
			return fmt.Errorf("removing what was fetched before: %w", err)
		}
	}
	return nil
}

// fetch reads a blob into a file.
func (p *Part) fetch(ctx context.Context, layer ocispec.Descriptor, file string) error {
	in, err := p.repository.whole(ctx, layer)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
