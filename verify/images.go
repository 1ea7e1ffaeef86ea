package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/internal/scratch"
	"github.com/PlakarKorp/kpkg/manifest"
)

// Images is the archive of the images that serve a package's connectors.
type Images struct {
	File   string `json:"file"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Images are all that are in it.
	Images []Image `json:"images"`
}

// Image is one of them, as its configuration describes it.
type Image struct {
	ID         string   `json:"image_id"`
	OS         string   `json:"os,omitempty"`
	Arch       string   `json:"arch,omitempty"`
	User       string   `json:"user,omitempty"`
	Entrypoint []string `json:"entrypoint"`
	// Reference is its name, "" for none.
	Reference string `json:"reference,omitempty"`
}

// Named is the archive that was judged, by its base name, with those of its images that connectors name, each by the name that the manifest
// has for it; nil where there is none.
func (r *Report) Named() *Images {
	if r.Images == nil {
		return nil
	}
	named := &Images{File: filepath.Base(r.Images.File), Size: r.Images.Size, SHA256: r.Images.SHA256, Images: []Image{}}
	for _, i := range r.Images.Images {
		at := slices.IndexFunc(r.Connectors, func(c Connector) bool { return c.ImageID == i.ID })
		if at >= 0 {
			i.Reference = r.Connectors[at].Image
			named.Images = append(named.Images, i)
		}
	}
	return named
}

// openImages opens the archive of a package whose connectors name images. Only if it has them all do clients that run containers
// find what they need.
func (v *verifier) openImages() error {
	wanted := 0
	for _, c := range v.doc.Manifest.Connectors {
		if c.ImageID != "" {
			wanted++
		}
	}
	if v.opts.Image == "" || v.opts.Containers || wanted == 0 {
		return nil
	}
	archive, err := image.Read(v.ctx, v.opts.Image)
	if v.ctx.Err() != nil {
		return context.Cause(v.ctx)
	}
	if err != nil {
		v.errorf("image-damaged", "make it again with kpkg create --image", "%v", err)
		return nil
	}
	v.archive = archive
	described := &Images{File: v.opts.Image, Size: archive.Size, SHA256: archive.SHA256}
	for _, i := range archive.Images {
		described.Images = append(described.Images, Image{
			i.ID, finding.Cut(i.OS), finding.Cut(i.Arch), finding.Cut(i.User), cut(i.Entrypoint), finding.Cut(i.Reference),
		})
	}
	v.report.Images = described
	v.opts.Containers = !slices.ContainsFunc(v.doc.Manifest.Connectors, func(c manifest.Connector) bool {
		_, there := archive.Find(c.ImageID)
		return c.ImageID != "" && !there
	})
	return nil
}

// checkImages holds each image to what the manifest and the package's name say of it.
func (v *verifier) checkImages() (int, error) {
	if v.archive == nil {
		return 0, nil
	}
	seen := map[string]bool{}
	for n, c := range v.doc.Manifest.Connectors {
		if c.ImageID == "" {
			continue
		}
		differs := func(hint, format string, args ...any) {
			v.addAt("image-differs", finding.Error, hint, finding.Sprintf(format, args...), "connectors", n, "image_id")
		}
		found, there := v.archive.Find(c.ImageID)
		if !there {
			differs("give the archive that was made with the package", "%s has no image %s: it has %s",
				v.opts.Image, c.ImageID, strings.Join(v.imageIDs(), ", "))
			continue
		}
		if c.Image != found.Reference && found.Reference != "" {
			differs("make package and image in one run", "the image is called %s, the manifest calls it %q", found.Reference, c.Image)
		}
		if seen[c.ImageID] {
			continue
		}
		seen[c.ImageID] = true
		if v.platform != nil && (found.OS != v.platform.OS || found.Arch != v.platform.Arch) {
			differs("each platform's package has an image of its own", "the image is for %s/%s, the package for %v",
				found.OS, found.Arch, v.platform)
		}
		if found.IsRoot() {
			v.addAt("image-user", finding.Warning, "give the image a user, as kpkg create --image does",
				"the image runs as root", "connectors", n, "image_id")
		}
		if err := v.checkProgram(found, n); err != nil {
			return 0, err
		}
	}
	return len(seen), nil
}

// checkProgram holds what the image of a connector runs to what is checked of a package's executables. It is unpacked into a file: it
// may be larger than what a check may keep in memory.
func (v *verifier) checkProgram(found image.Found, connector int) (err error) {
	folder, err := scratch.Make("verify")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Remove()) }()
	file, err := os.Create(filepath.Join(folder.Path, "program"))
	if err != nil {
		return fmt.Errorf("make a temporary file: %w", err)
	}
	defer file.Close()
	size, err := v.archive.Program(v.ctx, found, file)
	if v.ctx.Err() != nil {
		return context.Cause(v.ctx)
	}
	if full := (*fs.PathError)(nil); errors.As(err, &full) && full.Path == file.Name() {
		return fmt.Errorf("unpack the program of an image: %w", err)
	}
	if err != nil {
		v.errorf("image-damaged", "make it again with kpkg create --image", "%v", err)
		return nil
	}
	e := executableCheck{verifier: v, name: strings.TrimPrefix(found.Entrypoint[0], "/"), key: []any{"connectors", connector, "image_id"}}
	e.inspectContent(file, size)
	return nil
}

func (v *verifier) imageIDs() []string {
	var ids []string
	for _, i := range v.archive.Images {
		ids = append(ids, i.ID)
	}
	return ids
}
