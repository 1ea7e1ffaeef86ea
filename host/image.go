package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/verify"
)

// unpackImages unpacks the images that connectors of a package name, from the archive beside it, each into a folder below dir.
func (i *Integration) unpackImages(ctx context.Context, dir string) error {
	i.images = map[string]unpackedImage{}
	for _, c := range i.Manifest.Connectors {
		if _, done := i.images[c.ImageID]; c.ImageID == "" || c.Executable != "" || done {
			continue
		}
		root := filepath.Join(dir, fmt.Sprintf("image%d", len(i.images)))
		unpacked, err := unpackImage(ctx, verify.ImageBeside(i.Package), c.ImageID, root)
		if err != nil {
			return fmt.Errorf("unpacking the image of %s: %w", i.Package, err)
		}
		if len(i.images) == 0 {
			if i.Containers, err = unpacked.findCrun(ctx, unpacked.entrypoint[0]); err != nil {
				return err
			}
		}
		i.images[c.ImageID] = unpacked
	}
	return nil
}

// unpackedImage is an image that can be run.
type unpackedImage struct {
	Container
	entrypoint []string
}

func unpackImage(ctx context.Context, archive, id, root string) (unpackedImage, error) {
	images, err := image.Read(ctx, archive)
	if err != nil {
		return unpackedImage{}, err
	}
	defer images.Close()
	found, there := images.Find(id)
	if !there || len(found.Entrypoint) == 0 {
		return unpackedImage{}, fmt.Errorf("%s has no image %s with an entry point", archive, id)
	}
	// Not 0700: whoever runs it is another user, and the folder around it is closed to all.
	if err := errors.Join(os.Mkdir(root, 0o700), os.Chmod(root, 0o755)); err != nil {
		return unpackedImage{}, err
	}
	if err := images.Unpack(ctx, found, root); err != nil {
		return unpackedImage{}, err
	}
	return unpackedImage{Container{Root: root, Env: found.Env}, found.Entrypoint}, prepareRoot(root)
}

// maxNetworkNames is how much of a file of this machine that names hosts is copied, in bytes.
const maxNetworkNames = 1 << 20

// prepareRoot makes the places where something is mounted, and copies what tells the names of the network, which is the host's.
func prepareRoot(root string) error {
	in, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer in.Close()
	for _, folder := range []string{"tmp", "dev", "proc", "etc", strings.TrimPrefix(socketFolder, "/")} {
		if err := in.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	for _, name := range []string{"etc/resolv.conf", "etc/hosts"} {
		if content, err := regular.Read("/"+name, maxNetworkNames); err == nil {
			if err := in.WriteFile(name, content, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// Container is what a connector runs in; nil if it runs without.
func (i *Integration) Container(c manifest.Connector) *Container {
	if unpacked, is := i.images[c.ImageID]; is && c.Executable == "" {
		return &unpacked.Container
	}
	return nil
}

// Args are the arguments of a connector's executable.
func (i *Integration) Args(c manifest.Connector) []string {
	if unpacked, is := i.images[c.ImageID]; is && c.Executable == "" {
		return append(slices.Clone(unpacked.entrypoint[1:]), c.Args...)
	}
	return c.Args
}

// Executable is the path of a connector's executable.
func (i *Integration) Executable(c manifest.Connector) string {
	if unpacked, is := i.images[c.ImageID]; is && c.Executable == "" {
		return filepath.Join(unpacked.Root, filepath.FromSlash(filepath.Clean("/"+unpacked.entrypoint[0])))
	}
	return filepath.Join(i.Dir, filepath.FromSlash(executable.Host().FileName(c.Executable)))
}
