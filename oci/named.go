package oci

import (
	"context"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	orasregistry "oras.land/oras-go/v2/registry"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/registry"
	"github.com/PlakarKorp/kpkg/verify"
)

// PushedImage is what was done with the images of a version that have one name.
type PushedImage struct {
	// Reference is the name, as manifests have it; Digest that of the index that lists the images of the platforms.
	Reference string `json:"reference"`
	Digest    string `json:"digest"`
	What      What   `json:"what"`
}

// named are the images of a version that have one name, one for each platform, and the index of them that gets the name's tag.
type named struct {
	PushedImage
	*repository
	tag    string
	blobs  map[digest.Digest]blob
	images []object
	index  object
}

// findNamed reads the images of a release that its packages name, and looks for each name in its registry: other images under it are
// refused. The release itself goes to the repository at a, by a tag.
func findNamed(ctx context.Context, r registry.Release, a Address, tag string, access Access) ([]*named, error) {
	var all []*named
	listed := map[*named]*ocispec.Index{}
	for _, its := range r.Images {
		for _, i := range its.Images {
			if i.Reference == "" {
				continue // for whoever loads the archive
			}
			at := slices.IndexFunc(all, func(n *named) bool { return n.Reference == i.Reference })
			if at < 0 {
				n, err := openNamed(ctx, i.Reference, a, tag, access)
				if err != nil {
					return nil, err
				}
				at, all = len(all), append(all, n)
				listed[n] = &ocispec.Index{
					Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Annotations: describe(r.Entry),
				}
			}
			d, err := all[at].add(ctx, r.Paths[its.File], its, i.ID)
			if err != nil {
				return nil, err
			}
			index := listed[all[at]]
			d.Platform = &ocispec.Platform{OS: i.OS, Architecture: i.Arch}
			if slices.ContainsFunc(index.Manifests, func(other ocispec.Descriptor) bool {
				return other.Platform.OS == i.OS && other.Platform.Architecture == i.Arch
			}) {
				return nil, fmt.Errorf("%s is the name of two images for %s/%s: give each a name of its own", i.Reference, i.OS, i.Arch)
			}
			index.Manifests = append(index.Manifests, d)
		}
	}
	for _, n := range all {
		var err error
		if n.index, err = encode(ocispec.MediaTypeImageIndex, listed[n]); err != nil {
			return nil, err
		}
		n.Digest, n.What = n.index.Digest.String(), Added
		d, found, err := n.resolve(ctx, n.tag)
		if err != nil {
			return nil, err
		}
		if found && d.Digest != n.index.Digest {
			return nil, fmt.Errorf("the image %s is there already, as %s, and is to be %s: %w", n.Reference, d.Digest, n.Digest, ErrDifferent)
		}
		if found {
			n.What = Unchanged
		}
	}
	return all, nil
}

// openNamed opens the repository of an image's name. In the repository of the packages, where a version's tag is that of its packages,
// it must have another.
func openNamed(ctx context.Context, reference string, a Address, tag string, access Access) (*named, error) {
	if err := image.CheckReference(reference); err != nil {
		return nil, err
	}
	parsed, err := orasregistry.ParseReference(reference)
	if err != nil {
		return nil, fmt.Errorf("%s is no name of an image in a registry: %w", finding.Cut(reference), err)
	}
	to := Address{Host: parsed.Registry, Repository: parsed.Repository}
	if to.Host == a.Host && to.Repository == a.Repository && (versionOf(parsed.Reference) != "" || parsed.Reference == partPrefix+tag) {
		return nil, fmt.Errorf("the image %s would have the tag of packages, which go to the same repository: release it by another name, "+
			"such as %s/%s:image-%s", reference, to.Host, to.Repository, tag)
	}
	n := &named{tag: parsed.Reference, blobs: map[digest.Digest]blob{}}
	n.Reference = reference
	n.repository, err = open(ctx, to, access)
	return n, err
}

// add takes an image out of an archive, which must be the one that was judged.
func (n *named) add(ctx context.Context, path string, judged verify.Images, id string) (d ocispec.Descriptor, err error) {
	archive, err := image.Read(ctx, path)
	if err != nil {
		return d, err
	}
	defer archive.Close()
	found, there := archive.Find(id)
	if !there || archive.SHA256 != judged.SHA256 {
		return d, fmt.Errorf("%s was changed after it was judged: something else writes there", path)
	}
	pieces, err := archive.Pieces(found)
	if err != nil {
		return d, fmt.Errorf("reading %s: %w", path, err)
	}
	for _, p := range pieces.Blobs {
		o := object{Descriptor: ocispec.Descriptor{MediaType: "application/octet-stream", Digest: digest.Digest(p.Digest), Size: p.Size}}
		n.blobs[o.Digest] = blob{object: o, name: n.Reference, path: path, at: p.Offset}
	}
	o := newObject(pieces.MediaType, pieces.Manifest)
	n.images = append(n.images, o)
	return o.Descriptor, nil
}

// push sends what is not there: layers and configurations, the images by their digests, and last the index by its tag.
func (n *named) push(ctx context.Context, progress func(string, int64)) error {
	if n.What == Unchanged {
		return nil
	}
	if err := n.pushBlobs(ctx, n.blobs, progress); err != nil {
		return err
	}
	for _, o := range n.images {
		if err := n.pushManifest(ctx, o, o.Digest.String()); err != nil {
			return err
		}
	}
	return n.pushManifest(ctx, n.index, n.tag)
}
