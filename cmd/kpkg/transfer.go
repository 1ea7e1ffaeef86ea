package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/PlakarKorp/kpkg/try"
)

// calmInterval is the least time between two lines of progress where there is no terminal.
const calmInterval = 10 * time.Second

// longStage is how long a stage takes before it is said for how long: a server that is silent is waited for.
const longStage = 2 * time.Second

// leastForRate is how many bytes take long enough to say how many a second that is.
const leastForRate = 1 << 20

// transfer shows how far a backup or a restore has come: on a terminal one line that moves, elsewhere a line now and then.
type transfer struct {
	out   io.Writer
	quiet bool
	live  *mpb.Progress
	bar   *mpb.Bar

	mu    sync.Mutex
	now   try.Progress
	begin time.Time     // of the stage
	took  time.Duration // the copying, once it is over
	told  time.Time
}

func newTransfer(out io.Writer, quiet bool) *transfer {
	t := &transfer{out: out, quiet: quiet, begin: time.Now()}
	if !quiet && isTerminal(out) {
		t.live = mpb.New(mpb.WithOutput(out), mpb.WithRefreshRate(100*time.Millisecond))
		t.bar = t.live.New(1, mpb.NopStyle(), mpb.BarRemoveOnComplete(), mpb.PrependDecorators(
			decor.Any(func(decor.Statistics) string {
				t.mu.Lock()
				defer t.mu.Unlock()
				return within(t.line(t.now), width(out))
			}),
		))
	}
	return t
}

// step takes every change; calls do not overlap.
func (t *transfer) step(p try.Progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	changed := p.Stage != t.now.Stage
	if changed {
		if t.now.Stage == try.Copying {
			t.took = time.Since(t.begin)
		}
		t.begin = time.Now()
	}
	t.now = p
	if t.quiet || t.live != nil || !changed && time.Since(t.told) < calmInterval {
		return
	}
	t.told = time.Now()
	fmt.Fprintln(t.out, t.line(p))
}

// within is a line as far as the terminal has room for it beside the ^C that it shows of one: what is longer would be on two
// lines then, of which one is taken away.
func within(line string, columns int) string {
	room := columns - len("^C") - 1
	if columns == 0 || len(line) <= room {
		return line
	}
	return line[:max(0, room-len(ellipsis))] + ellipsis
}

const ellipsis = "..."

func (t *transfer) line(p try.Progress) string {
	if p.Stage != try.Copying || p.Files+p.Directories+p.Others+p.Failed == 0 {
		if waited := time.Since(t.begin); waited >= longStage {
			return fmt.Sprintf("%s, %ds", p.Stage, int(waited.Seconds()))
		}
		return string(p.Stage)
	}
	return string(p.Stage) + ": " + t.copied(p)
}

// copied says how much, and how fast.
func (t *transfer) copied(p try.Progress) string {
	elapsed := t.took
	if elapsed == 0 {
		elapsed = time.Since(t.begin)
	}
	text := english.Plural(p.Files, "file", "") + ", " + english.Plural(p.Directories, "folder", "")
	if p.Others > 0 {
		text += ", " + english.Plural(p.Others, "other", "")
	}
	text += fmt.Sprintf(", %s in %.1fs", humanize.IBytes(uint64(p.Bytes)), elapsed.Seconds())
	if p.Bytes >= leastForRate {
		text += ", " + humanize.IBytes(uint64(float64(p.Bytes)/max(elapsed.Seconds(), 0.001))) + "/s"
	}
	if p.Failed > 0 {
		text += fmt.Sprintf(", %d failed", p.Failed)
	}
	return text
}

// Write passes on what a plugin prints, in full lines, above the one that moves.
func (t *transfer) Write(lines []byte) (int, error) {
	if t.live != nil {
		return t.live.Write(lines)
	}
	return t.out.Write(lines)
}

// close takes the moving line away.
func (t *transfer) close() {
	if t.live != nil {
		t.bar.Abort(true)
		t.live.Wait()
	}
}
