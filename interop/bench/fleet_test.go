package main

import (
	"math"
	"strings"
	"testing"
)

// round are costs that can be added up by heart.
var round = costs{
	common: 40, own: 2, link: 1, pack: 0.5, verify: 0.5, publish: 0.25, send: 2.1, fetch: 4.2, sent: 42, got: 21,
}

// TestFleet holds the model to what can be computed by hand: four integrations that cost the same, for two platforms, on builders of one
// processor.
func TestFleet(t *testing.T) {
	const each = 1 + 0.5 + 0.5 // linked, packed and verified
	for _, c := range []struct {
		name string
		set  func(*fleet)
		want run
	}{
		{"one builder, nothing compiled", func(*fleet) {},
			run{wall: 2*40 + 8*(2+each), cpu: 2*40 + 8*(2+each)}},
		{"two, each of which compiles all", func(f *fleet) { f.builders = 2 },
			run{wall: 2*40 + 4*(2+each), cpu: 4*40 + 8*(2+each)}},
		{"two that begin together with one cache", func(f *fleet) { f.builders, f.shared = 2, true },
			run{wall: 2*(40+2) + 4*(2+0.1+each), cpu: 4*(40+2) + 8*(2+0.1+each), sent: 4*40 + 8*2}},
		{"two, after an integration that one makes", func(f *fleet) { f.builders, f.shared, f.seeded = 2, true, true },
			run{wall: 2*(42+2.1) + 2*4 + 4*(2+0.1+each), cpu: 2*(42+2.1) + 4*4 + 8*(2+0.1+each), sent: 2*42 + 8*2, got: 4 * 20}},
		{"two that have all", func(f *fleet) { f.builders, f.warm = 2, true }, run{wall: 4 * each, cpu: 8 * each}},
		{"two that fetch all", func(f *fleet) { f.builders, f.warm, f.shared = 2, true, true },
			run{wall: 2*4 + 4*(0.2+each), cpu: 4*4 + 8*(0.2+each), got: 4*20 + 8*1}},
		{"more builders than integrations", func(f *fleet) { f.builders, f.warm = 9, true }, run{wall: 2 * each, cpu: 8 * each}},
		{"published, and all verified by one", func(f *fleet) { f.builders, f.warm, f.published = 2, true, true },
			run{wall: 4*(each+0.25) + 8*0.5, cpu: 8*(each+0.25) + 8*0.5}},
		{"a plan in each", func(f *fleet) { f.builders, f.warm, f.plan = 2, true, 0.1 }, run{wall: 0.4 + 4*each, cpu: 0.8 + 8*each}},
		{"two processors each", func(f *fleet) { f.warm, f.processors = true, 2 }, run{wall: 4 * each, cpu: 8 * each}},
		{"a cache on a line on which it takes longer than the work", func(f *fleet) { f.shared, f.bandwidth = true, 0.5 },
			run{wall: 2 * (2*40 + 8*2), cpu: 2*(40+2) + 8*(2+0.1+each), sent: 2*40 + 8*2}},
		{"large integrations", func(f *fleet) { f.costs, f.shared = f.large(), true },
			run{wall: 2*(40+2) + 8*(40+2+each), cpu: 2*(40+2) + 8*(40+2+each), sent: 2*40 + 8*40}},
	} {
		f := fleet{costs: round, integrations: 4, platforms: 2, builders: 1, processors: 1, bandwidth: math.Inf(1), even: true}
		c.set(&f)
		got := f.run()
		for _, pair := range [][2]float64{{got.wall, c.want.wall}, {got.cpu, c.want.cpu}, {got.sent, c.want.sent}, {got.got, c.want.got}} {
			if math.Abs(pair[0]-pair[1]) > 1e-9 {
				t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
				break
			}
		}
	}
}

