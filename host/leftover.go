package host

import (
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// markVariable is the environment variable that a plugin passes on to what it starts: by it, on Linux, what the plugin has
	// left behind is known. Its value names the plugin, after those that run the plugin's host, with slashes between.
	markVariable = "KPKG_PLUGIN"
	// leaveTimeout is how long what a plugin has started may take to end after it.
	leaveTimeout = 500 * time.Millisecond
)

var started atomic.Int64

// newMark is a mark that no other plugin has.
func newMark() string {
	own := fmt.Sprintf("%d-%d-%d", os.Getpid(), started.Add(1), time.Now().UnixNano())
	if outer := os.Getenv(markVariable); outer != "" {
		return outer + "/" + own
	}
	return own
}

// endLeftover ends what the plugin, which has ended, has left behind, in its process group or out of it, and notes what
// did not end by itself. What was seen of it while it ran is known even if it has shed the mark.
func (p *Plugin) endLeftover() {
	deadline := time.Now().Add(leaveTimeout)
	for {
		left := p.leftover()
		if len(left) == 0 {
			break
		}
		if !p.killed.Load() && time.Now().Before(deadline) {
			time.Sleep(leaveTimeout / 20)
			continue
		}
		for _, one := range left {
			p.left = append(p.left, one.name)
		}
		killGroup(p.cmd.Process)
		endProcesses(left)
		if len(p.left) > maxLeft { // it starts processes faster than they can be ended
			break
		}
	}
	killGroup(p.cmd.Process)
	slices.Sort(p.left)
}

// maxLeft bounds how many processes are ended after a plugin.
const maxLeft = 1000

func (p *Plugin) leftover() []process {
	left := marked(p.mark, p.cmd.Process.Pid)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, seen := range p.seen {
		if running(seen.Process) && !slices.ContainsFunc(left, func(l process) bool { return l.Pid == seen.Pid }) {
			left = append(left, seen)
		}
	}
	return left
}

// lookAround notes what the plugin has started, while it runs: with its parent gone, a process that has shed the mark
// could not be told from anybody's.
func (p *Plugin) lookAround() {
	select {
	case <-p.exited:
		return
	default:
	}
	found := descendants(p.cmd.Process.Pid)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, found...)
}

// Left names the processes that the plugin had started and that were still running half a second after it had ended, or at
// once when it was killed; they were ended then. It may be called once Exited is closed, and knows nothing but on Linux.
func (p *Plugin) Left() []string { return p.left }
