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
	// Width is how many columns a terminal has: messages and hints are broken there, lines of a source are cut around the
	// finding's column. 0 breaks nothing and cuts at 80.
	Width int
}

var _ = register("text", writeText)

func writeText(w io.Writer, r *Report) error {
	if r.Show != nil {
		return r.Show(w)
	}
	return r.Text.Write(w, r.Findings)
}

// Write writes the findings in their order, each as it comes.
func (t Text) Write(w io.Writer, findings []Finding) error {
	sources := newSources(t.Source)
	for i, f := range findings {
		var out bytes.Buffer
		if t.Source != nil && i > 0 {
			out.WriteByte('\n')
		}
		t.one(&out, f)
		t.snippet(&out, f, sources)
		if f.Hint != "" {
			hint := fmt.Sprintf("    %s %s", t.paint(cyan, "hint:"), Printable(cut(f.Hint, maxMessage)))
			fmt.Fprintln(&out, Wrap(hint, t.Width, "          "))
		}
		if _, err := w.Write(out.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

var colors = [...]string{Error: red, Warning: yellow, Info: cyan}

func (t Text) one(out *bytes.Buffer, f Finding) {
	line := fmt.Sprintf("%s%s %s %s",
		t.paint(bold, Printable(f.position())), t.paint(colors[f.Severity], f.Severity.String()+":"),
		t.paint(bold, Printable(cut(f.Message, maxMessage))), t.paint(dim, "["+f.Rule+"]"))
	fmt.Fprintln(out, Wrap(line, t.Width, "    "))
}

// snippet shows the line of a finding, as much of it as the width takes, and points at its column.
func (t Text) snippet(out *bytes.Buffer, f Finding, sources *sources) {
	if f.More > 0 {
		return
	}
	line, found := sources.line(f)
	if !found {
		return
	}
	number := fmt.Sprint(f.Line)
	gutter := strings.Repeat(" ", len(number))
	width := t.Width
	if width <= 0 {
		width = 80
	}
	shown, before, token := window(line, f.Column-1, max(width-len(number)-4, 20))
	fmt.Fprintf(out, " %s %s\n", t.paint(dim, number+" |"), shown)
	fmt.Fprintf(out, " %s %s%s\n", t.paint(dim, gutter+" |"), strings.Repeat(" ", before),
		t.paint(colors[f.Severity], "^"+strings.Repeat("~", max(0, token-1))))
}

// ellipsis stands for what a window leaves out.
const ellipsis = "..."

// window is the part of a line around a byte that fits into so many columns, with the columns before that byte and the
// columns of the token there. No more of the line is looked at than could be shown.
func window(line []byte, at, columns int) (shown string, before, token int) {
	start, end := max(0, at-columns*utf8.UTFMax), min(len(line), at+columns*utf8.UTFMax)
	for start > 0 && start < at && !utf8.RuneStart(line[start]) {
		start++
	}
	left, right := []rune(untab(string(line[start:at]))), []rune(untab(string(line[at:end])))
	token = tokenWidth(string(line[at:end]))
	head, tail := "", ""
	if start > 0 || len(left)+min(token, columns/2) > columns-len(ellipsis) {
		head, left = ellipsis, left[max(0, len(left)-columns/3):] // a third of the columns is for what stands before
	}
	if room := columns - len(head) - len(left); end < len(line) || len(right) > room {
		tail, right = ellipsis, right[:min(len(right), room-len(ellipsis))]
	}
	return head + string(left) + string(right) + tail, len(head) + len(left), min(token, len(right)+len(tail))
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

// Verdict is text in the colour of what is good or bad.
func (t Text) Verdict(good bool, text string) string {
	if good {
		return t.paint(green, text)
	}
	return t.paint(red, text)
}

const (
	bold   = "1"
	dim    = "2"
	red    = "1;31"
	green  = "1;32"
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

// PrintableLines is Printable for text that has lines of its own, such as a compiler's output. Each is cut to what a
// message holds.
func PrintableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = Printable(cut(strings.ReplaceAll(lines[i], "\t", "    "), maxMessage))
	}
	return strings.Join(lines, "\n")
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
