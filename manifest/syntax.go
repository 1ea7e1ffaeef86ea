package manifest

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// wordings says in terms of the file what the YAML library says in terms of its grammar.
var wordings = []struct{ library, message, hint string }{
	{
		"mapping values are not allowed", "a second \": \" stands where one value is expected",
		"quote the value if it contains \": \", or check the indentation",
	},
	{
		"did not find expected key", "a key is expected here",
		"check the indentation: keys of one mapping start in the same column",
	},
	{"did not find expected ',' or ']'", "a list is not closed where it should be", "add \"]\""},
	{"did not find expected ',' or '}'", "a mapping is not closed where it should be", "add \"}\""},
	{"found unexpected end of stream", "a quote that opens here is never closed", "close it"},
}

// syntax reports why the YAML library gave up.
func (d *Document) syntax(err error) {
	line := d.failingLine(err)
	text := d.lines.text(line)
	column := len(text) - len(strings.TrimLeft(text, " \t"))
	message, hint := reason(err), ""
	if tab := strings.IndexByte(text[:column], '\t'); tab >= 0 {
		column, message, hint = tab, "a tab cannot indent YAML", "indent with spaces"
	}
	if anchor, found := strings.CutPrefix(message, "unknown anchor '"); found {
		anchor, _, _ = strings.Cut(anchor, "'")
		column = max(strings.Index(text, "*"+anchor), 0)
		message, hint = fmt.Sprintf("no anchor %q stands above", anchor), "quote the value if it is meant to start with \"*\""
	}
	switch {
	case strings.HasPrefix(message, "control characters"):
		column = max(strings.IndexFunc(text, isForbidden), 0)
		character, _ := utf8.DecodeRuneInString(text[column:])
		message, hint = "YAML holds no control characters", fmt.Sprintf("write it as \\u%04x within double quotes", character)
	case strings.HasPrefix(message, "found unexpected end of stream"):
		column = max(strings.IndexAny(text, "\"'"), 0)
	}
	for _, wording := range wordings {
		if strings.HasPrefix(message, wording.library) {
			message, hint = wording.message, wording.hint
		}
	}
	d.problemAt(d.lines.start(line)+column, "yaml-syntax", message, hint)
}

// isForbidden tells whether YAML holds the character only escaped (YAML 1.1, section 4.1.1).
func isForbidden(r rune) bool {
	return unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\u0085", r) || r == '\uFFFE' || r == '\uFFFF'
}

// failingLine returns the index of the line that makes YAML parsing fail with err. The library names a line only, that of
// the construct around the failure, and counts from zero or from one; but it reads in order, so the shortest run of lines
// that fails in the same way ends with the one to blame.
func (d *Document) failingLine(err error) int {
	low, high := 0, d.lines.count()-1
	for low < high {
		middle := (low + high) / 2
		if d.failsAlike(d.Raw[:d.lines.start(middle+1)], err) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

func (d *Document) failsAlike(data []byte, want error) bool {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for range 2 {
		if _, err := decode(decoder); err != nil {
			return err.Error() == want.Error()
		}
	}
	return false
}

// reason is the library's message without its prefix and its line.
func reason(err error) string {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if strings.HasPrefix(message, "line ") {
		if _, after, found := strings.Cut(message, ": "); found {
			return after
		}
	}
	return message
}
