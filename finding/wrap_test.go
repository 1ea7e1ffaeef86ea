package finding_test

import (
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/finding"
)

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"one two three", 0, "one two three"},
		{"one two three", 13, "one two three"},
		{"one two three", 12, "one two\n  three"},
		{"one two three", 4, "one\n  two\n  three"},
		{"oneandtwo three", 4, "oneandtwo\n  three"},
		{"  oneandtwo", 4, "  oneandtwo"},
		{"one two\nthree four", 9, "one two\nthree\n  four"},
		{"ééé ééé", 7, "ééé ééé"},
		{"e\u0301e\u0301 e\u0301e\u0301", 5, "e\u0301e\u0301 e\u0301e\u0301"},
		{"日本 日本", 9, "日本 日本"},
		{"日本 日本", 8, "日本\n  日本"},
		{"\x1b[1;31mone two\x1b[0m three", 9, "\x1b[1;31mone two\x1b[0m\n  three"},
		{strings.Repeat(" ", 30), 4, strings.Repeat(" ", 30)},
	} {
		if got := finding.Wrap(test.text, test.width, "  "); got != test.want {
			t.Errorf("%q in %d columns: %q, not %q", test.text, test.width, got, test.want)
		}
	}
}
