package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/scratch"
)

// crun makes containers as docker and podman have it make them, out of a folder that describes one (OCI runtime-spec v1.2, "Filesystem
// Bundle"). It is run in namespaces too, those that this program starts itself anew in under the name crunName, for three reasons: what
// it has made ends with it, however it ends; a user who is not root needs no range of numbers of others (subuid(5)); and it sees no
// control groups, of which it needs none here, and without which it would not work on systems that have both versions of them.

const (
	crunName = "kpkg-crun"
	// containerID is what crun calls the container, in a folder where there is no other.
	containerID = "plugin"
)

// becomeCrun hides the control groups and becomes crun, which is to run or to create the container of a bundle. It returns only if
// that fails.
func becomeCrun(crun, verb, bundle string) error {
	const safe = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", safe, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	const groups = "/sys/fs/cgroup"
	if err := unix.Mount("tmpfs", groups, "tmpfs", safe, ""); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("mounting %s: %w", groups, err)
	}
	arguments := []string{
		crun, "--root", filepath.Join(bundle, "state"), "--cgroup-manager=disabled", verb, "--bundle", bundle, containerID,
	}
	return fmt.Errorf("executing %s: %w", crun, syscall.Exec(crun, arguments, os.Environ()))
}

// findCrun has crun make the container if it is there and can, and says what makes it. That is tried: the container is created in full,
// but its program, whose path in it this is, not run.
func (c *Container) findCrun(ctx context.Context, program string) (says string, err error) {
	const own = "kpkg, from namespaces"
	crun, err := exec.LookPath("crun")
	if err == nil {
		crun, err = filepath.Abs(crun)
	}
	if err != nil {
		return own + ", as no crun is in PATH", nil
	}
	folder, err := scratch.Make("container")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, folder.Remove()) }()
	bundle, err := c.bundle(folder.Path, folder.Path, []string{program}, c.environment())
	if err != nil {
		return "", err
	}
	cmd := anew(0, crunName, crun, "create", bundle)
	cmd.Env = []string{containerPath}
	var printed strings.Builder
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err = cmd.Start(); err == nil {
		stop := context.AfterFunc(ctx, func() { killGroup(cmd.Process) })
		err = cmd.Wait()
		stop()
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		why := err.Error()
		if lines := strings.Split(strings.TrimSpace(printed.String()), "\n"); lines[0] != "" {
			why = lines[len(lines)-1]
		}
		return fmt.Sprintf("%s, as %s does not work here: %s", own, crun, finding.CutMessage(why)), nil
	}
	c.Crun = crun
	return crun, nil
}

// findContained finds the plugin's process, which is the child of crun's. Where the system does not list children it stays crun's.
func (p *Plugin) findContained() {
	if p.options.Container.Crun == "" {
		return
	}
	for _, child := range childrenOf(p.cmd.Process.Pid) {
		if process, err := os.FindProcess(child); err == nil {
			p.process = process
		}
	}
}

// hiddenFiles and readOnlyFiles are what docker and podman keep of /proc from programs, and from being written to.
var (
	hiddenFiles = []string{
		"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
		"/proc/sched_debug", "/proc/scsi",
	}
	readOnlyFiles = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// bundle writes what crun makes the container of into the folder dir, and returns its path. sockets is the folder that the plugin
// listens in.
func (c *Container) bundle(dir, sockets string, arguments, environment []string) (string, error) {
	bundle := filepath.Join(dir, "bundle")
	spec := specs.Spec{
		Version: "1.0.0",
		Root:    &specs.Root{Path: c.Root, Readonly: true},
		Process: &specs.Process{
			Args: arguments, Env: environment, Cwd: "/", NoNewPrivileges: true,
			User:         specs.User{UID: containerUser, GID: containerUser},
			Capabilities: &specs.LinuxCapabilities{},
		},
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "nodev", "noexec"}},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "noexec", "mode=755", "ro"}},
			{Destination: "/tmp", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "nodev", "noexec", "mode=1777"}},
			{Destination: socketFolder, Type: "bind", Source: sockets, Options: []string{"bind", "rw"}},
		},
		Linux: &specs.Linux{
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.MountNamespace}, {Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace},
			},
			MaskedPaths: hiddenFiles, ReadonlyPaths: readOnlyFiles,
		},
	}
	if os.Geteuid() != 0 { // who has started this program is root where crun runs
		spec.Linux.Namespaces = append(spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
		one := []specs.LinuxIDMapping{{ContainerID: containerUser, HostID: 0, Size: 1}}
		spec.Linux.UIDMappings, spec.Linux.GIDMappings = one, one
	}
	written, err := json.Marshal(spec)
	if err == nil {
		err = os.Mkdir(bundle, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(bundle, "config.json"), written, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("describing the container: %w", err)
	}
	return bundle, nil
}