// TestServer has builders wait for one another at the cache: for its line, or for its processor.
func TestServer(t *testing.T) {
	for _, c := range []struct{ bandwidth, serve, want float64 }{{50, 0, 8 * 2}, {50, 3, 8 * 3}, {math.Inf(1), 1, 8 * 1}} {
		f := fleet{
			costs:        costs{common: 1, got: 100, serve: c.serve},
			integrations: 8, platforms: 1, builders: 8, processors: 1, shared: true, warm: true, even: true, bandwidth: c.bandwidth,
		}
		if got := f.run(); math.Abs(got.wall-c.want) > 1e-9 || got.got != 800 {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

// TestUneven: integrations that cost different amounts cost as much together, and the longest part is that of the plan.
func TestUneven(t *testing.T) {
	f := fleet{costs: costs{own: 1}, integrations: 9, platforms: 1, builders: 9, processors: 1, bandwidth: math.Inf(1)}
	got := f.run()
	if math.Abs(got.wall-2) > 1e-9 {
		t.Errorf("%+v: the heaviest costs 2", got)
	}
	f.builders = 1
	if all := f.run(); math.Abs(all.wall-got.cpu) > 1e-9 {
		t.Errorf("%+v alone, %+v together", all, got)
	}
	f.builders = 8
	if got := f.run(); math.Abs(got.wall-2) > 1e-9 {
		t.Errorf("%+v on 8: the lightest two go to one", got)
	}
}

// TestStops finds the number of builders that no doubling makes much faster.
func TestStops(t *testing.T) {
	f := fleet{costs: costs{own: 1}, integrations: 8, platforms: 1, processors: 1, bandwidth: math.Inf(1), even: true}
	if at := f.stops(); at != 8 {
		t.Errorf("8 integrations stop scaling at %d builders", at)
	}
	f.common, f.integrations = 8, 64 // 8 + 64/n: at 16, 12 seconds, and at 32, 10
	if at := f.stops(); at != 16 {
		t.Errorf("what each builder compiles stops it at %d", at)
	}
}

// measuredScale are outcomes from which the costs are those of TestFleet, with the points that the model is held to.
func measuredScale() *results {
	r := &results{}
	add := func(group, name string, rows ...row) {
		for i := range rows {
			rows[i].Name = "kpkg"
			if rows[i].Wall.Median == 0 {
				rows[i].Wall = rows[i].CPU
			}
		}
		r.Outcomes = append(r.Outcomes, outcome{Group: group, Name: name, Rounds: 1, Rows: rows})
	}
	cpu := func(seconds float64) row { return row{CPU: spread{seconds, seconds, seconds}} }
	first, second, alone := cpu(46.1), cpu(6.2), cpu(44)
	first.Sent, second.Got = 42<<20, 21<<20
	add("scale", freshBuilders, first, second, alone)
	add("scale", oneMore, cpu(4))
	add("scale", linkedAgain, cpu(2))
	add("scale", packedOnly, cpu(1))
	add("scale", verifiedOnly, cpu(0.5))
	add("scale", publishing, cpu(2))
	add("scale", planning, cpu(0))
	for _, p := range fleetPoints {
		add("fleet", p.name, cpu(50))
	}
	return r
}

func TestCosts(t *testing.T) {
	got, err := measuredScale().costs()
	want := round
	want.sent, want.got = 42<<20, 21<<20
	for _, pair := range [][2]float64{
		{got.common, want.common}, {got.own, want.own}, {got.link, want.link}, {got.pack, want.pack}, {got.verify, want.verify},
		{got.publish, want.publish}, {got.send, want.send}, {got.fetch, want.fetch}, {got.sent, want.sent}, {got.got, want.got},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-9 {
			t.Errorf("%+v, want %+v, %v", got, want, err)
			break
		}
	}
	for i := range measuredScale().Outcomes {
		r := measuredScale()
		name := r.Outcomes[i].Name
		r.Outcomes = append(r.Outcomes[:i], r.Outcomes[i+1:]...)
		if _, err := r.scaleTables(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q was not measured, and the tables are there: %v", name, err)
		}
	}
}

// TestPoints: a lone builder takes 40 + 4 x (2 + 2) seconds on paper, and 50 in the outcomes.
func TestPoints(t *testing.T) {
	tables, err := measuredScale().scaleTables()
	if err != nil {
		t.Fatal(err)
	}
	const want = "| 1 builder with nothing, no shared cache | 56.0 s | 50.0 s | 0.89 | 56.0 s | 50.0 s | 0.89 |"
	if !strings.Contains(tables["forecast"], want) {
		t.Errorf("%s\nhas no line\n%s", tables["forecast"], want)
	}
	if want := "takes 0.13 of the first one's time and 0.13 of its processor time"; !strings.Contains(tables["second builder"], want) {
		t.Errorf("%q is not in %q", want, tables["second builder"])
	}
}
