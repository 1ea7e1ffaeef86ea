//go:build !unix

package host

import (
	"os"
	"os/exec"
)

func ownGroup(*exec.Cmd) {}

// killGroup ends the process alone: there are no process groups here.
func killGroup(leader *os.Process) { leader.Kill() }
