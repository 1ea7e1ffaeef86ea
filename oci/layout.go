package oci

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/registry"
	"github.com/PlakarKorp/kpkg/release"
)

// The types of what is in a repository.
const (
	// TypeIntegration is the artifact type of a version's index, TypePackage that of a package's manifest.
	TypeIntegration = "application/vnd.plakar.integration.v1"
	TypePackage     = "application/vnd.plakar.package.v1"
	// TypePtar is the media type of a package.
	TypePtar = "application/vnd.plakar.ptar"
	// TypeSignature is the artifact type of the sum and the signature of a package, and the media type of signify's signatures.
	TypeSignature = "application/vnd.plakar.signature.v1"
	// TypeParts and TypeProvenance are those of what tells of a package what it is made of, and how it was made.
	TypeParts      = "application/vnd.cyclonedx+json"
	TypeProvenance = "application/vnd.in-toto+json"
	// TypeImage is that of the images that serve a package's connectors, and the media type of their archive.
	TypeImage = "application/vnd.plakar.image.v1"
	// TypeRelease is the artifact type of the recipe, the notes and whatever else a version has.
	TypeRelease = "application/vnd.plakar.release.v1"
)

// annotationFiles is the annotation of an index with a sum over the names and sums of all files of the version: who adds an
// artifact to the repository changes no version by it.
const annotationFiles = "io.plakar.files"

// object is a manifest, or a small blob, that is in memory.
type object struct {
	ocispec.Descriptor
	data []byte
}

func newObject(mediaType string, data []byte) object {
	return object{ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}, data}
}

// empty is the configuration of artifacts, which have none (image-spec v1.1, "Guidance for an Empty Descriptor").
var empty = newObject(ocispec.MediaTypeEmptyJSON, []byte("{}"))

// set is all that a version is in a repository.
type set struct {
	tag string
	// blobs are the files, by digest, each once.
	blobs map[digest.Digest]blob
	// packages are their manifests, by tag.
	packages map[string]object
	index    object
	// referrers are what refers to each manifest.
	referrers map[digest.Digest][]object
}

// blob is content on disk or, with data, in memory.
type blob struct {
	object
	// name is for people.
	name string
	path string
	// at is where it begins in the file, in bytes.
	at int64
}

// noPlatform is that of the index of all.
var noPlatform executable.Platform

// Tag is the tag of a version, or of its package for a platform. Tags know no "+".
func Tag(version string, platform executable.Platform) string {
	tag := strings.ReplaceAll(version, "+", "_")
	if platform != noPlatform {
		tag += "-" + platform.OS + "-" + platform.Arch
	}
	return tag
}

// versionOf is the version that a tag is of, "" for a tag that kpkg does not give to versions.
func versionOf(tag string) string {
	version := strings.ReplaceAll(tag, "_", "+")
	if canonical, err := manifest.NormalizeVersion(version); err != nil || canonical != version {
		return ""
	}
	return version
}

