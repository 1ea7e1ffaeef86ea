package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/PlakarKorp/kpkg/internal/scratch"
)

// Without crun, a plugin's container is made in two steps. This program starts itself anew, in new namespaces, under the name
// containerName: between making namespaces and executing a program no Go code can run. That run mounts what the plugin sees, gives away
// all privileges and becomes the plugin. So the process that is started is the plugin's, for signals as well as for its end.

const (
	containerName = "kpkg-container"
	// containerUser is who runs the plugin: clients leave it to the image, and images of kpkg have this one.
	containerUser = 65532
	exitContainer = 125 // as docker's, for what went wrong before the program
)

func init() {
	var err error
	switch {
	case os.Args[0] == containerName && len(os.Args) >= 5:
		runtime.LockOSThread() // privileges are a thread's
		var environment []string
		if err = json.Unmarshal([]byte(os.Args[3]), &environment); err == nil {
			err = enter(os.Args[1], os.Args[2], environment, os.Args[4:])
		}
	case os.Args[0] == crunName && len(os.Args) == 4:
		err = becomeCrun(os.Args[1], os.Args[2], os.Args[3])
	default:
		return
	}
	fmt.Fprintf(os.Stderr, "the image cannot be run here: %v\n", err)
	os.Exit(exitContainer)
}

// contain prepares the command that runs the executable at path in the plugin's container.
func (p *Plugin) contain(path string) (err error) {
	container := p.options.Container
	program, err := container.inside(path)
	if err != nil {
		return err
	}
	if p.sockets, err = scratch.Make("socket"); err != nil {
		return err
	}
	sockets := filepath.Join(p.sockets.Path, "plakar")
	// The user in the container is another one: the folder around it is closed to others.
	if err := errors.Join(os.Mkdir(sockets, 0o700), os.Chmod(sockets, 0o777)); err != nil {
		return err
	}
	mark, arguments := markVariable+"="+p.mark, append([]string{program}, p.options.Args...)
	environment := append(container.environment(), mark)
	if container.Crun == "" {
		encoded, err := json.Marshal(environment)
		if err != nil {
			return err
		}
		p.cmd = anew(containerUser, append([]string{containerName, container.Root, sockets, string(encoded)}, arguments...)...)
		// Variables of the image are for what runs in it: those such as LD_PRELOAD and GODEBUG would act on this program, outside.
		p.cmd.Env = []string{mark}
		return nil
	}
	bundle, err := container.bundle(p.sockets.Path, sockets, arguments, environment)
	if err != nil {
		return err
	}
	p.cmd = anew(0, crunName, container.Crun, "run", bundle)
	p.cmd.Env = []string{containerPath, mark}
	return nil
}

// anew is the command that starts this program anew, in namespaces of its own and a process group, with these arguments, of which
// the first is its name. Root stays root; whoever is another has the number user there.
func anew(user int, arguments ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = arguments
	ownGroup(cmd)
	attributes := cmd.SysProcAttr
	attributes.Cloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS
	if os.Geteuid() == 0 {
		return cmd // a user of its own needs no namespace
	}
	attributes.Cloneflags |= unix.CLONE_NEWUSER
	attributes.UidMappings = []syscall.SysProcIDMap{{ContainerID: user, HostID: os.Geteuid(), Size: 1}}
	attributes.GidMappings = []syscall.SysProcIDMap{{ContainerID: user, HostID: os.Getegid(), Size: 1}}
	attributes.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SETPCAP} // until enter gives them away
	return cmd
}

// cannotContain says what to do where the system lets nobody make namespaces; nil if that is not it.
func cannotContain(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("an image runs in namespaces of its own, which the system refuses (%w): run it as root outside of a container, or "+
			"allow users to make namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone)", err)
	}
	return err
}

// enter makes the folder root the plugin's world, and becomes the program. It returns only if that fails.
func enter(root, sockets string, environment, program []string) error {
	if err := mountAll(root, sockets); err != nil {
		return fmt.Errorf("%w (some systems let users make namespaces, and then mount nothing in them: "+
			"sysctl kernel.apparmor_restrict_unprivileged_userns)", err)
	}
	if err := giveUpPrivileges(); err != nil {
		return err
	}
	return fmt.Errorf("executing %s: %w", program[0], syscall.Exec(program[0], program, environment))
}

