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
)

// progress shows the steps of packages: a line each that moves on a terminal, a line for each begin and end elsewhere.
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
	ended bool
}

func newProgress(out io.Writer, quiet, named bool) *progress {
	p := &progress{out: out, quiet: quiet, named: named, lines: map[*create.Package]*liveLine{}}
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
		fmt.Fprintf(p.out, "%s: building\n", p.label(step.Package))
	case step.Stage == create.Done:
		fmt.Fprintf(p.out, "%s: %s\n", p.label(step.Package), outcome(step.Package))
	case step.Stage == create.Failed:
		fmt.Fprintf(p.out, "%s: failed\n", p.label(step.Package))
	}
}

func (p *progress) label(packed *create.Package) string {
	if p.named {
		return packed.Name + " " + packed.Platform.String()
	}
	return packed.Platform.String()
}

func outcome(p *create.Package) string {
	if p.Unchanged {
		return fmt.Sprintf("kept %s, nothing changed in %.1fs", p.File, p.Seconds)
	}
	return fmt.Sprintf("made %s, %s in %.1fs", p.File, humanize.IBytes(uint64(p.Size)), p.Seconds)
}

func (p *progress) move(step create.Step) {
	line := p.lines[step.Package]
	if line == nil {
		line = &liveLine{begin: time.Now()}
		line.bar = p.live.New(1, mpb.NopStyle(), mpb.PrependDecorators(
			decor.Name(fmt.Sprintf("%-15s ", p.label(step.Package))),
			decor.Any(func(decor.Statistics) string { return line.String() }),
		))
		p.lines[step.Package] = line
	}
	text := string(step.Stage)
	if step.Stage == create.Done {
		text = outcome(step.Package)
	}
	ended := step.Stage == create.Done || step.Stage == create.Failed
	line.mu.Lock()
	line.text, line.ended = text, ended
	line.mu.Unlock()
	if ended {
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
