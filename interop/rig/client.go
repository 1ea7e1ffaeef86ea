package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Client is plakar's client on a machine where nobody has used it yet.
type Client struct {
	program string
	home    string
}

// NewClient makes a home for a client below the system's temporary folder. Its path is short, because the client puts a
// socket there, and paths of sockets are short.
func (t Tools) NewClient() (*Client, error) {
	home, err := os.MkdirTemp("", "kpkg-home-*")
	if err != nil {
		return nil, err
	}
	if home, err = filepath.EvalSymlinks(home); err != nil {
		return nil, err
	}
	return &Client{program: t.Client, home: home}, nil
}

// Close removes the home.
func (c *Client) Close() error { return os.RemoveAll(c.home) }

// Home is the folder that the client's commands are run in.
func (c *Client) Home() string { return c.home }

// Run runs a command of the client, such as "pkg", "add", FILE. The client sees nothing of this process's environment.
func (c *Client) Run(ctx context.Context, args ...string) (Result, error) {
	return c.RunWith(ctx, nil, args...)
}

// RunWith is Run with more variables in the client's environment, such as the GOOS that "pkg create" heeds.
func (c *Client) RunWith(ctx context.Context, variables []string, args ...string) (Result, error) {
	return run(ctx, c.command(ctx, variables, args), nil)
}

// RunWatched is Run, and tells what the plugins took that the client started.
func (c *Client) RunWatched(ctx context.Context, args ...string) (result Result, plugins Usage, err error) {
	result, err = run(ctx, c.command(ctx, nil, args), &plugins)
	return result, plugins, err
}

func (c *Client) command(ctx context.Context, variables, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.program, args...)
	cmd.Dir = c.home
	cmd.Env = append(c.Environment(), variables...)
	return cmd
}

// Environment is what the client sees: a home of its own.
func (c *Client) Environment() []string {
	return []string{
		"HOME=" + c.home,
		"XDG_CONFIG_HOME=" + filepath.Join(c.home, "config"),
		"XDG_CACHE_HOME=" + filepath.Join(c.home, "cache"),
		"XDG_DATA_HOME=" + filepath.Join(c.home, "data"),
		"TMPDIR=" + c.home,
		"PATH=" + os.Getenv("PATH"),
	}
}

// Package is the path of an installed package of that file name, whether or not it is there.
func (c *Client) Package(name string) string {
	return filepath.Join(c.home, "data", "plakar", "plugins", "v1.1.0", name)
}

// Installed is the folder into which the client has unpacked the package of that file name, whether or not it is there.
func (c *Client) Installed(name string) string {
	return filepath.Join(c.home, "cache", "plakar", "plugins", "v1.1.0", strings.TrimSuffix(name, ".ptar"))
}

// Running lists the programs that still run from the client's home: plugins that outlived it. Linux tells, others do
// not.
func (c *Client) Running() ([]string, error) {
	if runtime.GOOS != "linux" {
		return nil, nil
	}
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		return nil, err
	}
	var running []string
	for _, link := range links {
		exe, err := os.Readlink(link)
		if err == nil && strings.HasPrefix(exe, c.home+string(filepath.Separator)) { // an error: it has ended, or is not ours
			running = append(running, fmt.Sprintf("%s: %s", link, exe))
		}
	}
	return running, nil
}
