package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"
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
