package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// column is a figure of each row of a group's table; it is left out where no row has it.
type column struct {
	title string
	text  func(o outcome, r row) string
}

var columns = []column{
	{"wall", func(_ outcome, r row) string { return r.Wall.text() }},
	{"CPU", func(_ outcome, r row) string { return r.CPU.text() }},
	{"peak", func(_ outcome, r row) string { return bytesText(r.Peak) }},
	{"plugin: CPU", func(_ outcome, r row) string { return r.PluginCPU.text() }},
	{"peak", func(_ outcome, r row) string { return bytesText(r.PluginPeak) }},
	{"size", func(_ outcome, r row) string { return bytesText(r.Size) }},
	{"to the cache", func(_ outcome, r row) string { return bytesText(r.Sent) }},
	{"from it", func(_ outcome, r row) string { return bytesText(r.Got) }},
	{"cache: CPU", func(_ outcome, r row) string {
		if r.ServerCPU == 0 {
			return ""
		}
		return secondsText(r.ServerCPU)
	}},
	{"ratio: wall", func(o outcome, r row) string {
		wall, _ := o.noise()
		return o.claim(wall, r, func(r row) float64 { return r.Wall.Median })
	}},
	{"CPU", func(o outcome, r row) string {
		_, cpu := o.noise()
		return o.claim(cpu, r, func(r row) float64 { return r.CPU.Median + r.PluginCPU.Median })
	}},
	{"size", func(o outcome, r row) string { return o.claim(0, r, func(r row) float64 { return float64(r.Size) }) }},
}

// claim is the ratio of a row's figure to the peer's, unless the machine was too noisy for one.
func (o outcome) claim(noise float64, r row, figure func(row) float64) string {
	value, peer := figure(r), figure(o.Rows[0])
	switch {
	case len(o.Rows) == 1 || value == 0 || peer == 0:
		return ""
	case noise > noisy:
		return "(noise)"
	}
	return fmt.Sprintf("%.2f", value/peer)
}

func (s spread) text() string {
	if s.Median == 0 {
		return ""
	}
	digits := 3
	if s.Median >= 10 {
		digits = 1
	}
	return fmt.Sprintf("%.*f s (%.*f–%.*f)", digits, s.Median, digits, s.Smallest, digits, s.Largest)
}

func bytesText(n int64) string {
	switch {
	case n == 0:
		return ""
	case n >= 10<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 100<<20:
		return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// heading is the line above a contest's rows: what, how often, and how far two measurements of the same program differ.
func (o outcome) heading() string {
	if o.Again == nil {
		return fmt.Sprintf("%s; %d rounds", o.Name, o.Rounds)
	}
	wall, cpu := o.noise()
	return fmt.Sprintf("%s; %d rounds, noise %.0f %%, %.0f %%", o.Name, o.Rounds, 100*wall, 100*cpu)
}

// cells are the lines of a table of these outcomes: titles, and for each outcome its heading and its rows.
func cells(outcomes []outcome) [][]string {
	used := slices.DeleteFunc(slices.Clone(columns), func(c column) bool {
		return !slices.ContainsFunc(outcomes, func(o outcome) bool {
			return slices.ContainsFunc(o.Rows, func(r row) bool { return c.text(o, r) != "" })
		})
	})
	titles := []string{""}
	for _, c := range used {
		titles = append(titles, c.title)
	}
	lines := [][]string{titles}
	for _, o := range outcomes {
		lines = append(lines, append([]string{o.heading()}, make([]string, len(used))...))
		for _, r := range o.Rows {
			line := []string{r.Name}
			for _, c := range used {
				line = append(line, c.text(o, r))
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// show writes outcomes for a terminal.
func show(out io.Writer, outcomes []outcome) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, line := range cells(outcomes) {
		fmt.Fprintln(w, strings.Join(line, "\t"))
	}
	return w.Flush()
}

// markdown is a table of outcomes for docs/benchmarks.md.
func markdown(outcomes []outcome) string {
	var b strings.Builder
	for i, line := range cells(outcomes) {
		if i > 0 && strings.Join(line[1:], "") == "" {
			line[0] = "**" + line[0] + "**"
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(line, " | "))
		if i == 0 {
			fmt.Fprintln(&b, strings.Repeat("|---", len(line))+"|")
		}
	}
	return b.String()
}
