package rig

import (
	"os"
	"syscall"
)

func peak(state *os.ProcessState) int64 {
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		return usage.Maxrss << 10 // KiB, getrusage(2)
	}
	return 0
}
