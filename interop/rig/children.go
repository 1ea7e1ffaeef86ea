package rig

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Usage is what the programs took that a program started: the plugins, where it is the client.
type Usage struct {
	CPU  time.Duration // user and system time
	Peak int64         // the largest resident set of one of them, in bytes
}

// clockTick is the unit of the times in /proc/PID/stat, on every architecture that Go knows.
const clockTick = 10 * time.Millisecond

// watchChildren looks at the children of a process until done is closed, and tells what they took. The client does not wait for
// its plugins, so what the system tells about the client when it has ended leaves them out. What a plugin does in the last
// few milliseconds of its client's life is missed. Linux tells, others do not.
func watchChildren(pid int, done <-chan struct{}) Usage {
	children := map[string]Usage{}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		look(pid, children)
		select {
		case <-done:
			var total Usage
			for _, child := range children {
				total.CPU += child.CPU
				total.Peak = max(total.Peak, child.Peak)
			}
			return total
		case <-tick.C:
		}
	}
}

// look updates the usage of each child of a process. One that has ended keeps its time until its parent has ended too, but
// not its memory.
func look(parent int, children map[string]Usage) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent)) // the pattern is a good one
	for _, list := range lists {
		pids, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, pid := range bytes.Fields(pids) {
			child := children[string(pid)]
			child.CPU = max(child.CPU, cpuTime(string(pid)))
			child.Peak = max(child.Peak, peakMemory(string(pid)))
			children[string(pid)] = child
		}
	}
}

// cpuTime is what a process has taken until now, 0 if it is gone. See proc_pid_stat(5).
func cpuTime(pid string) time.Duration {
	stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return 0
	}
	// The program's name may contain anything, so fields are counted from the parenthesis after it; utime is the 14th of all.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(string(fields[11]), 10, 64)
	system, _ := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * clockTick
}

// peakMemory is the largest resident set that a process has had, 0 if it has ended. See proc_pid_status(5).
func peakMemory(pid string) int64 {
	status, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
	if err != nil {
		return 0
	}
	_, after, found := bytes.Cut(status, []byte("VmHWM:"))
	if !found {
		return 0
	}
	kibibytes, _ := strconv.ParseInt(string(bytes.Fields(after)[0]), 10, 64)
	return kibibytes << 10
}
