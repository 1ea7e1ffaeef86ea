package pages

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// TestMany searches among 5,000 integrations: as many rows as that, of those that a tree has.
func TestMany(t *testing.T) {
	tree := showcase(t)
	data, err := os.ReadFile(filepath.Join(tree, "integrations.js"))
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(data)) {
		if line, isRow := strings.CutPrefix(strings.TrimSuffix(line, ",\n"), "["); isRow {
			var row []string
			if err := json.Unmarshal([]byte("["+line), &row); err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		}
	}
	var many strings.Builder
	many.WriteString("window.kpkgIntegrations = [\n")
	for i := range 5000 {
		row := append([]string{}, rows[i%len(rows)]...)
		row[0], row[1] = fmt.Sprintf("%s-%d", row[0], i), fmt.Sprintf("%s %d", row[1], i)
		line, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		many.WriteString(string(line) + ",\n")
	}
	many.WriteString("];\n")
	list, err := os.ReadFile(filepath.Join(tree, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	tree = t.TempDir()
	put(t, filepath.Join(tree, "integrations.js"), many.String())
	put(t, filepath.Join(tree, "index.html"), string(list))

	tab := tab(t, rig.Look{Width: 1280, Height: 900})
	open(t, tab, fileURL(tree, "index.html#type=importer"))
	await(t, tab, `document.getElementById("count").textContent === "5000 integrations"`)
	// From a key to what it shows, laid out, each measured for itself.
	times := eval[[]float64](t, tab, `(async () => {
		const q = document.getElementById("q"), times = [];
		for (const word of ["folders", "post", "imap 17", "a", "4999", "zzz"]) {
			for (let n = 1; n <= word.length; n++) {
				q.value = word.slice(0, n);
				const start = performance.now();
				q.dispatchEvent(new Event("input", {bubbles: true}));
				await Promise.resolve().then().then().then();
				document.body.offsetHeight;
				times.push(performance.now() - start);
			}
		}
		return times;
	})()`)
	slices.Sort(times)
	median := times[len(times)/2]
	t.Logf("%d keys: %.1f ms, the slowest %.1f ms; integrations.js has %d KiB", len(times), median, times[len(times)-1], many.Len()>>10)
	if median > 500 { // 50 are promised, of a machine that does nothing else
		t.Errorf("a key takes %.0f ms", median)
	}
	await(t, tab, `document.getElementById("count").textContent === "Nothing is like that."`)
}
