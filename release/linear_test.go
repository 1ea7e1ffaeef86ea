package release

import (
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/internal/growth"
)

// TestSidecarsAreLinear reads what stands beside a package, in two sizes, and far more than there may be of it.
func TestSidecarsAreLinear(t *testing.T) {
	const name, header = "name: x\n", "untrusted comment: x\n"
	shapes := []struct{ before, repeated, after string }{
		{"", "[", ""}, {"", "{a: ", ""}, {"a: ", "[", ""}, {"", "- ", ""}, {name, "x: y\n", ""}, {name, "name: x\n", ""},
		{"name: ", "x", "\n"}, {"name: \"", `\x1b`, "\"\n"}, {"name: '", "''", "'\n"}, {"name: |\n", " x\n", ""}, {"name: >\n", " x\n\n", ""},
		{"name: &a [x]\nversion: [", "*a,", "]\n"}, {"a: &a [x]\n", "b: &b [*a,*a]\n", ""}, {"", "---\n", ""}, {"", "#\n", ""},
		{"", "? ", ""}, {"{", "a,", "}"}, {"{", "a: b,", "}"}, {"name: ", "!!str ", "x"}, {"<<: ", "{<<: ", ""}, {"", " ", ""}, {"", "\t", ""},
		{"", "%TAG ! x\n", "---\n"}, {"", "\"a", ""}, {"name: x", " x\n", ""}, {"version: v1.2.3-", "a.", "\n"}, {"name: x\nversion: v1.", "1", ".1\nrepository: x\n"},
		{"SHA256 (", "x", ") = "}, {"", "SHA256 (x) = ", ""}, {"SHA256 (x) = ", "0", "\n"}, {"", "(", ""}, {"SHA256 (", ") = ", "\n"},
		{header, "A", "\n"}, {header, "UlVO", "\n"}, {"untrusted comment: ", "x", "\n"}, {header, "=\n", ""}, {header, "\n", ""},
	}
	readers := map[string]func([]byte) error{
		"recipe":    func(data []byte) error { _, err := ParseRecipe(data); return err },
		"sum":       func(data []byte) error { _, err := ParseSum(data); return err },
		"key":       func(data []byte) error { _, err := ParsePublicKey("x", data); return err },
		"signature": func(data []byte) error { _, err := ParseSignature(data); return err },
	}
	for kind, read := range readers {
		t.Run(kind, func(t *testing.T) {
			for _, shape := range shapes {
				for _, most := range []int{MaxSidecar, 1 << 20} {
					growth.Linear(t, most, func(size int) {
						text := shape.before + strings.Repeat(shape.repeated, (size-len(shape.before)-len(shape.after))/len(shape.repeated)) + shape.after
						if err := read([]byte(text)); err == nil && kind != "recipe" {
							t.Errorf("%.40q is taken for one", text)
						} else if err != nil && len(err.Error()) > 3000 {
							t.Errorf("of %.40q it says %d bytes", text, len(err.Error()))
						}
					})
				}
			}
		})
	}
}
