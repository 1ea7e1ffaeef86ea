package finding_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/PlakarKorp/kpkg/finding"
)

func TestCut(t *testing.T) {
	if got := finding.Cut(strings.Repeat("x", 200)); len(got) != 200 {
		t.Errorf("%d bytes of a line are left", len(got))
	}
	long := strings.Repeat("x", 8<<20)
	for name, got := range map[string]string{
		"string":  finding.Sprintf("file %s is odd", long),
		"quoted":  finding.Sprintf("file %q is odd", long),
		"error":   finding.Sprintf("file: %v", errors.New(long)),
		"strings": finding.Sprintf("files %v", []string{long, "short"}),
	} {
		if len(got) > 1100 || !strings.Contains(got, "... (8388608 bytes)") {
			t.Errorf("%s: %d bytes: %.300s", name, len(got), got)
		}
	}
	if got := finding.Printable(finding.Cut(strings.Repeat("\x1b", 150))); len(got) > 230 {
		t.Errorf("%d bytes are printed of a string of control characters", len(got))
	}
	if got := finding.Sprintf("%d of %s in %v", 3, "a", []string{"b"}); got != "3 of a in [b]" {
		t.Error(got)
	}
	if got := finding.Cut(strings.Repeat("é", 101)[1:]); !utf8.ValidString(got[1:]) { // an end between two bytes of one letter
		t.Errorf("a letter is cut: %q", got)
	}
}

// TestCutLength holds that a string is cut no shorter than it must be for its length to be said.
func TestCutLength(t *testing.T) {
	const room = len("... (9223372036854775807 bytes)")
	for n, want := range map[int]string{
		200: strings.Repeat("x", 200),
		201: strings.Repeat("x", 200-room) + "... (201 bytes)",
		999: strings.Repeat("x", 200-room) + "... (999 bytes)",
	} {
		if got := finding.Cut(strings.Repeat("x", n)); got != want {
			t.Errorf("of %d bytes: %s", n, got)
		}
	}
}

// TestBoundBytes holds what counts towards the length of all: file, message, hint and rule of each finding.
func TestBoundBytes(t *testing.T) {
	const each, count = 1 << 10, 1 << 10 // 1 MiB together
	var findings []finding.Finding
	for i := range count {
		f := finding.Finding{
			Rule: fmt.Sprintf("rule-%04d", i), File: strings.Repeat("f", 100), Hint: strings.Repeat("h", 300), Severity: finding.Warning,
		}
		f.Message = strings.Repeat("m", each-len(f.Rule)-len(f.File)-len(f.Hint))
		findings = append(findings, f)
	}
	if got := finding.Bound(findings); len(got) != count || got[count-1] != findings[count-1] {
		t.Errorf("of %d findings that fit, %d are left", count, len(got))
	}
	findings[0].Message += "m"
	got := finding.Bound(findings)
	if last := got[len(got)-1]; len(got) != count || last.Rule != "findings-omitted" || last.More != 1 {
		t.Errorf("of %d findings that do not fit by a byte, %d are left, with %v", count, len(got), last)
	}
}

// TestBoundOfAll holds that what a report has said already counts.
func TestBoundOfAll(t *testing.T) {
	report := &finding.Report{}
	add := func(rule string) []finding.Finding {
		var findings []finding.Finding
		for i := range 400 {
			findings = append(findings, many(fmt.Sprintf("%s-%d", rule, i), finding.Warning, 1, 1900)...)
		}
		return report.Add(findings...)
	}
	if got := add("first"); len(got) != 400 {
		t.Errorf("of 760 kB %d findings of 400 are left", len(got))
	}
	if got := add("second"); len(got) > 200 || len(got) < 100 {
		t.Errorf("of what goes beyond 1 MiB %d findings of 400 are left", len(got))
	}
}

// many are findings of one rule, each with a text of some length.
func many(rule string, severity finding.Severity, n, length int) []finding.Finding {
	var findings []finding.Finding
	for i := range n {
		findings = append(findings, finding.Finding{
			Rule: rule, Severity: severity, File: "f", Message: fmt.Sprintf("%d %s", i, strings.Repeat("x", length)),
		})
	}
	return findings
}

// TestBoundKinds sums what is beyond the first of a kind, and counts it.
func TestBoundKinds(t *testing.T) {
	findings := slices.Concat(many("a", finding.Warning, 1000, 5), many("a", finding.Error, 2, 5), many("b", finding.Warning, 30, 5))
	got := finding.Bound(findings)
	if len(got) != 30+1+2+30 {
		t.Errorf("%d findings are left", len(got))
	}
	want := finding.Finding{
		Rule: "a", Severity: finding.Warning, File: "f", Message: "and 970 more of this kind", More: 970,
	}
	if got[30] != want {
		t.Errorf("the sum is %+v", got[30])
	}
	for _, severity := range []finding.Severity{finding.Error, finding.Warning, finding.Info} {
		if want, got := finding.Count(findings, severity), finding.Count(got, severity); got != want {
			t.Errorf("%d of severity %s, not %d", got, severity, want)
		}
	}
	if again := finding.Bound(got); !slices.Equal(again, got) {
		t.Error("bounding again changes findings")
	}
}

