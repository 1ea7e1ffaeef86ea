package conformance

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/PlakarKorp/kpkg/host"
)

const (
	// cycles is how often work is repeated between two looks at what a plugin holds.
	cycles = 5
	// someMemory is what a plugin may gain between two looks, in bytes: garbage that has not been collected yet.
	someMemory = 16 << 20
)

// holding is what a process holds, as Linux tells it.
type holding struct {
	files, threads int
	memory         int // resident, in bytes
}

func holdingOf(p *host.Plugin) (holding, error) {
	proc := fmt.Sprintf("/proc/%d/", p.Process().Pid)
	files, err := os.ReadDir(proc + "fd")
	if err != nil {
		return holding{}, err
	}
	status, err := os.ReadFile(proc + "status")
	if err != nil {
		return holding{}, err
	}
	h := holding{files: len(files)}
	for line := range bytes.Lines(status) {
		fields := bytes.Fields(line)
		if len(fields) < 2 {
			continue
		}
		n, _ := strconv.Atoi(string(fields[1]))
		switch string(fields[0]) {
		case "Threads:":
			h.threads = n
		case "VmRSS:":
			h.memory = n << 10
		}
	}
	return h, nil
}

// growing says what has become more from each look to the next, "" if nothing has.
func growing(looks []holding) string {
	for _, kind := range []struct {
		what string
		of   func(holding) int
		some int // as much as may come and go
	}{
		{"open files", func(h holding) int { return h.files }, cycles},
		{"threads", func(h holding) int { return h.threads }, cycles},
		{"memory", func(h holding) int { return h.memory }, someMemory},
	} {
		grows := true
		for i := range looks[1:] {
			grows = grows && kind.of(looks[i+1]) >= kind.of(looks[i])+kind.some
		}
		if grows {
			return kind.what
		}
	}
	return ""
}

func (h holding) String() string {
	return fmt.Sprintf("%d open files, %d threads and %d MiB", h.files, h.threads, h.memory>>20)
}

// leaksNothing repeats work and looks at what the plugin holds after 5, 10 and 15 rounds. Pools fill up, and then no more: what
// grows from the first look to the second, and again to the third, is never given back. What has not grown by the second
// cannot have grown twice, and is not looked at again.
func leaksNothing(p *host.Plugin, work func() error) error {
	var looks []holding
	for range 3 {
		for range cycles {
			if err := work(); err != nil {
				return err
			}
		}
		look, err := holdingOf(p)
		if err != nil {
			return skipf("looking at what the plugin holds: %v", err)
		}
		if looks = append(looks, look); len(looks) > 1 && growing(looks) == "" {
			return nil
		}
	}
	for tries := 0; growing(looks) != ""; tries++ {
		if tries == 20 { // what is closed in the background may take a while
			return fmt.Errorf("ever more %s: after %d rounds it holds %v, after %d %v, after %d %v",
				growing(looks), cycles, looks[0], 2*cycles, looks[1], 3*cycles, looks[2])
		}
		time.Sleep(100 * time.Millisecond)
		var err error
		if looks[2], err = holdingOf(p); err != nil {
			return skipf("looking at what the plugin holds: %v", err)
		}
	}
	return nil
}
