package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// counted is a contender that takes so many seconds, more in each run, and tells when it runs.
func counted(name string, seconds int, order *[]string) contender {
	runs := 0
	return contender{name: name, run: func(context.Context) (sample, error) {
		*order = append(*order, name)
		runs++
		wall := time.Duration(seconds*runs) * time.Second
		return sample{wall: wall, cpu: 2 * wall, peak: int64(seconds) << 20}, nil
	}}
}

func TestTurns(t *testing.T) {
	var order []string
	down := 0
	o, err := contest{
		name: "work", contenders: []contender{counted("peer", 10, &order), counted("ours", 5, &order)}, rounds: 4,
		tearDown: func() error { down++; return nil },
	}.hold(t.Context(), 9)
	if err != nil || down != 1 {
		t.Fatal(err, down)
	}
	want := "peer ours peer, ours peer peer, peer peer ours, peer ours peer"
	if got := strings.Join(slices.Collect(func(yield func(string) bool) {
		for part := range slices.Chunk(order, 3) {
			if !yield(strings.Join(part, " ")) {
				return
			}
		}
	}), ", "); got != want {
		t.Errorf("order %s, want %s", got, want)
	}
	if ours := o.Rows[1].Wall; len(o.Rows) != 2 || ours != (spread{15, 5, 20}) {
		t.Errorf("rows %+v", o.Rows)
	}
	if o.Again == nil || o.Again.Name != "peer" {
		t.Errorf("again %+v", o.Again)
	}
}

func TestRounds(t *testing.T) {
	for _, test := range []struct {
		held  int
		noise float64
		taken time.Duration
		more  bool
	}{
		{2, 0, time.Hour, true}, {3, 0, time.Hour, false}, {4, 0, 30 * time.Second, true}, {5, 0, time.Minute, false},
		{5, 0, time.Second, true}, {25, 0, time.Second, false},
		{5, 0.04, time.Minute, false}, {5, 0.06, time.Minute, true}, {25, 0.06, time.Minute, true}, {50, 0.06, time.Second, false},
		{3, 0.06, 4 * time.Minute, false},
	} {
		o := outcomeOf(test.noise)
		o.Rounds = test.held
		if more := (contest{}).more(o, 5, test.taken); more != test.more {
			t.Errorf("after %d rounds in %v, with a noise of %v: more %v", test.held, test.taken, test.noise, more)
		}
	}
}

func TestTurnsThatFail(t *testing.T) {
	bad := errors.New("it broke")
	down := 0
	_, err := contest{
		name: "work", tearDown: func() error { down++; return nil },
		contenders: []contender{{name: "peer", run: func(context.Context) (sample, error) { return sample{}, bad }}},
	}.hold(t.Context(), 3)
	if !errors.Is(err, bad) || down != 1 || err.Error() != "work: peer: it broke" {
		t.Error(err, down)
	}
}

func outcomeOf(noise float64) outcome {
	even := func(median float64) spread { return spread{median, median * 0.9, median * 1.1} }
	peer := row{Name: "peer", Wall: even(2), CPU: even(1), Peak: 20 << 20, Size: 4 << 20}
	again := peer
	again.Wall = even(2 * (1 + noise))
	ours := row{Name: "ours", Wall: even(1), CPU: even(3), Peak: 10 << 20, Size: 2 << 20}
	return outcome{Group: "packing", Name: "work", Rounds: 5, Rows: []row{peer, ours}, Again: &again}
}

