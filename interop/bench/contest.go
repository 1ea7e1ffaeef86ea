package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// noisy is the difference between two medians of the very same program from which on no ratio is claimed.
const noisy = 0.05

// A contest takes so many rounds at least, and after so much time no more; one that is over sooner takes up to five times as many as
// it was to take, which its medians need the more. One that is noisy goes on, for up to so much time and ten times as many rounds.
const (
	fewestRounds = 3
	longEnough   = 60 * time.Second
	soon         = 15 * time.Second
	tooLong      = 4 * time.Minute
)

// contest is work that several programs do, in turns: the first is the peer, which runs twice a round to show how much the
// machine's own noise is.
type contest struct {
	name string
	// setUp makes what all contenders need, tearDown removes it; neither is called when the outcome is known. Either may be nil.
	setUp      func(context.Context) error
	tearDown   func() error
	contenders []contender
	rounds     int // exactly; 0 is as many as the bench holds
}

// contender is one way to do the work.
type contender struct {
	name   string
	before func(context.Context) error // what is not measured; may be nil
	run    func(context.Context) (sample, error)
	// output is the file that the program writes; "" if its size is of no interest. It is removed before each run.
	output string
}

// sample is what one run took.
type sample struct {
	wall, cpu  time.Duration
	peak       int64 // bytes, of the largest process
	size       int64 // bytes of the output
	plugin     time.Duration
	pluginPeak int64
	sent, got  int64         // bytes to and from a shared build cache
	server     time.Duration // processor time of that cache
}

// spread is the median of several runs, between the smallest and the largest.
type spread struct {
	Median   float64 `json:"median"`
	Smallest float64 `json:"smallest"`
	Largest  float64 `json:"largest"`
}

// row is what all runs of a contender took: seconds and bytes.
type row struct {
	Name       string  `json:"name"`
	Wall       spread  `json:"wall"`
	CPU        spread  `json:"cpu"`
	Peak       int64   `json:"peak"`
	Size       int64   `json:"size,omitempty"`
	PluginCPU  spread  `json:"plugin_cpu,omitzero"`
	PluginPeak int64   `json:"plugin_peak,omitempty"`
	Sent       int64   `json:"sent,omitempty"`
	Got        int64   `json:"got,omitempty"`
	ServerCPU  float64 `json:"server_cpu,omitempty"`
}

// outcome is what a contest came to.
type outcome struct {
	Group  string    `json:"group"`
	Name   string    `json:"name"`
	Time   time.Time `json:"time"`
	Rounds int       `json:"rounds"`
	Rows   []row     `json:"rows"`
	Again  *row      `json:"again,omitempty"` // the peer, measured a second time each round
}

// noise is by how much two measurements of the same program differ: of wall time and of CPU time.
func (o outcome) noise() (wall, cpu float64) {
	if o.Again == nil {
		return 0, 0
	}
	return difference(o.Again.Wall, o.Rows[0].Wall), difference(o.Again.CPU, o.Rows[0].CPU)
}

func difference(a, b spread) float64 {
	if b.Median == 0 {
		return 0
	}
	return math.Abs(a.Median/b.Median - 1)
}

// hold runs the contenders in turns, each round beginning with the next one, so that none always has the cache, or the
// temperature, that another leaves.
func (c contest) hold(ctx context.Context, rounds int) (result outcome, err error) {
	if c.tearDown != nil {
		defer func() { err = errors.Join(err, c.tearDown()) }()
	}
	if c.setUp != nil {
		if err := c.setUp(ctx); err != nil {
			return result, fmt.Errorf("%s: set up: %w", c.name, err)
		}
	}
	turns := slices.Clone(c.contenders)
	if len(turns) > 1 {
		turns = append(turns, turns[0])
	}
	samples := make([][]sample, len(turns))
	began := time.Now()
	for more := true; more; more = c.more(result, rounds, time.Since(began)) {
		for i := range turns {
			i = (i + result.Rounds) % len(turns)
			s, err := turns[i].take(ctx)
			if err != nil {
				return result, fmt.Errorf("%s: %s: %w", c.name, turns[i].name, err)
			}
			samples[i] = append(samples[i], s)
		}
		result = outcome{Name: c.name, Time: began.UTC().Truncate(time.Second), Rounds: result.Rounds + 1}
		for i, contender := range turns {
			result.Rows = append(result.Rows, summary(contender.name, samples[i]))
		}
		if last := len(c.contenders); last < len(turns) {
			result.Again = &result.Rows[last]
			result.Rows = result.Rows[:last:last]
		}
	}
	return result, nil
}

