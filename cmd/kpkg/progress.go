package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/PlakarKorp/kpkg/create"
)

// progress shows the packages that are being made: a line each that moves on a terminal until the package is done, a line for
// each begin elsewhere. How they end is told by the table of all.
type progress struct {
	out   io.Writer
	quiet bool
	named bool // whether lines say which integration they are about
	live  *mpb.Progress
	lines map[*create.Package]*liveLine
}

// liveLine is one package on a terminal.
type liveLine struct {
	bar   *mpb.Bar
	mu    sync.Mutex
	begin time.Time
	text  string
}

func newProgress(out io.Writer, quiet, named bool) *progress {
	p := &progress{out: out, quiet: quiet, named: named, lines: map[*create.Package]*liveLine{}}
	if !quiet && isTerminal(out) {
		p.live = mpb.New(mpb.WithOutput(out), mpb.WithRefreshRate(100*time.Millisecond))
	}
	return p
}

// step is called as a stage begins; calls do not overlap.
func (p *progress) step(step create.Step) {
	switch {
	case p.quiet:
	case p.live != nil:
		p.move(step)
	case step.Stage == create.Building:
		fmt.Fprintf(p.out, "%s: building\n", p.label(step.Package))
	}
}

func (p *progress) label(packed *create.Package) string {
	if p.named {
		return packed.Name + " " + packed.Platform.String()
	}
	return packed.Platform.String()
}

func (p *progress) move(step create.Step) {
	line := p.lines[step.Package]
	ended := step.Stage == create.Done || step.Stage == create.Failed
	if line == nil {
		if ended {
			return
		}
		line = &liveLine{begin: time.Now()}
		line.bar = p.live.New(1, mpb.NopStyle(), mpb.BarRemoveOnComplete(), mpb.PrependDecorators(
			decor.Name(fmt.Sprintf("%-15s ", p.label(step.Package))),
			decor.Any(func(decor.Statistics) string { return line.String() }),
		))
		p.lines[step.Package] = line
	}
	line.mu.Lock()
	line.text = string(step.Stage)
	line.mu.Unlock()
	if ended {
		line.bar.Increment()
	}
}

func (l *liveLine) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("%-10s %5.1fs", l.text, time.Since(l.begin).Seconds())
}

// close takes the lines away that are left.
func (p *progress) close() {
	if p.live == nil {
		return
	}
	for _, line := range p.lines {
		line.bar.Abort(true) // of a platform that was interrupted; no effect on one that has ended
	}
	p.live.Wait()
}
