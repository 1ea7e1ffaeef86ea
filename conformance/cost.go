package conformance

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/PlakarKorp/kpkg/host"
)

// Cost is what a connector took for one piece of work, in the one process that did it: an importer for an import that is read
// whole, an exporter for the export of the sample, a storage for objects put and got.
type Cost struct {
	// Connector is TYPE:PROTOCOL.
	Connector string `json:"connector"`
	// Work is what was done: "import", "export" or "put and get".
	Work string `json:"work"`
	// Entries and Bytes are how much, Bytes of content alone.
	Entries int     `json:"entries"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
	// CPUSeconds is the time of processors, the process's start included, Memory the most that was resident, in bytes. Both
	// are 0 where the system does not tell: it does on Linux. An emulator's are the plugin's.
	CPUSeconds float64 `json:"cpu_seconds,omitempty"`
	Memory     int64   `json:"peak_memory,omitempty"`
	// Emulator is the program that the plugin ran under, if it did.
	Emulator string `json:"emulator,omitempty"`
}

func (c Cost) String() string {
	text := fmt.Sprintf("%s of %d entries, %s in %.2fs", c.Work, c.Entries, humanize.IBytes(uint64(c.Bytes)), c.Seconds)
	if c.Seconds > 0 {
		text += fmt.Sprintf(" (%s/s)", humanize.IBytes(uint64(float64(c.Bytes)/c.Seconds)))
	}
	if c.Memory > 0 {
		text += fmt.Sprintf(", %.2fs of CPU, at most %s of memory", c.CPUSeconds, humanize.IBytes(uint64(c.Memory)))
	}
	if c.Emulator != "" {
		text += " under " + c.Emulator
	}
	return text
}

// clockTick is the unit of times in /proc, on every architecture that Go knows.
const clockTick = 10 * time.Millisecond

// measure tells what a plugin took for work that has just ended.
func (s *suite) measure(ctx context.Context, p *host.Plugin, work string, entries int, bytes int64, took time.Duration) {
	if s.config.Measured == nil || ctx.Err() != nil {
		return
	}
	c := Cost{
		Connector: s.config.Connector(), Work: work, Entries: entries, Bytes: bytes, Seconds: took.Seconds(),
		Emulator: s.config.Emulator,
	}
	proc := fmt.Sprintf("/proc/%d/", p.Process().Pid)
	stat, err := os.ReadFile(proc + "stat")
	status, statusErr := os.ReadFile(proc + "status")
	if err == nil && statusErr == nil {
		c.CPUSeconds, c.Memory = cpuSeconds(string(stat)), peak(string(status))
	}
	s.config.Measured(c)
}

// cpuSeconds reads what a process has taken, see proc_pid_stat(5).
func cpuSeconds(stat string) float64 {
	// The program's name may contain anything, so fields are counted from the parenthesis after it; utime is the 14th of all.
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return (time.Duration(user+system) * clockTick).Seconds()
}

// peak reads the most that was resident of a process, in bytes, see proc_pid_status(5).
func peak(status string) int64 {
	fields := strings.Fields(status)
	i := slices.Index(fields, "VmHWM:")
	if i < 0 || i+1 == len(fields) {
		return 0
	}
	kibibytes, _ := strconv.ParseInt(fields[i+1], 10, 64)
	return kibibytes << 10
}
