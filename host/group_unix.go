//go:build unix

package host

import (
	"os"
	"os/exec"
	"syscall"
)

// ownGroup makes the process the leader of a group, so that what it starts can be ended with it, and so that a ^C at the
// terminal reaches the host alone.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends a process and all that it has started and that did not leave its group. There may be nothing left.
func killGroup(leader *os.Process) { syscall.Kill(-leader.Pid, syscall.SIGKILL) }
