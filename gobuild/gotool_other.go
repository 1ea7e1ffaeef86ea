//go:build !unix

package gobuild

import "os/exec"

// ownGroup leaves the command as it is: cancelling its context ends the go tool, and the compilers end when they are done
// with the package at hand.
func ownGroup(*exec.Cmd) {}

// killed is told by the go tool's output alone.
func killed(error) bool { return false }
