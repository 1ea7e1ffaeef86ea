package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/gobuild"
)

// progress shows the steps of packages: a line each that moves on a terminal, a line for each begin and end elsewhere.
type progress struct {
	out   io.Writer
	quiet bool
	live  *mpb.Progress
	lines map[gobuild.Platform]*liveLine
}

// liveLine is one platform on a terminal.
type liveLine struct {
	bar   *mpb.Bar
	mu    sync.Mutex
	begin time.Time
	text  string
	ended bool
}

func newProgress(out io.Writer, quiet bool) *progress {
	p := &progress{out: out, quiet: quiet, lines: map[gobuild.Platform]*liveLine{}}
	if !quiet && isTerminal(out) {
		p.live = mpb.New(mpb.WithOutput(out), mpb.WithRefreshRate(100*time.Millisecond))
	}
	return p
}

// step takes the begin of a stage; calls do not overlap.
func (p *progress) step(step create.Step) {
	switch {
	case p.quiet:
	case p.live != nil:
		p.move(step)
	case step.Stage == create.Building:
		fmt.Fprintf(p.out, "%s: building\n", step.Platform)
	case step.Stage == create.Done:
		fmt.Fprintf(p.out, "%s: %s\n", step.Platform, outcome(step.Package))
	case step.Stage == create.Failed:
		fmt.Fprintf(p.out, "%s: failed\n", step.Platform)
	}
}

func outcome(p *create.Package) string {
	return fmt.Sprintf("made %s, %s in %.1fs", p.File, humanize.IBytes(uint64(p.Size)), p.Seconds)
}

func (p *progress) move(step create.Step) {
	line := p.lines[step.Platform]
	if line == nil {
		line = &liveLine{begin: time.Now()}
		line.bar = p.live.New(1, mpb.NopStyle(), mpb.PrependDecorators(
			decor.Name(fmt.Sprintf("%-15s ", step.Platform)),
			decor.Any(func(decor.Statistics) string { return line.String() }),
		))
		p.lines[step.Platform] = line
	}
	text := string(step.Stage)
	if step.Stage == create.Done {
		text = outcome(step.Package)
	}
	line.mu.Lock()
	line.text, line.ended = text, step.Package != nil
	line.mu.Unlock()
	if step.Package != nil {
		line.bar.Increment()
	}
}

func (l *liveLine) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return l.text
	}
	return fmt.Sprintf("%-10s %5.1fs", l.text, time.Since(l.begin).Seconds())
}

// close leaves the last state of every line on the terminal.
func (p *progress) close() {
	if p.live == nil {
		return
	}
	for _, line := range p.lines {
		line.bar.Abort(false) // of a platform that was interrupted; no effect on one that has ended
	}
	p.live.Wait()
}
