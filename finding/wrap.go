package finding

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// Wrap breaks the lines of a text at spaces so that none is longer than width columns, as far as its words allow. What
// follows a break begins with the indentation. A width of 0 or less breaks nothing. Colours take no columns.
func Wrap(text string, width int, indentation string) string {
	if width <= 0 {
		return text
	}
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		out = append(out, wrapLine(line, width, indentation)...)
	}
	return strings.Join(out, "\n")
}

func wrapLine(line string, width int, indentation string) []string {
	var lines []string
	for Width(line) > width {
		at := lastSpace(line, width)
		if at < 0 {
			break
		}
		lines = append(lines, strings.TrimRight(line[:at], " "))
		line = indentation + strings.TrimLeft(line[at:], " ")
	}
	return append(lines, line)
}

// lastSpace is where to break a line: at the last space up to width, or else at the first one; -1 if there is none. The
// spaces that a line begins with do not count.
func lastSpace(line string, width int) int {
	best, seen, blank := -1, 0, true
	for i := 0; i < len(line); {
		if change := escape.FindString(line[i:]); change != "" {
			i += len(change)
			continue
		}
		if seen > width && best >= 0 {
			break
		}
		if line[i] != ' ' {
			blank = false
		} else if !blank {
			best = i
		}
		char, size := utf8.DecodeRuneInString(line[i:])
		seen += terminal.RuneWidth(char)
		i += size
	}
	return best
}

// escape is a change of colour at the start of a text, escapes are all of them.
var (
	escape  = regexp.MustCompile("^\x1b\\[[0-9;]*m")
	escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")
)

// Width is how many columns of a terminal a line takes: none for colours and what combines, two for wide characters, whatever
// the language of whoever runs kpkg.
func Width(line string) int { return terminal.StringWidth(escapes.ReplaceAllString(line, "")) }

var terminal = &runewidth.Condition{StrictEmojiNeutral: true}
