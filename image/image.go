package image

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/PlakarKorp/kpkg/executable"
)

// Extension is what the name of an archive ends in, where that of its package ends in .ptar.
const Extension = ".oci.tar"

// Beside is where the archive of the package at path is, unless somebody has put it elsewhere.
func Beside(path string) string { return strings.TrimSuffix(path, packageExtension) + Extension }

// PackageOf is the name of the package that an archive is beside, by the archive's; ok is false for a file that is none by its name.
func PackageOf(name string) (pkg string, ok bool) {
	name, ok = strings.CutSuffix(name, Extension)
	return name + packageExtension, ok
}

// packageExtension ends the names of packages.
const packageExtension = ".ptar"

const (
	// folder holds the executable and its files, as the package holds them.
	folder = "plugin"
	// user is neither root nor anybody of the machine's, group and user alike: the number that images without a system have.
	user = "65532"
)

// File is a file of an image.
type File struct {
	// Name is where it stands in the package, slash-separated.
	Name string
	// Executable gives it mode 0755 instead of 0644.
	Executable bool
	// Open returns the content, from the start, each time it is called.
	Open func() (*os.File, error)
}

// Options are what an image is made of.
type Options struct {
	Platform executable.Platform
	// Executable is the name, among Files, of what the image runs; Files are what it needs beside it, too.
	Executable string
	Files      []File
	// Labels are the image's, by their full names.
	Labels map[string]string
	// Time is that of the image and of each file in it, in whole seconds.
	Time time.Time
}

// Image is an image that can be written.
type Image struct {
	image v1.Image
	id    string
}

// New makes an image. Its files are read, and again when it is written: they must not change meanwhile. The error is that of ctx,
// one of reading, or says why the executable would not run.
func New(ctx context.Context, opts Options) (*Image, error) {
	if opts.Platform.OS != "linux" {
		return nil, fmt.Errorf("an image for %s: images of connectors are made for Linux only", opts.Platform)
	}
	for _, f := range opts.Files {
		if f.Name == opts.Executable {
			if err := runsAlone(f); err != nil {
				return nil, err
			}
		}
	}
	root, err := opts.rootFiles()
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return streamed(ctx, root, opts.Time), nil },
		tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(9))
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("making the layer of an image: %w", err)
	}
	created := v1.Time{Time: opts.Time.UTC().Truncate(time.Second)}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	made, err := mutate.Append(base, mutate.Addendum{Layer: layer, History: v1.History{Created: created, CreatedBy: "kpkg create --image"}})
	if err != nil {
		return nil, fmt.Errorf("making an image: %w", err)
	}
	config, err := made.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("making an image: %w", err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = opts.Platform.OS, opts.Platform.Arch, created
	config.Config = v1.Config{
		User: user + ":" + user, Entrypoint: []string{"/" + path.Join(folder, opts.Executable)}, WorkingDir: "/",
		Env: []string{"HOME=/tmp"}, Labels: maps.Clone(opts.Labels),
	}
	if made, err = mutate.ConfigFile(made, config); err != nil {
		return nil, fmt.Errorf("making an image: %w", err)
	}
	id, err := made.ConfigName()
	if err != nil {
		return nil, fmt.Errorf("making an image: %w", err)
	}
	return &Image{made, id.String()}, nil
}

// ID is what "docker load" shows: the SHA-256 of the image's configuration, "sha256:" and 64 hexadecimal digits. It stands for all
// of the image but the compression of its layer.
func (i *Image) ID() string { return i.id }

// runsAlone refuses an executable that needs more than there is in an image.
func runsAlone(f File) error {
	file, err := f.Open()
	if err != nil {
		return fmt.Errorf("making an image of %s: %w", f.Name, err)
	}
	defer file.Close()
	what, err := executable.Inspect(file)
	if err != nil {
		return fmt.Errorf("making an image of %s: %w", f.Name, err)
	}
	if what.Format != "elf" {
		return fmt.Errorf("making an image of %s: it is no ELF executable (%s), and an image has nothing that runs others: "+
			"make one of your own, and name its image_id in the manifest", f.Name, what.Format)
	}
	program, err := elf.NewFile(file)
	if err != nil {
		return fmt.Errorf("making an image of %s: %w", f.Name, err)
	}
	if slices.ContainsFunc(program.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return fmt.Errorf("making an image of %s: it is linked dynamically, and an image has no libraries: build it with CGO_ENABLED=0, "+
			"or link it statically", f.Name)
	}
	return nil
}

// CheckReference says what is wrong with a name for an image, which is to have a registry and a tag, as
// "registry.example.com/ftp:v1.0.0" has.
func CheckReference(reference string) error {
	if strings.Contains(reference, "@") {
		return errors.New("an image is named before its digest is known: use a tag, as in registry.example.com/ftp:v1.0.0")
	}
	if _, err := name.NewTag(reference, name.StrictValidation); err != nil {
		return fmt.Errorf("%q is no name of an image with registry and tag, such as registry.example.com/ftp:v1.0.0: %w", reference, err)
	}
	return nil
}
