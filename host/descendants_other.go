//go:build !linux

package host

import "os"

// AdoptOrphans does nothing here: there is no such thing as on Linux.
func AdoptOrphans() error { return nil }

// process is one that descends from a plugin. Only Linux tells which do.
type process struct {
	*os.Process
	name string
}

func descendants(int) []process    { return nil }
func marked(string, int) []process { return nil }
func running(*os.Process) bool     { return false }
func endProcesses([]process)       {}