// TestBoundText keeps the text of a report below 1 MiB, whatever is added, and errors rather than warnings.
func TestBoundText(t *testing.T) {
	report := finding.Report{Command: "verify"}
	errs, warnings := 0, 0
	for i := range 100 {
		one := many(fmt.Sprintf("warning-%d", i), finding.Warning, 20, 1900)
		one = append(one, many(fmt.Sprintf("error-%d", i), finding.Error, 3, 1900)...)
		warnings, errs = warnings+20, errs+3
		report.Add(one...)
	}
	if got := report.Count(finding.Error); got != errs {
		t.Errorf("%d errors, not %d", got, errs)
	}
	if got := report.Count(finding.Warning); got != warnings {
		t.Errorf("%d warnings, not %d", got, warnings)
	}
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		if err := finding.Write(&out, format, &report); err != nil {
			t.Fatal(err)
		}
		if out.Len() > 5<<19 {
			t.Errorf("%s: %d bytes", format, out.Len())
		}
		if !strings.Contains(out.String(), "findings-omitted") {
			t.Errorf("%s does not say that there is more", format)
		}
	}
	mixed := append(many("warning", finding.Warning, 30, 1<<20), many("error", finding.Error, 30, 1<<20)...)
	for i := range 20 {
		mixed = append(mixed, many(fmt.Sprint(i), finding.Warning, 30, 1900)...)
	}
	shown := 0
	for _, f := range finding.Bound(mixed) {
		if f.Rule == "error" {
			shown++
		}
	}
	if shown != 30 {
		t.Errorf("%d of 30 errors are shown, beside warnings", shown)
	}
}

// TestMessageBound cuts what was put together without Sprintf.
func TestMessageBound(t *testing.T) {
	long := strings.Repeat("x", 8<<20)
	for _, f := range finding.Bound([]finding.Finding{{Rule: "r", File: long, Message: long, Hint: long}}) {
		if again := finding.Bound([]finding.Finding{f}); again[0] != f {
			t.Error("cutting again changes a finding")
		}
		if len(f.File)+len(f.Message)+len(f.Hint) > 9000 || !strings.HasSuffix(f.Message, "... (8388608 bytes)") {
			t.Errorf("%d, %d and %d bytes", len(f.File), len(f.Message), len(f.Hint))
		}
	}
}

// TestLongLine shows a part of a long line, with the caret below the column.
func TestLongLine(t *testing.T) {
	line := strings.Repeat("a", 500_000) + "\tX: \"y\" " + strings.Repeat("é", 300_000)
	column := strings.IndexByte(line, 'X') + 1
	for _, width := range []int{40, 80, 200} {
		for name, source := range map[string]string{
			"in the middle": line, "at the end": line[:column+6], "at the start": line[column-1:], "short": "X: 1",
		} {
			at := strings.IndexByte(source, 'X') + 1
			text := finding.Text{Width: width, Source: func(string) []byte { return []byte("first\n" + source + "\nlast") }}
			var out bytes.Buffer
			if err := text.Write(&out, []finding.Finding{{Rule: "r", File: "f", Line: 2, Column: at, Message: "m"}}); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(out.String(), "\n")
			if len(lines) != 4 {
				t.Fatalf("%s in %d columns: %d lines", name, width, len(lines))
			}
			for _, shown := range lines[1:3] {
				if n := utf8.RuneCountInString(shown); n > width {
					t.Errorf("%s in %d columns: a line of %d", name, width, n)
				}
			}
			caret := utf8.RuneCountInString(lines[2][:strings.IndexByte(lines[2], '^')])
			if runes := []rune(lines[1]); runes[caret] != 'X' {
				t.Errorf("%s in %d columns: the caret is not below the X:\n%s\n%s", name, width, lines[1], lines[2])
			}
		}
	}
}

// TestManyFindingsOfLongFile holds that showing lines takes time by the file and the findings, not by their product.
func TestManyFindingsOfLongFile(t *testing.T) {
	content := bytes.Repeat([]byte("key: value\n"), 100_000)
	asked := 0
	text := finding.Text{Source: func(string) []byte { asked++; return content }}
	var findings []finding.Finding
	for i := range 20_000 {
		findings = append(findings, finding.Finding{Rule: "r", File: "f", Line: i + 1, Column: 1, Message: "m"})
	}
	var out bytes.Buffer
	if err := text.Write(&out, findings); err != nil {
		t.Fatal(err)
	}
	if asked != 1 {
		t.Errorf("the file was read %d times", asked)
	}
}

// TestNoControlCharacters writes what terminals obey, and what turns the direction of text, as escapes in every format: in
// findings, and in the lists of a report.
func TestNoControlCharacters(t *testing.T) {
	odd := "a\x00\x07\x08\x0b\x1b]0;owned\x7f\u0080\u009b2J\u202e\u2028\u2066\U000e0001\xffz"
	report := finding.Report{
		Command: "verify", Rules: []finding.Rule{{ID: "r", Severity: finding.Error, Title: "t", Fix: "f"}},
		Findings: []finding.Finding{{Rule: "r", Severity: finding.Error, File: odd, Message: odd, Hint: odd}},
		Cases:    []finding.Case{{Name: odd, Suite: odd, Failure: odd, Output: odd}},
		Lists:    []finding.List{finding.NewList("things", []map[string]string{{"name": odd}})},
	}
	for _, format := range []string{"text", "json", "github", "sarif", "junit"} {
		var out bytes.Buffer
		if err := finding.Write(&out, format, &report); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "owned") {
			t.Errorf("%s says nothing of it: %s", format, &out)
		}
		for _, r := range out.String() {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%s has %U: %q", format, r, &out)
			}
		}
		var content struct{ Things []map[string]string }
		if format == "json" {
			if err := json.Unmarshal(out.Bytes(), &content); err != nil {
				t.Fatal(err)
			}
			if got, want := content.Things[0]["name"], strings.ToValidUTF8(odd, "\ufffd"); got != want {
				t.Errorf("the name is read as %q, not %q", got, want)
			}
		}
	}
}