func TestTable(t *testing.T) {
	const want = `|  | wall | CPU | peak | size | ratio: wall | CPU | size |
|---|---|---|---|---|---|---|---|
| **work; 5 rounds, noise 4 %, 0 %** |  |  |  |  |  |  |  |
| peer | 2.000 s (1.800–2.200) | 1.000 s (0.900–1.100) | 20.0 MiB | 4.0 MiB | 1.00 | 1.00 | 1.00 |
| ours | 1.000 s (0.900–1.100) | 3.000 s (2.700–3.300) | 10.0 MiB | 2.0 MiB | 0.50 | 3.00 | 0.50 |
`
	if got := markdown([]outcome{outcomeOf(0.04)}); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestNoise: where the peer is not as fast as itself, nothing is said of others.
func TestNoise(t *testing.T) {
	got := markdown([]outcome{outcomeOf(-0.06)})
	if !strings.Contains(got, "| (noise) | 3.00 | 0.50 |") || !strings.Contains(got, "noise 6 %, 0 %") {
		t.Error(got)
	}
}

// TestIdle: of two processors one had work for 100 seconds, the other for 90.
func TestIdle(t *testing.T) {
	r := results{Machine: machine{Processors: 2}, Outcomes: []outcome{{Group: "many", Name: "100 integrations", Rows: []row{
		{Wall: spread{Median: 100}, CPU: spread{Median: 190}},
	}}}}
	const want = "100 integrations took 2 min, in which the machine's 2 processors had no work for 5 % of their time.\n"
	if got := r.idleText("many"); got != want {
		t.Error(got)
	}
}

// TestKept: an outcome is measured once for a machine and a source.
func TestKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results", "benchmarks.json")
	now, err := openResults(t.Context(), file, false)
	if err != nil {
		t.Fatal(err)
	}
	now.Versions.Kpkg = strings.TrimSuffix(now.Versions.Kpkg, "-dirty")
	if err := now.keep(file, outcomeOf(0)); err != nil {
		t.Fatal(err)
	}
	dirty := strings.HasSuffix(fmt.Sprint(must(theseVersions(t.Context())).Kpkg), "-dirty")
	for _, again := range []bool{false, true} {
		then, err := openResults(t.Context(), file, again)
		if err != nil {
			t.Fatal(err)
		}
		if _, known := then.find("packing", "work"); known != (!again && !dirty) {
			t.Errorf("again %v, not committed %v: known %v", again, dirty, known)
		}
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// TestPages holds the pages of docs with tables, and their plots, to the outcomes beside them.
func TestPages(t *testing.T) {
	docs := filepath.Join(rig.Root(), "docs")
	for _, p := range docsPages {
		text, err := os.ReadFile(filepath.Join(docs, p.name+".md"))
		if err != nil {
			t.Fatal(err)
		}
		measured, err := readResults(filepath.Join(docs, p.name+".json")) // nothing, as long as no table is from a run
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		filled, err := measured.fill(string(text))
		if err != nil {
			t.Fatal(err)
		}
		if filled != string(text) {
			t.Errorf("docs/%s.md is not what its outcomes say: go run ./bench -results ../docs/%[1]s.json -docs", p.name)
		}
		for name, content := range measured.plots() {
			if got, err := os.ReadFile(filepath.Join(docs, name)); err != nil || string(got) != content {
				t.Errorf("docs/%s is not what the outcomes say: %v", name, err)
			}
		}
	}
}

// TestWriteDocs gives each page the outcomes of its groups, and leaves one alone of which there are none.
func TestWriteDocs(t *testing.T) {
	docs := t.TempDir()
	measured := measuredScale()
	scale := "# Scale\n"
	for _, name := range []string{"machine", "scale", "fleet", "costs", "second builder", "builders", "forecast"} {
		scale += tableBegin + name + tableOf + tableEnd
	}
	for name, text := range map[string]string{"scale.md": scale, "benchmarks.md": tableBegin + "packing" + tableOf + "old\n" + tableEnd} {
		if err := os.WriteFile(filepath.Join(docs, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write := func(o ...outcome) (scale, benchmarks string) {
		t.Helper()
		measured.Outcomes = o
		data, err := json.Marshal(measured)
		file := filepath.Join(docs, "in.json")
		if err = errors.Join(err, os.WriteFile(file, data, 0o644), writeDocs(file, docs)); err != nil {
			t.Fatal(err)
		}
		return string(must(os.ReadFile(filepath.Join(docs, "scale.md")))), string(must(os.ReadFile(filepath.Join(docs, "benchmarks.md"))))
	}
	outcomes := measured.Outcomes
	if scale, benchmarks := write(outcomes...); !strings.Contains(scale, "stops scaling") || !strings.Contains(benchmarks, "old") {
		t.Errorf("%s\n%s", scale, benchmarks)
	}
	if kept := must(readResults(filepath.Join(docs, "scale.json"))); len(kept.Outcomes) != len(outcomes) {
		t.Errorf("kept %d of %d outcomes", len(kept.Outcomes), len(outcomes))
	}
	before, _ := write(append(outcomes, outcomeOf(0))...)
	after, benchmarks := write(outcomeOf(0))
	if after != before || strings.Contains(benchmarks, "old") || !strings.Contains(benchmarks, "| peer |") {
		t.Errorf("%s\n%s", after, benchmarks)
	}
}

func TestFill(t *testing.T) {
	r := results{Outcomes: []outcome{outcomeOf(0)}}
	page := "# Figures\n<!-- measured: packing -->\nold\n<!-- end of what was measured -->\nEnd.\n"
	want := "# Figures\n<!-- measured: packing -->\n\n" + markdown(r.Outcomes) + "\n<!-- end of what was measured -->\nEnd.\n"
	if got, err := r.fill(page); err != nil || got != want {
		t.Errorf("%s %v\nwant\n%s", got, err, want)
	}
	for _, bad := range []string{
		"nothing was to go here", "<!-- measured: packing -->\nno end",
		page + "<!-- measured: sizes -->\nwhich were not\n<!-- end of what was measured -->\n",
	} {
		if got, err := r.fill(bad); err == nil {
			t.Errorf("%q: %s", bad, got)
		}
	}
}

func TestPlots(t *testing.T) {
	curves := plot{title: "a < b", x: "files", y: "seconds", curves: []curve{
		{"fast & small", []point{{10, 0.02}, {1000, 0.3}}}, {"slow", []point{{10, 2}, {1000, 200}}},
	}}.svg()
	for _, svg := range []string{curves, bars("sizes", "MiB", []outcome{outcomeOf(0)}, func(r row) float64 { return r.Wall.Median })} {
		decoder := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := decoder.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%v in %s", err, svg)
			}
		}
	}
	// Five powers of ten from 0.01 to 1,000 are 308 high: 2 is 2.3 of them above the foot.
	if !strings.Contains(curves, `cx="70.0" cy="222.3"`) {
		t.Error(curves)
	}
}
