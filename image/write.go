package image

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/PlakarKorp/kpkg/internal/interruptible"
)

// layout is the content of the file oci-layout (image-spec v1.1, "Image Layout Specification").
const layout = `{"imageLayoutVersion":"1.0.0"}`

// nameAnnotation is what containerd and docker take an image's name from.
const nameAnnotation = "io.containerd.image.name"

// loaded is an image in the file manifest.json of an archive, which "docker load" reads before version 25 and podman at any.
type loaded struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// Write writes images as an archive in both forms that there are, OCI's layout and docker's, which share the blobs. A reference
// names the image, of which there is one then; "" names none.
func Write(ctx context.Context, w io.Writer, reference string, images ...*Image) error {
	a := archive{ctx: ctx, out: tar.NewWriter(w), written: map[string]bool{}}
	a.file("oci-layout", int64(len(layout)), bytes.NewReader([]byte(layout)))
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}
	var all []loaded
	for _, i := range images {
		manifest, one := a.image(i)
		if reference != "" {
			manifest.Annotations = map[string]string{nameAnnotation: reference}
			one.RepoTags = []string{reference}
		}
		index.Manifests = append(index.Manifests, manifest)
		all = append(all, one)
	}
	a.json("index.json", index)
	a.json("manifest.json", all)
	if a.err == nil {
		a.err = a.out.Close()
	}
	if a.err != nil {
		return fmt.Errorf("writing an image: %w", a.err)
	}
	return nil
}

// archive is one that is being written. The first error stays.
type archive struct {
	ctx     context.Context
	out     *tar.Writer
	written map[string]bool
	err     error
}

// image writes the blobs of an image and says where they are.
func (a *archive) image(i *Image) (manifest v1.Descriptor, one loaded) {
	config, err := i.image.RawConfigFile()
	a.fail(err)
	one.Config = a.blob(i.id, config)
	layers, err := i.image.Layers()
	a.fail(err)
	for _, layer := range layers {
		digest, err := layer.Digest()
		a.fail(err)
		size, err := layer.Size()
		a.fail(err)
		content, err := layer.Compressed()
		a.fail(err)
		if a.err != nil {
			return manifest, one
		}
		name := blobName(digest.String())
		a.once(name, size, content)
		content.Close()
		one.Layers = append(one.Layers, name)
	}
	raw, err := i.image.RawManifest()
	a.fail(err)
	digest, err := i.image.Digest()
	a.fail(err)
	a.blob(digest.String(), raw)
	platform, err := i.image.ConfigFile()
	a.fail(err)
	if a.err != nil {
		return manifest, one
	}
	return v1.Descriptor{
		MediaType: types.OCIManifestSchema1, Size: int64(len(raw)), Digest: digest,
		Platform: &v1.Platform{OS: platform.OS, Architecture: platform.Architecture},
	}, one
}

func (a *archive) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

func (a *archive) blob(digest string, content []byte) string {
	name := blobName(digest)
	a.once(name, int64(len(content)), bytes.NewReader(content))
	return name
}

func blobName(digest string) string { return path.Join("blobs/sha256", digest[len("sha256:"):]) }

// once writes what several images may have in common.
func (a *archive) once(name string, size int64, content io.Reader) {
	if !a.written[name] {
		a.written[name] = true
		a.file(name, size, content)
	}
}

func (a *archive) json(name string, value any) {
	content, err := json.Marshal(value)
	a.fail(err)
	a.file(name, int64(len(content)), bytes.NewReader(content))
}

func (a *archive) file(name string, size int64, content io.Reader) {
	a.fail(context.Cause(a.ctx))
	if a.err != nil {
		return
	}
	a.err = a.out.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size, Typeflag: tar.TypeReg})
	if a.err == nil {
		_, a.err = io.Copy(a.out, interruptible.Reader(a.ctx, content))
	}
}
