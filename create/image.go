package create

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/sha256sum"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarbuild"
)

// Image is the archive beside a package, with an image of each executable that connectors start.
type Image struct {
	// File is its path.
	File string `json:"file"`
	// Reference is the image's name, "" for none.
	Reference string `json:"reference,omitempty"`
	// Size in bytes, and SHA256, are the file's.
	Size   int64  `json:"size,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	// Images are in the order of the manifest; none before they are made.
	Images []ExecutableImage `json:"images"`

	made []*image.Image
}

// ExecutableImage is the image of one executable.
type ExecutableImage struct {
	Executable string `json:"executable"`
	// ID is what the package's manifest has as image_id, and "docker load" shows.
	ID string `json:"image_id"`
}

// planImages says which images are made with the packages, or why there can be none.
func (i *Integration) planImages(opts Options) error {
	if !opts.Image {
		return nil
	}
	file, executables := i.Source.Document.File, i.plan.Executables
	for _, p := range i.Packages {
		if p.Platform.OS != "linux" {
			return fmt.Errorf("%s: no image is made for %s, as containers with connectors are Linux's: name Linux platforms alone",
				file, p.Platform)
		}
		p.Image = &Image{File: image.Beside(p.File), Reference: opts.ImageReference, Images: []ExecutableImage{}}
	}
	if len(executables) == 0 {
		return fmt.Errorf("%s: no connector has an executable to make an image of", file)
	}
	if opts.ImageReference != "" && len(executables) > 1 {
		return fmt.Errorf("%s: one name for the images of %d executables: have one executable serve all connectors (sdk.Main, and args "+
			"in the manifest), or give no name", file, len(executables))
	}
	for n, c := range i.Source.Document.Manifest.Connectors {
		if c.Executable != "" && slices.Contains(c.LocationFlags, "localfs") {
			line, _ := i.Source.Document.Position("connectors", n, "location_flags")
			return fmt.Errorf("%s:%d: the %s has the location flag localfs, and a container does not see local files: no image is made of it",
				file, line, c.Type)
		}
	}
	i.add([]finding.Finding{{
		Rule: "image-manifest", Severity: finding.Info, File: file,
		Message: "each package holds a manifest of its own: its connectors have the image_id of their platform's image in the place of " +
			"the executable",
		Hint: "released clients run no containers: offer these packages beside those with executables, not in their place",
	}})
	return nil
}

// makeImages makes the images of a package and puts the manifest that names them in the place of its executables.
func (i *Integration) makeImages(
	ctx context.Context, p *Package, files []ptarbuild.File, listed []PackedFile, built map[string]string,
) ([]ptarbuild.File, []PackedFile, error) {
	p.Image.made, p.Image.Images = nil, []ExecutableImage{}
	ids := map[string]string{}
	for _, e := range i.plan.Executables {
		options, err := i.imageOptions(p.Platform, e, built)
		if err != nil {
			return nil, nil, err
		}
		made, err := image.New(ctx, options)
		if err != nil {
			return nil, nil, err
		}
		p.Image.made = append(p.Image.made, made)
		p.Image.Images = append(p.Image.Images, ExecutableImage{path.Clean(e.Name), made.ID()})
		ids[path.Clean(e.Name)] = made.ID()
	}
	written, err := i.Source.Document.Imaged(ids, p.Image.Reference)
	if err != nil {
		return nil, nil, err
	}
	files = slices.DeleteFunc(slices.Clone(files), func(f ptarbuild.File) bool { return f.Name == manifest.FileName || ids[f.Name] != "" })
	listed = slices.DeleteFunc(slices.Clone(listed), func(f PackedFile) bool { return f.Name == manifest.FileName || ids[f.Name] != "" })
	files = append(files, ptarbuild.FromBytes(manifest.FileName, written))
	listed = append(listed, PackedFile{Name: manifest.FileName, Size: int64(len(written))})
	sortByName(listed)
	return files, listed, nil
}

// imageOptions are what the image of one executable is made of: it, and the extra files of the connectors that start it.
func (i *Integration) imageOptions(
	platform executable.Platform, e gobuild.Executable, built map[string]string,
) (image.Options, error) {
	name := path.Clean(e.Name)
	program := image.File{Name: name, Executable: true, Open: func() (*os.File, error) { return os.Open(built[e.Name]) }}
	if e.Source == gobuild.Prebuilt {
		program.Open = func() (*os.File, error) { return regular.OpenIn(i.tree, name) }
	}
	m := i.Source.Document.Manifest
	options := image.Options{
		Platform: platform, Executable: name, Files: []image.File{program}, Time: i.origin.time,
		Labels: imageLabels(m, i.Version.Value),
	}
	packed := map[string]bool{name: true}
	for _, c := range m.Connectors {
		if c.Executable == "" || path.Clean(c.Executable) != name {
			continue
		}
		for _, extra := range c.ExtraFiles {
			extra = path.Clean(extra)
			if packed[extra] {
				continue
			}
			packed[extra] = true
			info, err := i.tree.Lstat(extra)
			if err != nil {
				return options, fmt.Errorf("listing what to pack into an image: %w", err)
			}
			options.Files = append(options.Files, image.File{
				Name: extra, Executable: info.Mode().Perm()&0o111 != 0,
				Open: func() (*os.File, error) { return regular.OpenIn(i.tree, extra) },
			})
		}
	}
	return options, nil
}

// imageLabels are what the manifest says of the integration (image-spec v1.1, "Pre-Defined Annotation Keys").
func imageLabels(m manifest.Manifest, version string) map[string]string {
	labels := map[string]string{"org.opencontainers.image.version": version}
	for key, value := range map[string]string{
		"title": m.Name, "description": m.Description, "licenses": m.License, "url": m.Homepage,
	} {
		if value != "" {
			labels["org.opencontainers.image."+key] = value
		}
	}
	return labels
}

// placeImage writes the archive beside a package that has verified. The one that is there already may be the same.
func (m *maker) placeImage(ctx context.Context, p *Package) error {
	write := func(w io.Writer) error { return image.Write(ctx, w, p.Image.Reference, p.Image.made...) }
	judge := func(file *os.File, sum string) error {
		info, err := file.Stat()
		if err != nil {
			return err
		}
		p.Image.Size, p.Image.SHA256 = info.Size(), sum
		written, err := image.Read(ctx, file.Name()) // a file that changed while it was packed is not what its sums say
		if err != nil {
			return fmt.Errorf("verifying the image that was made: %w", err)
		}
		written.Close()
		if there, _, err := sha256sum.File(ctx, p.Image.File); !m.opts.Force && err == nil && there == sum {
			return errSame
		}
		return place.Free(p.Image.File, m.opts.Force)
	}
	if err := place.Written(ctx, p.Image.File, m.opts.Force, write, judge); err != nil && !errors.Is(err, errSame) {
		return err
	}
	return nil
}
