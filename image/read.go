package image

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/sha256sum"
)

// Limits of what is read of one archive.
const (
	maxEntries  = 1000      // files in it
	maxJSON     = 512 << 10 // bytes of one description, which may take fifty times as much in memory
	maxAllJSON  = 4 << 20   // bytes of all descriptions
	maxImages   = 100       // images in it
	maxLayers   = 127       // layers of an image, as docker has it
	maxUnpacked = 4 << 30   // bytes that its layers unpack to
	maxFiles    = 100_000   // files that they unpack to
	maxName     = 4096      // bytes of the name of such a file, as Linux has it (PATH_MAX)
)

// MaxArchive is how long an archive may be, in bytes.
const MaxArchive = 8 << 30

// Archive is an open archive of images.
type Archive struct {
	Images []Found
	// SHA256 is that of the file, in lower-case hexadecimal, Size its length in bytes.
	SHA256 string
	Size   int64

	file   *os.File
	blobs  map[string]section
	summed map[string]bool // the blobs whose sums are right
	json   int64           // bytes that have been read of descriptions

	// What may still be unpacked: bytes of layers, those of files, in which layers may leave holes, and files.
	layersLeft, contentLeft, filesLeft int64
}

// Found is an image of an archive: what its configuration says.
type Found struct {
	ID       string
	OS, Arch string
	// Reference is its name, "" for none.
	Reference string
	// User is as it is written there, such as "65532:65532"; "" is root.
	User       string
	Entrypoint []string
	Env        []string
	Labels     map[string]string

	manifest v1.Descriptor
	config   v1.Descriptor
	layers   []v1.Descriptor
	diffIDs  []v1.Hash
}

type section struct{ at, size int64 }

// Read opens the archive at path and compares the sums of all that its images are made of. Whatever is in it, the error says what
// is wrong with it; one that is not there wraps fs.ErrNotExist.
func Read(ctx context.Context, path string) (_ *Archive, err error) {
	file, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	a := &Archive{
		file: file, blobs: map[string]section{}, summed: map[string]bool{},
		layersLeft: maxUnpacked, contentLeft: maxUnpacked, filesLeft: maxFiles,
	}
	defer func() {
		if err != nil {
			file.Close()
			err = fmt.Errorf("reading the image %s: %w", path, err)
		}
	}()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > MaxArchive {
		return nil, fmt.Errorf("it has %d bytes, more than %d", info.Size(), int64(MaxArchive))
	}
	if a.SHA256, a.Size, err = sha256sum.Of(ctx, io.NewSectionReader(file, 0, MaxArchive)); err != nil {
		return nil, err
	}
	if err := a.scan(); err != nil {
		return nil, err
	}
	var index v1.IndexManifest
	if err := a.decode("index.json", &index); err != nil {
		return nil, err
	}
	if len(index.Manifests) == 0 || len(index.Manifests) > maxImages {
		return nil, fmt.Errorf("it holds %d images", len(index.Manifests))
	}
	for _, descriptor := range index.Manifests {
		found, err := a.image(ctx, descriptor)
		if err != nil {
			return nil, err
		}
		a.Images = append(a.Images, found)
	}
	return a, a.sameForDocker()
}

// sameForDocker refuses an archive in which docker before version 25, and podman at any, would find other images: they do not read the
// index. An archive that is not for them is fine.
func (a *Archive) sameForDocker() error {
	var all []loaded
	if err := a.decode("manifest.json", &all); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	for _, one := range all {
		same := slices.ContainsFunc(a.Images, func(f Found) bool {
			return one.Config == blobName(f.ID) && slices.EqualFunc(one.Layers, f.layers, func(name string, layer v1.Descriptor) bool {
				return name == blobName(layer.Digest.String())
			})
		})
		if !same {
			return errors.New("its manifest.json has an image that its index.json has not")
		}
	}
	return nil
}

// Close closes the archive.
func (a *Archive) Close() error { return a.file.Close() }

// Find is the image of an ID.
func (a *Archive) Find(id string) (Found, bool) {
	for _, found := range a.Images {
		if found.ID == id {
			return found, true
		}
	}
	return Found{}, false
}

// scan finds where the files of the archive are.
func (a *Archive) scan() error {
	position := &counted{r: io.NewSectionReader(a.file, 0, a.Size)}
	in := tar.NewReader(position)
	for entries := 0; ; entries++ {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("it is no archive of images: %w", err)
		}
		if entries == maxEntries {
			return fmt.Errorf("it has more than %d files", maxEntries)
		}
		if header.Typeflag == tar.TypeReg {
			if header.Size > a.Size-position.at {
				return errors.New("it is cut short")
			}
			a.blobs[header.Name] = section{position.at, header.Size}
		}
	}
}