// dialSocket connects to the socket at path. What the plugin has put there is opened first, so that no link leads to a socket of this
// machine's, and the path may be longer than the 107 bytes of an address (unix(7)).
func dialSocket(ctx context.Context, path string) (*net.UnixConn, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var found unix.Stat_t
	if err := unix.Fstat(fd, &found); err != nil {
		return nil, err
	}
	if found.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return nil, fmt.Errorf("%s is no socket", path)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}

// devices are those that a program may expect, and that give nobody anything.
var devices = []string{"null", "zero", "full", "random", "urandom"}

func mountAll(root, sockets string) error {
	var failed error
	mount := func(source, target, kind string, flags uintptr, data string) error {
		if failed != nil {
			return failed
		}
		if err := unix.Mount(source, target, kind, flags, data); err != nil {
			failed = fmt.Errorf("mounting %s: %w", target, err)
		}
		return failed
	}
	in := func(name string) string { return filepath.Join(root, name) }
	const safe = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	mount(root, root, "", unix.MS_BIND|unix.MS_REC, "")
	mount("tmpfs", in("tmp"), "tmpfs", safe, "mode=1777")
	mount(sockets, in(socketFolder), "", unix.MS_BIND, "")
	mount("tmpfs", in("dev"), "tmpfs", unix.MS_NOSUID|unix.MS_NOEXEC, "mode=755")
	for _, device := range devices {
		if failed == nil {
			if err := os.WriteFile(in("dev/"+device), nil, 0o666); err != nil {
				return err
			}
		}
		mount("/dev/"+device, in("dev/"+device), "", unix.MS_BIND, "")
	}
	mount("", in("dev"), "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NOEXEC, "")
	if failed != nil {
		return failed
	}
	// Where the host's own /proc is partly covered, as in containers, there is no new one for its users.
	if unix.Mount("proc", in("proc"), "proc", safe, "") != nil {
		mount("/proc", in("proc"), "", unix.MS_BIND|unix.MS_REC, "")
	}
	flags, err := mountFlags(root)
	if err != nil {
		return err
	}
	mount("", root, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|flags, "")
	if failed != nil {
		return failed
	}
	// The old root is put over the new one, and taken away: pivot_root(2), "pivot_root(".", ".")".
	if err := errors.Join(unix.Chdir(root), unix.PivotRoot(".", "."), unix.Unmount(".", unix.MNT_DETACH), unix.Chdir("/")); err != nil {
		return fmt.Errorf("leaving the root of the host: %w", err)
	}
	return nil
}

// mountFlags are what a mount has already, and whoever is not the host's root cannot take away.
func mountFlags(path string) (uintptr, error) {
	var status unix.Statfs_t
	if err := unix.Statfs(path, &status); err != nil {
		return 0, fmt.Errorf("looking at the mount of %s: %w", path, err)
	}
	var flags uintptr
	for has, flag := range map[int64]uintptr{
		unix.ST_NOSUID: unix.MS_NOSUID, unix.ST_NODEV: unix.MS_NODEV, unix.ST_NOEXEC: unix.MS_NOEXEC,
		unix.ST_NOATIME: unix.MS_NOATIME, unix.ST_NODIRATIME: unix.MS_NODIRATIME, unix.ST_RELATIME: unix.MS_RELATIME,
	} {
		if int64(status.Flags)&has != 0 {
			flags |= flag
		}
	}
	return flags, nil
}

// giveUpPrivileges leaves the process no capability, no way to get one, and a user who is not root.
func giveUpPrivileges() error {
	for capability := uintptr(0); capability <= 63; capability++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0); errors.Is(err, unix.EINVAL) {
			break // there are no more
		} else if err != nil {
			return fmt.Errorf("giving up capability %d: %w", capability, err)
		}
	}
	if os.Geteuid() == 0 {
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(containerUser), syscall.Setuid(containerUser)); err != nil {
			return fmt.Errorf("giving up root: %w", err)
		}
	}
	none := [2]unix.CapUserData{}
	err := errors.Join(unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0),
		unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0]),
		unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	if err != nil {
		return fmt.Errorf("giving up privileges: %w", err)
	}
	return nil
}
