package main

import (
	"fmt"
	"math"
	"strings"
)

// What the table of builders is about.
const (
	integrations, sixPlatforms = 200, 6
	processors                 = 2     // of each builder, and of the cache's machine
	gigabit                    = 125e6 // bytes a second that the cache's machine sends
)

// modes are what the builders may find.
var modes = []struct {
	name string
	set  func(*fleet)
}{
	{"cold, a cache each", func(*fleet) {}},
	{"cold, one cache", func(f *fleet) { f.shared = true }},
	{"cold, one cache, an integration before the others", func(f *fleet) { f.shared, f.seeded = true, true }},
	{"warm, a cache each", func(f *fleet) { f.warm = true }},
	{"warm, one cache", func(f *fleet) { f.warm, f.shared = true, true }},
	{"large integrations: cold, a cache each", func(f *fleet) { f.costs = f.large() }},
	{"large integrations: cold, one cache, an integration before the others", func(f *fleet) {
		f.costs, f.shared, f.seeded = f.large(), true, true
	}},
	{"large integrations: warm, one cache", func(f *fleet) { f.costs, f.warm, f.shared = f.large(), true, true }},
}

// fleetPoint is a fleet that is really run beside the model: builders of one processor, on this machine.
type fleetPoint struct {
	name           string
	builders       int
	shared, filled bool // one gocached for all, which has all that is asked of it
}

// What the builders of the points make.
const pointIntegrations, pointPlatforms = 4, 1

// fleetPoints are in the order in which they are run: what fills the cache is before those that find it full.
var fleetPoints = []fleetPoint{
	{"1 builder with nothing, no shared cache", 1, false, false},
	{"2 builders with nothing, no shared cache", 2, false, false},
	{"2 builders with nothing, one empty cache", 2, true, false},
	{"1 builder with nothing, a full cache", 1, true, true},
	{"2 builders with nothing, a full cache", 2, true, true},
}

// scaleTables are those of docs/scale.md that are computed from the outcomes, by their names.
func (r *results) scaleTables() (map[string]string, error) {
	c, err := r.costs()
	if err != nil {
		return nil, err
	}
	forecast, err := r.forecastTable(c)
	if err != nil {
		return nil, err
	}
	return map[string]string{"costs": costsTable(c), "second builder": r.secondText(), "builders": buildersTable(c), "forecast": forecast}, nil
}

func costsTable(c costs) string {
	var b strings.Builder
	fmt.Fprint(&b, "| step | processor time |\n|---|---|\n")
	for _, line := range []struct {
		name    string
		seconds float64
	}{
		{"compile what integrations have in common, once for a builder and a platform", c.common},
		{"compile what an integration has to itself, for a platform", c.own},
		{"link a package", c.link}, {"pack it", c.pack}, {"verify it", c.verify}, {"publish it to a registry", c.publish},
		{"plan, for each integration in each job", c.plan},
		{"put what is compiled for a platform into a shared cache", c.send}, {"the cache's machine, for that", c.store},
		{"have it from there", c.fetch}, {"the cache's machine, for that", c.serve},
	} {
		text := secondsText(line.seconds)
		if line.seconds == 0 { // or less: it is the difference of two runs
			text = "less than the runs differ"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", line.name, text)
	}
	fmt.Fprintf(&b, "\nA platform of an integration sends %s to an empty cache and takes %s, compressed, from a full one.\n",
		bytesText(int64(c.sent)), bytesText(int64(c.got)))
	return b.String()
}

// secondText is what a builder with nothing takes where another has filled the cache, of what that one took. costs has found both.
func (r *results) secondText() string {
	for _, o := range r.of("scale") {
		if o.Name == freshBuilders {
			first, second := o.Rows[firstBuilder], o.Rows[secondBuilder]
			return fmt.Sprintf("The second builder takes %.2g of the first one's time and %.2g of its processor time, and makes the same bytes.\n",
				second.Wall.Median/first.Wall.Median, second.CPU.Median/first.CPU.Median)
		}
	}
	return ""
}

func buildersTable(c costs) string {
	var b strings.Builder
	fmt.Fprint(&b, "| | 1 builder | 8 | 64 | processor time of 64 | to the cache, of 64 | from it | stops scaling at |\n")
	fmt.Fprintln(&b, strings.Repeat("|---", 8)+"|")
	for _, mode := range modes {
		f := fleet{
			costs: c, integrations: integrations, platforms: sixPlatforms, processors: processors, bandwidth: gigabit, published: true,
		}
		mode.set(&f)
		cells := []string{mode.name}
		var last run
		for _, f.builders = range []int{1, 8, 64} {
			last = f.run()
			cells = append(cells, timeText(last.wall))
		}
		cells = append(cells, timeText(last.cpu), bytesText(int64(last.sent)), bytesText(int64(last.got)), fmt.Sprint(f.stops(), " builders"))
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	fmt.Fprintf(&b, "\nOf each of these times the last machine verifies for %s, and each builder plans for %s.\n",
		timeText(c.verify*integrations*sixPlatforms/processors), timeText(c.plan*integrations))
	return b.String()
}

// stops is the number of builders, a power of two, from which on twice as many save less than a fifth of the time.
func (f fleet) stops() int {
	f.builders = 1
	for before := f.run(); f.builders < 1024; {
		f.builders *= 2
		after := f.run()
		if after.wall > 0.8*before.wall {
			return f.builders / 2
		}
		before = after
	}
	return f.builders
}

// forecastTable is the model beside what was really run.
func (r *results) forecastTable(c costs) (string, error) {
	var b strings.Builder
	fmt.Fprint(&b, "| | time: forecast | measured | ratio | processor time: forecast | measured | ratio |\n|---|---|---|---|---|---|---|\n")
	for _, p := range fleetPoints {
		o, known := r.find("fleet", p.name)
		if !known {
			return "", fmt.Errorf("%q was not measured: make bench BENCH='-only fleet:'", p.name)
		}
		f := fleet{
			costs: c, integrations: pointIntegrations, platforms: pointPlatforms, builders: p.builders, processors: 1,
			shared: p.shared, warm: p.filled, bandwidth: math.Inf(1), even: true,
		}
		forecast := f.run()
		wall, cpu := o.Rows[0].Wall.Median, o.Rows[0].CPU.Median
		fmt.Fprintf(&b, "| %s | %s | %s | %.2f | %s | %s | %.2f |\n", p.name, secondsText(forecast.wall), secondsText(wall), wall/forecast.wall,
			secondsText(forecast.cpu), secondsText(cpu), cpu/forecast.cpu)
	}
	return b.String(), nil
}

func secondsText(seconds float64) string {
	if seconds >= 1 {
		return fmt.Sprintf("%.1f s", seconds)
	}
	return fmt.Sprintf("%.0f ms", 1000*seconds)
}

func timeText(seconds float64) string {
	switch {
	case seconds >= 5400:
		return fmt.Sprintf("%.1f h", seconds/3600)
	case seconds >= 90:
		return fmt.Sprintf("%.0f min", seconds/60)
	}
	return secondsText(seconds)
}
