package finding_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/finding"
)

// TestWindow holds to the column how much of a line is shown: 20 columns here, of which those before a finding are a third when
// it would not fit otherwise, and an ellipsis for each side that is cut.
func TestWindow(t *testing.T) {
	digits := strings.Repeat("0123456789", 30)
	wide := "\U0001F4A1" // four bytes
	for name, test := range map[string]struct {
		line        string
		at          int // the byte that the finding is about, from 0
		want, caret string
	}{
		"all of it":                {digits[:20], 0, digits[:20], "^" + strings.Repeat("~", 19)},
		"a column too long":        {digits[:21], 0, digits[:17] + "...", "^" + strings.Repeat("~", 19)},
		"a token at the edge":      {strings.Repeat("-", 13) + " abc", 14, strings.Repeat("-", 13) + " abc", strings.Repeat(" ", 14) + "^~~"},
		"one behind it":            {strings.Repeat("-", 14) + " abc", 15, "...----- abc", strings.Repeat(" ", 9) + "^~~"},
		"half a token at the edge": {"-----: " + digits[:13], 7, "-----: " + digits[:13], "       ^~~~~~~~~~~~~"},
		"half of one behind it":    {"------: " + digits[:13], 8, "...----: " + digits[:8] + "...", "         ^~~~~~~~~~~"},
		"the end at the edge":      {strings.Repeat("-", 39) + " " + digits[:11], 40, "...----- " + digits[:11], "         ^~~~~~~~~~~"},
		"the end behind it":        {strings.Repeat("-", 39) + " " + digits[:12], 40, "...----- " + digits[:8] + "...", "         ^~~~~~~~~~~"},
		"the middle":               {digits, 150, "...456789" + digits[:8] + "...", "         ^~~~~~~~~~~"},
		"wide, at most":            {strings.Repeat(wide, 20), 0, strings.Repeat(wide, 20), "^" + strings.Repeat("~", 19)},
		"wide, a column too long":  {strings.Repeat(wide, 21), 0, strings.Repeat(wide, 17) + "...", "^" + strings.Repeat("~", 19)},
		"wide, cut within":         {"a" + strings.Repeat(wide, 30) + " x", 122, "..." + strings.Repeat(wide, 5) + " x", "         ^"},
		"a wrong byte before it":   {"\x80abc d", 1, `\x80abc d`, "    ^~~"},
		"wrong bytes alone":        {strings.Repeat("\x80", 200), 150, `...\x80\x80\x80\x...`, "   ^" + strings.Repeat("~", 16)},
		"tabs":                     {"\t\ta\tb", 2, "  a b", "  ^"},
	} {
		var out bytes.Buffer
		text := finding.Text{Width: 25, Source: func(string) []byte { return []byte(test.line + "\n") }}
		if err := text.Write(&out, []finding.Finding{{Rule: "r", File: "f", Line: 1, Column: test.at + 1, Message: "m"}}); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(out.String(), "\n")
		if want := " 1 | " + test.want; lines[1] != want {
			t.Errorf("%s:\n%s\nnot\n%s", name, lines[1], want)
		}
		if want := "   | " + test.caret; lines[2] != want {
			t.Errorf("%s:\n%s\nnot\n%s", name, lines[2], want)
		}
	}
}

// TestToken holds how much is underlined: the token of YAML or JSON at the finding's column.
func TestToken(t *testing.T) {
	for line, want := range map[string]int{
		`""x`: 2, `"ab": x`: 4, `'a b' c`: 5, `"open: x`: 5, "a: b": 1, "a:": 1, "a,b": 1, "a]": 1, "a": 1,
		"http://a:1/b c": 12, "a#b c": 3, "a:b": 3, "a:b:c d": 5, "a:: b": 2, ":x y": 1, " x": 1, "a:b, c": 3,
	} {
		var out bytes.Buffer
		text := finding.Text{Source: func(string) []byte { return []byte(line + "\n") }}
		if err := text.Write(&out, []finding.Finding{{Rule: "r", File: "f", Line: 1, Column: 1, Message: "m"}}); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(out.String(), "\n")
		if want := "   | ^" + strings.Repeat("~", want-1); lines[2] != want {
			t.Errorf("%s\n%s\nnot\n%s", line, lines[2], want)
		}
	}
}