// more tells whether there is another round after those of an outcome.
func (c contest) more(o outcome, wanted int, taken time.Duration) bool {
	switch {
	case c.rounds > 0:
		return o.Rounds < c.rounds
	case o.Rounds < fewestRounds:
		return true
	case max(o.noise()) > noisy && o.Rounds < 10*wanted && taken < tooLong:
		return true
	case o.Rounds < wanted:
		return taken < longEnough
	}
	return o.Rounds < 5*wanted && taken < soon
}

func (c contender) take(ctx context.Context) (sample, error) {
	if c.output != "" {
		if err := errors.Join(os.RemoveAll(c.output), os.MkdirAll(filepath.Dir(c.output), 0o755)); err != nil {
			return sample{}, err
		}
	}
	if c.before != nil {
		if err := c.before(ctx); err != nil {
			return sample{}, err
		}
	}
	s, err := c.run(ctx)
	if err != nil || c.output == "" {
		return s, err
	}
	info, err := os.Stat(c.output)
	if err != nil {
		return s, err
	}
	s.size = info.Size()
	return s, nil
}

func summary(name string, samples []sample) row {
	return row{
		Name:       name,
		Wall:       seconds(samples, func(s sample) time.Duration { return s.wall }),
		CPU:        seconds(samples, func(s sample) time.Duration { return s.cpu }),
		PluginCPU:  seconds(samples, func(s sample) time.Duration { return s.plugin }),
		Peak:       median(samples, func(s sample) int64 { return s.peak }),
		PluginPeak: median(samples, func(s sample) int64 { return s.pluginPeak }),
		Size:       median(samples, func(s sample) int64 { return s.size }),
		Sent:       median(samples, func(s sample) int64 { return s.sent }),
		Got:        median(samples, func(s sample) int64 { return s.got }),
		ServerCPU:  median(samples, func(s sample) time.Duration { return s.server }).Seconds(),
	}
}

func seconds(samples []sample, figure func(sample) time.Duration) spread {
	values := ordered(samples, figure)
	return spread{values[len(values)/2].Seconds(), values[0].Seconds(), values[len(values)-1].Seconds()}
}

func median[T cmp.Ordered](samples []sample, figure func(sample) T) T {
	return ordered(samples, figure)[len(samples)/2]
}

func ordered[T cmp.Ordered](samples []sample, figure func(sample) T) []T {
	values := make([]T, len(samples))
	for i, s := range samples {
		values[i] = figure(s)
	}
	slices.Sort(values)
	return values
}

// program measures one run of a program that has to succeed.
func program(run func(context.Context) (rig.Result, error)) func(context.Context) (sample, error) {
	return func(ctx context.Context) (sample, error) {
		result, err := succeed(run(ctx))
		return sampleOf(result), err
	}
}

func sampleOf(result rig.Result) sample {
	return sample{wall: result.Wall, cpu: result.CPU, peak: result.Peak}
}

// plus is one run after another, as one.
func (s sample) plus(other sample) sample {
	s.wall, s.cpu, s.plugin = s.wall+other.wall, s.cpu+other.cpu, s.plugin+other.plugin
	s.peak, s.pluginPeak = max(s.peak, other.peak), max(s.pluginPeak, other.pluginPeak)
	return s
}

func succeed(result rig.Result, err error) (rig.Result, error) {
	if err == nil && result.Status != 0 {
		err = errors.New(result.String())
	}
	return result, err
}
