//go:build unix

package gobuild

import (
	"errors"
	"os/exec"
	"syscall"
)

// ownGroup makes cancelling the command's context kill all processes it started. Killing loses nothing: go writes its
// cache so that it survives, and its temporary files lie in a folder that is removed.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// killed reports whether err says that SIGKILL ended the go tool itself.
func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}