// counted knows how far it is read, and skips as fast as its source can.
type counted struct {
	r  *io.SectionReader
	at int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.at += int64(n)
	return n, err
}

func (c *counted) Seek(offset int64, whence int) (int64, error) {
	at, err := c.r.Seek(offset, whence)
	if err == nil {
		c.at = at
	}
	return at, err
}

func (a *Archive) open(name string) (*io.SectionReader, error) {
	at, there := a.blobs[name]
	if !there {
		return nil, fmt.Errorf("it has no file %.100q: %w", name, fs.ErrNotExist)
	}
	return io.NewSectionReader(a.file, at.at, at.size), nil
}

func (a *Archive) decode(name string, into any) error {
	content, err := a.small(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("its %s is no such JSON: %w", name, err)
	}
	return nil
}

func (a *Archive) small(name string) ([]byte, error) {
	r, err := a.open(name)
	if err != nil {
		return nil, err
	}
	if r.Size() > maxJSON {
		return nil, fmt.Errorf("its %s has %d bytes, more than %d", name, r.Size(), maxJSON)
	}
	if a.json += r.Size(); a.json > maxAllJSON {
		return nil, fmt.Errorf("it describes its images in more than %d bytes", maxAllJSON)
	}
	return io.ReadAll(io.LimitReader(r, maxJSON))
}

// blob returns a small blob whose size and sum are right.
func (a *Archive) blob(its v1.Descriptor) ([]byte, error) {
	name, err := nameOf(its.Digest)
	if err != nil {
		return nil, err
	}
	content, err := a.small(name)
	if err != nil {
		return nil, err
	}
	sum, size, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	return content, sameAs(its, name, sum.Hex, size)
}

// sameAs holds a blob to what describes it.
func sameAs(its v1.Descriptor, name, sum string, size int64) error {
	if sum != its.Digest.Hex {
		return fmt.Errorf("it is damaged: %s has the sum %s", name, sum)
	}
	if size != its.Size {
		return fmt.Errorf("it is damaged: %s has %d bytes, not %d as it is said to", name, size, its.Size)
	}
	return nil
}

func nameOf(digest v1.Hash) (string, error) {
	if sum, err := hex.DecodeString(digest.Hex); digest.Algorithm != "sha256" || err != nil || len(sum) != 32 {
		return "", fmt.Errorf("%.100q is no SHA-256", digest.String())
	}
	return blobName(digest.String()), nil
}

// image reads one image, and its layers for their sums.
func (a *Archive) image(ctx context.Context, descriptor v1.Descriptor) (Found, error) {
	raw, err := a.blob(descriptor)
	if err != nil {
		return Found{}, err
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return Found{}, fmt.Errorf("a manifest in it is no such JSON: %w", err)
	}
	raw, err = a.blob(manifest.Config)
	if err != nil {
		return Found{}, err
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(raw))
	if err != nil {
		return Found{}, fmt.Errorf("a configuration in it is no such JSON: %w", err)
	}
	if len(manifest.Layers) > maxLayers {
		return Found{}, fmt.Errorf("an image has %d layers, more than %d", len(manifest.Layers), maxLayers)
	}
	if len(manifest.Layers) != len(config.RootFS.DiffIDs) {
		return Found{}, fmt.Errorf("an image has %d layers, and the sums of %d", len(manifest.Layers), len(config.RootFS.DiffIDs))
	}
	found := Found{
		ID: manifest.Config.Digest.String(), OS: config.OS, Arch: config.Architecture, Reference: descriptor.Annotations[nameAnnotation],
		User: config.Config.User, Entrypoint: config.Config.Entrypoint, Env: config.Config.Env, Labels: config.Config.Labels,
		manifest: descriptor, config: manifest.Config, layers: manifest.Layers, diffIDs: config.RootFS.DiffIDs,
	}
	for _, layer := range manifest.Layers {
		if err := a.sum(ctx, layer); err != nil {
			return Found{}, err
		}
	}
	return found, nil
}

// sum compares a layer's size and sum, each layer's once, however many images have it.
func (a *Archive) sum(ctx context.Context, layer v1.Descriptor) error {
	name, err := nameOf(layer.Digest)
	if err != nil {
		return err
	}
	r, err := a.open(name)
	if err != nil {
		return err
	}
	sum := layer.Digest.Hex
	if !a.summed[name] {
		if sum, _, err = sha256sum.Of(ctx, r); err != nil {
			return err
		}
	}
	a.summed[name] = true
	return sameAs(layer, name, sum, r.Size())
}

// IsRoot tells that an image's user is root, as it is where none is named.
func (f Found) IsRoot() bool {
	name, _, _ := strings.Cut(f.User, ":")
	return name == "" || name == "root" || strings.Trim(name, "0") == ""
}
