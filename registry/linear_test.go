package registry

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/internal/growth"
)

// TestIndexIsLinear reads an index and a list of versions of each kind of text, in two sizes, and checks trees that have them.
func TestIndexIsLinear(t *testing.T) {
	const index, versions = `{"version":"v1.0.0","integrations":[`, `{"name":"one","versions":[`
	key := newKey(t, "acme")
	tree := t.TempDir()
	add(t, Options{Tree: tree, Key: key}, dist(t, key, "one", "v1.0.0"))
	for _, shape := range []struct{ before, repeated, after string }{
		{"", "[", ""}, {"", `{"a":`, ""}, {index, `{},`, `{}]}`}, {index, `{"name":"one","version":"v1.0.0"},`, `{}]}`},
		{index + `{"name":"one","tags":[`, `"",`, `""]}]}`}, {index + `{"name":"one","connectors":[`, `{},`, `{}]}]}`},
		{index + `{"name":"one","connectors":[{"protocols":[`, `{"scheme":"x"},`, `{}]}]}]}`},
		{index + `{"name":"`, `\u202e`, `"}]}`}, {index + `{"name":"`, "x", `"}]}`}, {index + `{"name":"one","version":"v1.0.0-`, "0.", `0"}]}`},
		{index + `{"name":"one","description":"`, `\u001b`, `"}]}`}, {index + `{"connectors":[{"validator":`, "[", ""},
		{index + `{"documentation":"`, "a/", `"}]}`}, {index + `{"documentation":"`, "../", `"}]}`},
		{versions, `{"version":"v1.0.0"},`, `{"version":"v1.0.0"}]}`}, {versions + `{"version":"v1.0.0","files":[`, `{"name":"a"},`, `{"name":"a"}]}]}`},
		{versions + `{"version":"v1.`, "1", `.0"}]}`}, {versions + `{"version":"v1.0.0-`, "a.", `b"}]}`},
		{versions + `{"version":"v1.0.0","withdrawn":"`, `\u001b`, `"}]}`},
		{versions + `{"version":"v1.0.0","files":[{"name":"`, "a/", `b"}]}]}`},
	} {
		growth.Linear(t, 1<<20, func(size int) {
			data := []byte(shape.before + strings.Repeat(shape.repeated, (size-len(shape.before)-len(shape.after))/len(shape.repeated)) + shape.after)
			decodeIndex(data)
			decodeVersions(data, "one")
			for _, name := range []string{indexDir + "/" + IndexName, integrationDir("one") + "/" + versionsName} {
				file := filepath.Join(tree, name)
				good := get(t, file)
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
				put(t, file, data)
				rules, found := look(t, tree, CheckOptions{})
				if len(rules) == 0 {
					t.Errorf("%s: nothing is found in %.60q", name, data)
				}
				if len(found) > 100_000 {
					t.Errorf("%s: %d findings of %.60q", name, len(found), data)
				}
				put(t, file, good)
			}
		})
	}
}
