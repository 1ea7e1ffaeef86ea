package oci

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/mod/semver"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// isPackageTag tells, of what may be a version with a pre-release by its form, the tag of a package for a platform.
func isPackageTag(version string) bool {
	parts := strings.Split(version, "-")
	if len(parts) < 3 {
		return false
	}
	_, err := executable.ParsePlatform(parts[len(parts)-2] + "/" + parts[len(parts)-1])
	return err == nil
}

// newest is the newest version for everybody in the repository.
func (r *repository) newest(ctx context.Context) (string, error) {
	versions, err := r.versions(ctx)
	if err != nil {
		return "", err
	}
	for _, version := range versions {
		if semver.Prerelease(version) == "" {
			return version, nil
		}
	}
	if len(versions) > 0 {
		return "", fmt.Errorf("%s has pre-releases only: name one, as in %s:%s", r.Address, r.Address, Tag(versions[0], noPlatform))
	}
	return "", fmt.Errorf("there is no version in %s", r.Address)
}

// version is one that a repository has.
type version struct {
	*repository
	number string
	index  ocispec.Descriptor
	// files is what annotationFiles says.
	files string
	// packages are the descriptors of their manifests.
	packages []ocispec.Descriptor
}

// version reads the index of a version.
func (r *repository) version(ctx context.Context, number string) (*version, error) {
	tag := Tag(number, noPlatform)
	d, found, err := r.resolve(ctx, tag)
	if err != nil {
		return nil, err
	}
	if !found {
		all, err := r.versions(ctx)
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("there is no %s in %s; there is %s", number, r.without(), strings.Join(append(all, "nothing else"), ", "))
	}
	var index ocispec.Index
	if d.MediaType != ocispec.MediaTypeImageIndex {
		return nil, fmt.Errorf("%s is no release of an integration, but a %s", r.tagged(tag), finding.Cut(d.MediaType))
	}
	if err := r.manifest(ctx, d, &index); err != nil {
		return nil, err
	}
	switch its := index.Annotations[ocispec.AnnotationVersion]; {
	case index.ArtifactType != TypeIntegration:
		return nil, fmt.Errorf("%s is no release of an integration, but a %s", r.tagged(tag), finding.Cut(index.ArtifactType))
	case its != number:
		return nil, fmt.Errorf("%s leads to the version %s: somebody has given the tag to another one", r.tagged(tag), finding.Cut(its))
	case len(index.Manifests) == 0 || len(index.Manifests) > maxListed:
		return nil, fmt.Errorf("%s lists %d packages", r.tagged(tag), len(index.Manifests))
	}
	return &version{r, number, d, index.Annotations[annotationFiles], index.Manifests}, nil
}

func (r *repository) without() Address { return Address{Host: r.Host, Repository: r.Repository} }

// packaged is a package in a repository.
type packaged struct {
	manifest.Identity
	manifest ocispec.Descriptor
	layer    ocispec.Descriptor
}

// packaged reads the manifest of a package, and holds what it says to the version that lists it.
func (v *version) packaged(ctx context.Context, d ocispec.Descriptor) (*packaged, error) {
	fail := func(format string, args ...any) (*packaged, error) {
		return nil, fmt.Errorf("the manifest %s in %s is none of a package of %s: %s",
			d.Digest, v.Address, v.number, fmt.Sprintf(format, args...))
	}
	var m ocispec.Manifest
	if d.MediaType != ocispec.MediaTypeImageManifest {
		return fail("it is a %s", finding.Cut(d.MediaType))
	}
	if err := v.manifest(ctx, d, &m); err != nil {
		return nil, err
	}
	if m.ArtifactType != TypePackage || len(m.Layers) != 1 {
		return fail("it has the type %s and %d layers", finding.Cut(m.ArtifactType), len(m.Layers))
	}
	if err := v.config(ctx, m); err != nil {
		return nil, err
	}
	p := &packaged{manifest: d, layer: m.Layers[0]}
	var err error
	if p.Identity, err = manifest.ParseFileName(title(p.layer)); err != nil {
		return fail("%v", err)
	}
	switch {
	case p.Version != v.number:
		return fail("it is of %s", p.Version)
	case d.Platform == nil || d.Platform.OS != p.OS || d.Platform.Architecture != p.Arch:
		return fail("%s is not for the platform that it is listed for", p.FileName())
	case p.layer.Digest.Validate() != nil || p.layer.Digest.Algorithm() != "sha256":
		return fail("it has no SHA-256")
	case p.layer.Size < 0 || p.layer.Size > ptarread.MaxUnpacked:
		return fail("it has %d bytes", p.layer.Size)
	}
	return p, nil
}

// config holds the configuration of an artifact to its digest: there is nothing in it.
func (r *repository) config(ctx context.Context, m ocispec.Manifest) error {
	if m.Config.Digest != empty.Digest || m.Config.Size != empty.Size {
		return fmt.Errorf("a manifest in %s has a configuration, %s", r.Address, m.Config.Digest)
	}
	_, err := r.small(ctx, m.Config, empty.Size)
	return err
}

// artifact reads an artifact that refers to a manifest: its layers by their names.
func (r *repository) artifact(ctx context.Context, d, subject ocispec.Descriptor) (map[string]ocispec.Descriptor, error) {
	var m ocispec.Manifest
	if err := r.manifest(ctx, d, &m); err != nil {
		return nil, err
	}
	if m.Subject == nil || m.Subject.Digest != subject.Digest || len(m.Layers) > maxListed {
		return nil, fmt.Errorf("the artifact %s in %s is not one of what it is listed for", d.Digest, r.Address)
	}
	if err := r.config(ctx, m); err != nil {
		return nil, err
	}
	return r.layers(d, m)
}

// layers are those of an artifact by their names, which are names of files.
func (r *repository) layers(d ocispec.Descriptor, m ocispec.Manifest) (map[string]ocispec.Descriptor, error) {
	layers := map[string]ocispec.Descriptor{}
	for _, layer := range m.Layers {
		name := title(layer)
		if name != path.Base(name) || strings.ContainsAny(name, "\\\x00\n") || strings.HasPrefix(name, ".") || layer.Digest.Validate() != nil ||
			layer.Digest.Algorithm() != "sha256" {
			return nil, fmt.Errorf("the artifact %s in %s holds %s, which is no name of a file", d.Digest, r.Address, finding.Cut(name))
		}
		layers[name] = layer
	}
	return layers, nil
}

// ours are the artifacts among those that refer to a manifest whose type is one of kpkg's.
func ours(referrers []ocispec.Descriptor, kinds ...string) []ocispec.Descriptor {
	return slices.DeleteFunc(slices.Clone(referrers), func(d ocispec.Descriptor) bool {
		return d.MediaType != ocispec.MediaTypeImageManifest || !slices.Contains(kinds, d.ArtifactType)
	})
}
