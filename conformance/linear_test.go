package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/internal/growth"
)

// TestSettingsAreLinear reads settings of each kind of text, in two sizes.
func TestSettingsAreLinear(t *testing.T) {
	const config = "importer:x:\n  config:\n"
	for _, shape := range []struct{ before, repeated, after string }{
		{"", "[", ""}, {"", "{a: ", ""}, {"a: ", "[", ""}, {"", "- ", ""}, {"", "x: y\n", ""}, {"", "importer:x: {}\n", ""}, {"", "---\n", ""},
		{config, "    a: b\n", ""}, {"importer:x: {config: {", "a,", "}}"}, {"importer:x: {sample: ", "x", "}"}, {"importer:x: {sample: \"", `\x1b`, "\"}"},
		{"importer:x: {sample: 'x", "\n", "'}"}, {"importer:x: {config: {a: &a [x], b: [", "*a,", "]}}"}, {config + "    a: &a {x: y}\n", "    b: &b [*a,*a]\n", ""},
		{"", "? ", ""}, {"", "#\n", ""}, {"", " ", ""}, {"", "\t", ""}, {"", "\"a", ""}, {"", "!!str ", "x"}, {"", "%TAG ! x\n", "---\n"}, {"<<: ", "{<<: ", ""},
		{"importer:x: {sample: ", "&", "}"}, {"- ", "- - ", ""}, {"importer:x: {sample: [", "1e400,", "]}"},
	} {
		growth.Linear(t, maxSettings, func(size int) {
			name := filepath.Join(t.TempDir(), SettingsName)
			text := shape.before + strings.Repeat(shape.repeated, (size-len(shape.before)-len(shape.after))/len(shape.repeated)) + shape.after
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadSettings(filepath.Dir(name)); err != nil && len(err.Error()) > 2000+len(name) {
				t.Errorf("of %.40q it says %d bytes", text, len(err.Error()))
			}
		})
	}
	// A key is numbered, so that none comes twice.
	growth.Linear(t, maxSettings, func(size int) {
		var text strings.Builder
		text.WriteString(config)
		for i := 0; text.Len() < size-20; i++ {
			fmt.Fprintf(&text, "    k%d: v\n", i)
		}
		name := filepath.Join(t.TempDir(), SettingsName)
		if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		ReadSettings(filepath.Dir(name))
	})
}
