package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/verify"
)

// Container is the root file system of an image, unpacked, in which a plugin runs as the clients that know containers run it: the
// root read-only, an empty /tmp, no capabilities and no way to get any, a user who is not root, the host's network; the host
// speaks to it over a socket. It takes a Linux on which this process may make namespaces.
type Container struct {
	// Root is the folder.
	Root string
	// Env is that of the image; the plugin gets no other variables of its host's.
	Env []string
	// Crun is the path of the program that makes the container, as docker and podman have it made; with "" this program makes it.
	Crun string
}

const (
	// socketFolder and socketName are where clients have a plugin listen, in the container.
	socketFolder = "/run/plakar"
	socketName   = "plugin.sock"
	// listenVariable tells a plugin so.
	listenVariable = "PLAKAR_PLUGIN_LISTEN"
	// dialInterval is how often clients try.
	dialInterval = 50 * time.Millisecond
	// containerPath is what docker gives a program that has no PATH.
	containerPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

// environment is that of the plugin in the container.
func (c *Container) environment() []string {
	env := slices.Clone(c.Env)
	if !slices.ContainsFunc(env, func(variable string) bool { return strings.HasPrefix(variable, "PATH=") }) {
		env = append(env, containerPath)
	}
	return append(env, listenVariable+"=unix://"+socketFolder+"/"+socketName)
}

// inside is where a file below the root is in the container.
func (c *Container) inside(path string) (string, error) {
	relative, err := filepath.Rel(c.Root, path)
	if err != nil || !filepath.IsLocal(relative) {
		return "", fmt.Errorf("%s is not in the image", path)
	}
	return "/" + filepath.ToSlash(relative), nil
}

// dial connects to the socket of a plugin in a container, as soon as it listens.
func (p *Plugin) dial(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.options.Timeout)
	defer cancel()
	for {
		conn, err := dialSocket(ctx, filepath.Join(p.sockets.Path, "plakar", socketName))
		if err == nil {
			p.channel.Close()
			p.channel = &channel{in: conn, out: sending{conn}}
			return nil
		}
		select {
		case <-p.exited:
			return p.ended()
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("it does not serve the socket that %s names within %s: %w", listenVariable, p.options.Timeout, err)
			}
			return context.Cause(ctx)
		case <-time.After(dialInterval):
		}
	}
}

// sending is the half of a socket that is written to: closed, it is the end of what the plugin reads.
type sending struct{ *net.UnixConn }

func (s sending) Close() error { return s.CloseWrite() }

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