// newSet makes the manifests of a release. besides gives the content of the sum or signature beside a file, nil for none.
func newSet(r registry.Release, besides func(file, extension string) ([]byte, error)) (*set, error) {
	s := &set{
		tag: Tag(r.Version.Version, noPlatform), blobs: map[digest.Digest]blob{}, packages: map[string]object{},
		referrers: map[digest.Digest][]object{},
	}
	s.blobs[empty.Digest] = blob{object: empty, name: "the empty configuration"}
	annotations := describe(r.Entry)
	index := ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, ArtifactType: TypeIntegration,
		Manifests: []ocispec.Descriptor{}, Annotations: describe(r.Entry),
	}
	index.Annotations[annotationFiles] = filesDigest(r.Files)
	manifests := map[string]object{}
	for _, name := range r.Packages() {
		file := find(r.Files, name)
		id, err := manifest.ParseFileName(name)
		if err != nil {
			return nil, err
		}
		layer := s.layer(r, file, TypePtar)
		m, err := artifact(TypePackage, nil, annotations, layer)
		if err != nil {
			return nil, err
		}
		manifests[name] = m
		s.packages[Tag(id.Version, executable.Platform{OS: id.OS, Arch: id.Arch})] = m
		listed := m.Descriptor
		listed.ArtifactType = TypePackage
		listed.Platform = &ocispec.Platform{OS: id.OS, Architecture: id.Arch}
		listed.Annotations = map[string]string{ocispec.AnnotationTitle: name}
		index.Manifests = append(index.Manifests, listed)
	}
	var err error
	if s.index, err = encode(ocispec.MediaTypeImageIndex, index); err != nil {
		return nil, err
	}
	// What refers to them: of each package what is beside it, to the index all the rest.
	var rest []ocispec.Descriptor
	for _, f := range r.Files {
		layers, err := s.besides(r, f, besides)
		if err != nil {
			return nil, err
		}
		subject, kind := manifests[f.Name], TypeSignature
		if _, isPackage := manifests[f.Name]; !isPackage {
			media := mediaType(f.Name)
			layers = append([]ocispec.Descriptor{s.layer(r, f, media)}, layers...)
			of := packageOf(path.Base(f.Name))
			if subject, kind = manifests[of], media; of == "" || subject.data == nil || !ofPackage(media) {
				rest = append(rest, layers...)
				continue
			}
		}
		if len(layers) == 0 {
			continue // a package without a sum
		}
		if err := s.refer(subject, kind, layers); err != nil {
			return nil, err
		}
	}
	if len(rest) > 0 {
		if err := s.refer(s.index, TypeRelease, rest); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func find(files []release.File, name string) release.File {
	return files[slices.IndexFunc(files, func(f release.File) bool { return f.Name == name })]
}

// ofPackage tells the types of what refers to a package's manifest, beside its signatures.
func ofPackage(kind string) bool {
	return kind == TypeParts || kind == TypeProvenance || kind == TypeImage
}

// packageOf is the name of the package that a file of a release is about by its own name, "" for none.
func packageOf(name string) string {
	if of, is := image.PackageOf(name); is {
		return of
	}
	at := strings.Index(name, manifest.Extension+".")
	if at < 0 {
		return ""
	}
	return name[:at+len(manifest.Extension)]
}

// layer is a file of the release as a layer. Its title is the name under which tools store it.
func (s *set) layer(r registry.Release, f release.File, media string) ocispec.Descriptor {
	d := ocispec.Descriptor{MediaType: media, Digest: digest.NewDigestFromEncoded(digest.SHA256, f.SHA256), Size: f.Size}
	s.blobs[d.Digest] = blob{object: object{Descriptor: d}, name: path.Base(f.Name), path: r.Paths[f.Name]}
	d.Annotations = map[string]string{ocispec.AnnotationTitle: path.Base(f.Name)}
	return d
}

// besides are the sum and the signature of a file as layers.
func (s *set) besides(
	r registry.Release, f release.File, besides func(file, extension string) ([]byte, error),
) ([]ocispec.Descriptor, error) {
	var layers []ocispec.Descriptor
	for _, extension := range []string{release.SumExtension, release.SignatureExtension} {
		data, err := besides(r.Paths[f.Name], extension)
		if err != nil {
			return nil, fmt.Errorf("reading %s%s: %w", r.Paths[f.Name], extension, err)
		}
		if data == nil {
			continue
		}
		name := path.Base(f.Name) + extension
		o := newObject(mediaType(name), data)
		s.blobs[o.Digest] = blob{object: o, name: name}
		d := o.Descriptor
		d.Annotations = map[string]string{ocispec.AnnotationTitle: name}
		layers = append(layers, d)
	}
	return layers, nil
}

// refer adds an artifact that refers to a manifest.
func (s *set) refer(subject object, kind string, layers []ocispec.Descriptor) error {
	to := subject.Descriptor
	o, err := artifact(kind, &to, nil, layers...)
	if err != nil {
		return err
	}
	s.referrers[to.Digest] = append(s.referrers[to.Digest], o)
	return nil
}

// isSidecar tells the name of the sum or the signature of a file.
func isSidecar(name string) bool {
	return strings.HasSuffix(name, release.SumExtension) || strings.HasSuffix(name, release.SignatureExtension)
}

// mediaType is the media type of a file of a release that is no package.
func mediaType(name string) string {
	switch {
	case strings.HasSuffix(name, release.SignatureExtension):
		return TypeSignature
	case strings.HasSuffix(name, release.PartsExtension):
		return TypeParts
	case strings.HasSuffix(name, release.ProvenanceExtension):
		return TypeProvenance
	case strings.HasSuffix(name, image.Extension):
		return TypeImage
	case path.Ext(name) == ".yaml":
		return "application/yaml"
	case path.Ext(name) == ".md":
		return "text/markdown"
	}
	return "text/plain"
}

// artifact is a manifest of layers.
func artifact(kind string, subject *ocispec.Descriptor, annotations map[string]string, layers ...ocispec.Descriptor) (object, error) {
	return encode(ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: kind,
		Config: empty.Descriptor, Layers: layers, Subject: subject, Annotations: annotations,
	})
}

func encode(mediaType string, value any) (object, error) {
	data, err := json.Marshal(value)
	return newObject(mediaType, data), err
}

// describe are the annotations that the pages of registries show.
func describe(entry registry.Integration) map[string]string {
	annotations := map[string]string{}
	for key, value := range map[string]string{
		ocispec.AnnotationTitle: entry.Name, ocispec.AnnotationVersion: entry.Version, ocispec.AnnotationDescription: entry.Description,
		ocispec.AnnotationLicenses: entry.License, ocispec.AnnotationSource: entry.Repository, ocispec.AnnotationURL: entry.Homepage,
		ocispec.AnnotationAuthors: entry.Contact,
	} {
		if value != "" {
			annotations[key] = value
		}
	}
	return annotations
}

// filesDigest is a sum over the files of a version, wherever each is.
func filesDigest(files []release.File) string {
	lines := make([]string, 0, len(files))
	for _, f := range files {
		lines = append(lines, fmt.Sprintf("%s  %s\n", f.SHA256, path.Base(f.Name)))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return "sha256:" + hex.EncodeToString(sum[:])
}
