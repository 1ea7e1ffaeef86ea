package manifest

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// fault is what is wrong with a line, and the byte of it where that begins.
type fault struct {
	column        int
	message, hint string
}

// faults say in terms of the file what the YAML library says in terms of its grammar. The first whose words the library uses
// counts; find looks for the place in the line, and may say more of it.
var faults = []struct {
	library string
	fault
	find func(line string) (fault, bool)
}{
	{
		"mapping values are not allowed", fault{0, "a second \": \" stands where one value is expected",
			"quote the value if it contains \": \", or check the indentation"}, secondColon,
	},
	{
		"did not find expected key", fault{0, "a key is expected here",
			"check the indentation: keys of one mapping start in the same column"}, afterQuote,
	},
	{"did not find expected ',' or ']'", fault{0, "a list is not closed where it should be", "add \"]\""}, nil},
	{"did not find expected ',' or '}'", fault{0, "a mapping is not closed where it should be", "add \"}\""}, nil},
	{"found unexpected end of stream", fault{0, "a quote is never closed", "close it"}, nil},
	{"found character that cannot start any token", fault{0, "a value cannot begin like this", "quote it"}, badBeginning},
	{"did not find expected node content", fault{0, "a value is expected here", "quote it if it is meant as text"}, badBeginning},
	{
		"found unknown escape character", fault{0, "there is no such escape in double quotes",
			"double the backslash, or use single quotes"}, badEscape,
	},
	{"did not find expected hexdecimal number", fault{0, "an escape lacks digits", "double the backslash, or use single quotes"}, badEscape},
	{"could not find expected ':'", fault{0, "a key without \":\"", "add a colon, or check the indentation"}, missingColon},
	{
		"did not find expected '-' indicator", fault{0, "an item of the list is expected here",
			"begin it with \"- \", or check the indentation"}, nil,
	},
	{
		"block sequence entries are not allowed", fault{0, "a list cannot begin here", "begin each item with \"- \" on a line of its own"}, nil,
	},
	{
		"did not find expected comment or line break",
		fault{0, "nothing may follow \"|\" or \">\" on its line", "begin the text on the next line"}, nil,
	},
}

// elsewise is what is said of all else.
var elsewise = fault{0, "this is no YAML", "check the quotes, colons and indentation here and above"}

// syntax reports why the YAML library gave up.
func (d *Document) syntax(err error) {
	line := d.failingLine(err)
	text := d.lines.text(line)
	message := reason(err)
	offset := d.lines.start(line)
	if open, found := unclosed(d.Raw); found && unclosedMessage(message) {
		what := map[byte]fault{
			'"': {0, "a quote that opens here is not closed", "close it"}, '\'': {0, "a quote that opens here is not closed", "close it"},
			'[': {0, "a list that opens here is not closed", "add \"]\""}, '{': {0, "a mapping that opens here is not closed", "add \"}\""},
		}[open.with]
		d.problemAt(open.at, "yaml-syntax", what.message, what.hint)
		return
	}
	if _, second := secondColon(text); !second && strings.HasPrefix(message, "mapping values are not allowed") {
		if at, f, found := d.continued(line); found {
			d.problemAt(d.lines.start(at)+f.column, "yaml-syntax", f.message, f.hint)
			return
		}
	}
	f := d.faultIn(text, message)
	d.problemAt(offset+f.column, "yaml-syntax", f.message, f.hint)
}

// continued is why YAML takes a line with one ": " for part of the text above it, and the line to blame.
func (d *Document) continued(line int) (at int, f fault, found bool) {
	above := line - 1
	for above >= 0 && saysNothing(d.lines.text(above)) {
		above--
	}
	if above < 0 {
		return 0, fault{}, false
	}
	text := d.lines.text(above)
	if hasColon(text) {
		indentation := indentationOf(d.lines.text(line))
		return line, fault{indentation, "this line is indented deeper than the key above it",
			"keys of one mapping start in the same column, items of a list with \"- \""}, indentation > indentationOf(text)
	}
	for above > 0 && !saysNothing(d.lines.text(above-1)) && !hasColon(d.lines.text(above-1)) {
		above--
	}
	text = d.lines.text(above)
	key, value, assigned := strings.Cut(strings.TrimSpace(text), "=")
	hint := "add a colon, or check the indentation"
	if assigned {
		hint = fmt.Sprintf("write %s: %s", strings.TrimSpace(key), strings.TrimSpace(value))
	}
	return above, fault{indentationOf(text), fmt.Sprintf("%q has no \":\"", strings.TrimSpace(text)), hint}, true
}

