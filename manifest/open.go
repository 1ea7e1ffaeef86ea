package manifest

import (
	"bytes"
	"strings"
)

// opened is a quote or bracket of a YAML text, by its offset.
type opened struct {
	at   int
	with byte
}

// unclosed finds what opens in a text and is never closed, or, as one that closes by the opening of the next does, closes
// lines later within a word. It knows as much of YAML as that takes: quotes begin where a value may, brackets count
// outside of them, comments and block scalars count not at all.
func unclosed(data []byte) (opened, bool) {
	var brackets []opened
	block := -1 // the indentation of the line that begins a block scalar
	for start := 0; start < len(data); {
		end := start + lineLength(data[start:])
		line := data[start:end]
		indentation := len(line) - len(bytes.TrimLeft(line, " "))
		if block >= 0 && (indentation > block || len(bytes.TrimSpace(line)) == 0) {
			start = end + 1
			continue
		}
		block = -1
		for i := start + indentation; i < end; i++ {
			switch c := data[i]; {
			case (c == '"' || c == '\'') && beginsValue(data[start:i], len(brackets) > 0):
				closing := closingQuote(data, i)
				if closing < 0 || bytes.IndexByte(data[i:closing], '\n') >= 0 && endsInWord(data, closing) {
					return opened{i, c}, true
				}
				if i = closing; i > end {
					start = i - (i - bytes.LastIndexByte(data[:i], '\n') - 1)
					end = i + lineLength(data[i:])
				}
			case (c == '[' || c == '{') && beginsValue(data[start:i], len(brackets) > 0):
				brackets = append(brackets, opened{i, c})
			case (c == ']' || c == '}') && len(brackets) > 0:
				brackets = brackets[:len(brackets)-1]
			case c == '#' && (i == start || data[i-1] == ' '):
				i = end
			case (c == '|' || c == '>') && len(brackets) == 0 && beginsValue(data[start:i], false):
				block = indentation
				i = end
			}
		}
		start = end + 1
	}
	if len(brackets) > 0 {
		return brackets[len(brackets)-1], true
	}
	return opened{}, false
}

func lineLength(data []byte) int {
	if n := bytes.IndexByte(data, '\n'); n >= 0 {
		return n
	}
	return len(data)
}

// beginsValue tells whether a value may begin after what stands before it on its line.
func beginsValue(before []byte, inBrackets bool) bool {
	text := bytes.TrimRight(before, " ")
	if len(text) == 0 {
		return true
	}
	last := text[len(text)-1]
	spaced := len(text) < len(before)
	return (last == ':' || last == '-' || last == '?') && spaced || inBrackets && strings.IndexByte("[{,:", last) >= 0 ||
		last == '[' || last == '{'
}

// closingQuote is where the quote at an offset closes; -1 if it does not.
func closingQuote(data []byte, at int) int {
	quote := data[at]
	for i := at + 1; i < len(data); i++ {
		switch {
		case data[i] == '\\' && quote == '"':
			i++
		case data[i] == quote && quote == '\'' && i+1 < len(data) && data[i+1] == quote:
			i++
		case data[i] == quote:
			return i
		}
	}
	return -1
}

// endsInWord tells a closing quote after which the line goes on with neither a separator nor a comment.
func endsInWord(data []byte, closing int) bool {
	rest := strings.TrimSpace(string(data[closing+1 : closing+1+lineLength(data[closing+1:])]))
	return rest != "" && strings.IndexByte(",:]}#", rest[0]) < 0
}
