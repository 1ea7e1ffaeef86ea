package host

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// prSetChildSubreaper is PR_SET_CHILD_SUBREAPER of prctl(2).
const prSetChildSubreaper = 36

// AdoptOrphans makes this process the parent of whatever the processes below it leave behind, as init is otherwise
// (prctl(2), PR_SET_CHILD_SUBREAPER). What a plugin has left is then reaped as well as ended; ended it is without. It is
// for programs, at their start, as it holds for all of the process. It waits for no process but those that a plugin has
// left, each by its own id: whatever else the program starts is its own to wait for. On other systems it does nothing.
func AdoptOrphans() error {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0); errno != 0 {
		return fmt.Errorf("adopting what plugins leave behind: %w", errno)
	}
	return nil
}

// process is one that descends from a plugin. The handle is of this very process, whoever has its number later.
type process struct {
	*os.Process
	name string
}

// descendants are a plugin's processes as seen while it runs: those whose parents are, from the plugin down. They are empty
// where the system does not list a process's children (proc_pid_task_children(5), in all but odd kernels).
func descendants(plugin int) []process {
	var found []process
	for next := childrenOf(plugin); len(next) > 0; next = next[1:] {
		if p, ok := open(next[0]); ok {
			found = append(found, p)
		}
		next = append(next, childrenOf(next[0])...)
	}
	return found
}

func childrenOf(pid int) []int {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var children []int
	for _, task := range tasks {
		list, _ := os.ReadFile(task) // it may have ended
		for number := range strings.FieldsSeq(string(list)) {
			if child, err := strconv.Atoi(number); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}

// marked are the processes that have a plugin's mark in the environment that they were started with, but for the plugin:
// those that have lost their parents, and left its group and its session, are among them.
func marked(mark string, plugin int) []process {
	var found []process
	for _, pid := range processesAfter(plugin) {
		if !hasMark(pid, mark) {
			continue
		}
		// Once it is open its number cannot become another's unseen.
		if p, ok := open(pid); ok && hasMark(pid, mark) {
			found = append(found, p)
		}
	}
	return found
}

// processesAfter are those with higher numbers, which are given in turn; all others, if the numbers have begun again.
func processesAfter(first int) []int {
	load, _ := os.ReadFile("/proc/loadavg") // proc_loadavg(5): the last field is the number that was given last
	fields := strings.Fields(string(load))
	begunAgain := true
	if len(fields) > 0 {
		last, err := strconv.Atoi(fields[len(fields)-1])
		begunAgain = err != nil || last < first
	}
	folder, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(-1)
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && pid != first && (begunAgain || pid > first) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func hasMark(pid int, mark string) bool {
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return false // it has ended, or is somebody else's
	}
	for variable := range bytes.SplitSeq(environment, []byte{0}) {
		rest, found := strings.CutPrefix(string(variable), markVariable+"="+mark)
		if found && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// parentOf is the number of a process's parent, 0 if there is no such process any more. proc_pid_stat(5): the number, the
// name in parentheses, the state, the parent.
func parentOf(pid int) int {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

func open(pid int) (process, bool) {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return process{}, false
	}
	handle, err := os.FindProcess(pid)
	return process{handle, strings.TrimSpace(string(name))}, err == nil && running(handle)
}

func running(p *os.Process) bool { return p.Signal(syscall.Signal(0)) == nil && !isZombie(p.Pid) }

func isZombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	return len(fields) > 0 && (fields[0] == "Z" || fields[0] == "X")
}

// endProcesses kills processes, and reaps those that this process has adopted.
func endProcesses(all []process) {
	for _, p := range all {
		p.Kill()
	}
	deadline := time.Now().Add(reapTimeout)
	for _, p := range all {
		for running(p.Process) && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		if parentOf(p.Pid) == os.Getpid() && isZombie(p.Pid) {
			syscall.Wait4(p.Pid, nil, syscall.WNOHANG, nil)
		}
	}
}
