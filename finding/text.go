package finding

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text renders findings for people: a clickable position, what is wrong, the rule, and what to do.
type Text struct {
	// Color uses the terminal's colours.
	Color bool
	// Source returns the content of a file that findings name, nil when there is none to show. When it is set, the line of
	// a finding is shown below it with a caret at its column.
	Source func(file string) []byte
}

// Write writes the findings in their order.
func (t Text) Write(w io.Writer, findings []Finding) error {
	var out bytes.Buffer
	for _, f := range findings {
		t.one(&out, f)
	}
	_, err := w.Write(out.Bytes())
	return err
}

func (t Text) one(out *bytes.Buffer, f Finding) {
	color := map[Severity]string{Error: red, Warning: yellow, Info: cyan}[f.Severity]
	fmt.Fprintf(out, "%s%s %s %s\n",
		t.paint(bold, Printable(f.position())), t.paint(color, f.Severity.String()+":"), t.paint(bold, Printable(f.Message)),
		t.paint(dim, "["+f.Rule+"]"))
	t.snippet(out, f, color)
	if f.Hint != "" {
		fmt.Fprintf(out, "    %s %s\n", t.paint(cyan, "hint:"), Printable(f.Hint))
	}
}

// snippet shows the line of a finding and points at its column.
func (t Text) snippet(out *bytes.Buffer, f Finding, color string) {
	if t.Source == nil || f.Line == 0 || f.Column == 0 {
		return
	}
	lines := bytes.Split(t.Source(f.File), []byte("\n"))
	if f.Line > len(lines) || f.Column > len(lines[f.Line-1])+1 {
		return
	}
	line := strings.TrimRight(string(lines[f.Line-1]), "\r")
	before, at := line[:min(f.Column-1, len(line))], line[min(f.Column-1, len(line)):]
	number := fmt.Sprint(f.Line)
	gutter := strings.Repeat(" ", len(number))
	fmt.Fprintf(out, " %s %s\n", t.paint(dim, number+" |"), untab(line))
	fmt.Fprintf(out, " %s %s%s\n", t.paint(dim, gutter+" |"),
		strings.Repeat(" ", utf8.RuneCountInString(untab(before))), t.paint(color, "^"+strings.Repeat("~", max(0, tokenWidth(at)-1))))
}

// untab makes a line as wide as it counts: tabs would move the caret.
func untab(line string) string { return Printable(strings.ReplaceAll(line, "\t", " ")) }

// tokenWidth is how many characters the YAML or JSON token at the start of s has.
func tokenWidth(s string) int {
	if s == "" {
		return 0
	}
	if quote := s[0]; quote == '"' || quote == '\'' {
		if end := strings.IndexByte(s[1:], quote); end >= 0 {
			return utf8.RuneCountInString(s[:end+2])
		}
	}
	end := strings.IndexAny(s, " \t,:]}#\r")
	// A colon or hash inside a word, as in a URL, does not end it.
	for end > 0 && end+1 < len(s) && (s[end] == ':' || s[end] == '#') && s[end+1] != ' ' {
		next := strings.IndexAny(s[end+1:], " \t,:]}#\r")
		if next < 0 {
			end = len(s)
			break
		}
		end += 1 + next
	}
	if end < 0 {
		end = len(s)
	}
	return utf8.RuneCountInString(s[:end])
}

const (
	bold   = "1"
	dim    = "2"
	red    = "1;31"
	yellow = "1;33"
	cyan   = "36"
)

func (t Text) paint(code, s string) string {
	if !t.Color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// Printable writes control characters and bytes that are not UTF-8 as escapes: names out of a stranger's manifest or
// package must not move the cursor of a terminal or start a line of their own in a log.
func Printable(s string) string {
	clean := strings.IndexFunc(s, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) < 0
	if clean {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case unicode.IsPrint(r):
			b.WriteString(s[:size])
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		s = s[size:]
	}
	return b.String()
}

// Tally is the one-line count that ends a report: "2 errors, 1 warning", or "no findings".
func Tally(findings []Finding) string {
	var parts []string
	for _, severity := range []Severity{Error, Warning, Info} {
		switch n := Count(findings, severity); {
		case n == 0:
		case severity == Info:
			parts = append(parts, fmt.Sprintf("%d info", n))
		case n == 1:
			parts = append(parts, fmt.Sprintf("1 %s", severity))
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", n, severity))
		}
	}
	if parts == nil {
		return "no findings"
	}
	return strings.Join(parts, ", ")
}