// saysNothing tells a line that is empty or a comment.
func saysNothing(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || line[0] == '#'
}

func hasColon(line string) bool {
	line = strings.TrimRight(line, "\r\n")
	return strings.Contains(line, ": ") || strings.HasSuffix(line, ":")
}

func indentationOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// unclosedMessage tells what the library says, among others, of what is not closed.
func unclosedMessage(message string) bool {
	for _, words := range []string{
		"did not find expected ',' or", "found unexpected end of stream", "did not find expected key", "could not find expected ':'",
		"did not find expected node content", "found unexpected document indicator", "mapping values are not allowed",
		"found unknown escape character",
	} {
		if strings.HasPrefix(message, words) {
			return true
		}
	}
	return false
}

// faultIn is what is wrong with a line of which the library says message.
func (d *Document) faultIn(text, message string) fault {
	start := len(text) - len(strings.TrimLeft(text, " \t"))
	if tab := strings.IndexByte(text[:start], '\t'); tab >= 0 {
		return fault{tab, "a tab cannot indent YAML", "indent with spaces"}
	}
	if anchor, found := strings.CutPrefix(message, "unknown anchor '"); found {
		anchor, _, _ = strings.Cut(anchor, "'")
		return fault{
			max(strings.Index(text, "*"+anchor), 0), fmt.Sprintf("no anchor %q stands above", anchor),
			"quote the value if it is meant to start with \"*\"",
		}
	}
	if strings.HasPrefix(message, "control characters") {
		column := max(strings.IndexFunc(text, isForbidden), 0)
		character, _ := utf8.DecodeRuneInString(text[column:])
		return fault{column, "YAML holds no control characters", fmt.Sprintf("write it as \\u%04x within double quotes", character)}
	}
	f := elsewise
	for _, known := range faults {
		if !strings.HasPrefix(message, known.library) {
			continue
		}
		f = known.fault
		if known.find != nil {
			if found, ok := known.find(text); ok {
				return fault{found.column, cmp.Or(found.message, f.message), cmp.Or(found.hint, f.hint)}
			}
		}
		break
	}
	f.column = start
	return f
}

// secondColon finds the second ": " of a line.
func secondColon(line string) (fault, bool) {
	first := strings.Index(line, ": ")
	if first < 0 {
		return fault{}, false
	}
	second := strings.Index(line[first+1:], ": ")
	return fault{column: first + 1 + second}, second >= 0
}

// afterQuote finds what follows a closing quote.
func afterQuote(line string) (fault, bool) {
	data := []byte(line)
	for i := range len(line) {
		if line[i] != '"' && line[i] != '\'' || !beginsValue(data[:i], false) {
			continue
		}
		closing := closingQuote(data, i)
		if closing < 0 || !endsInWord(data, closing) {
			return fault{}, false
		}
		hint := "quote all of the value"
		if line[i] == '\'' {
			hint = "write two single quotes for one within single quotes"
		}
		return fault{closing + 1, "something follows the quote that closes the value", hint}, true
	}
	return fault{}, false
}

// badBeginning finds a value that begins with a character that has another meaning in YAML.
func badBeginning(line string) (fault, bool) {
	data := []byte(line)
	for i := range len(line) {
		if strings.IndexByte("@`%]},\t", line[i]) >= 0 && beginsValue(data[:i], false) {
			return fault{column: i, message: fmt.Sprintf("a value cannot begin with %q", line[i:i+1])}, true
		}
	}
	return fault{}, false
}

// badEscape finds an escape that YAML does not know (YAML 1.1, section 5.6), or one without its digits.
func badEscape(line string) (fault, bool) {
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}
	for i := 0; i+1 < len(line); i++ {
		if line[i] != '\\' {
			continue
		}
		c := line[i+1]
		n := digits[c]
		hex := strings.TrimLeft(line[i+2:min(len(line), i+2+n)], "0123456789abcdefABCDEF")
		if strings.IndexByte("0abtnvfre \"/\\N_LPxuU\t", c) < 0 || n > 0 && (hex != "" || i+2+n > len(line)) {
			_, size := utf8.DecodeRuneInString(line[i+1:])
			return fault{column: i, message: fmt.Sprintf("\"%s\" is no escape in double quotes", line[i:i+1+size])}, true
		}
		i++
	}
	return fault{}, false
}

// missingColon names the key that a line consists of.
func missingColon(line string) (fault, bool) {
	key := strings.TrimLeft(strings.TrimSpace(line), "- ")
	return fault{column: len(line) - len(strings.TrimLeft(line, " -")), message: fmt.Sprintf("%q has no \":\"", key)},
		key != "" && !strings.Contains(key, " ")
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
