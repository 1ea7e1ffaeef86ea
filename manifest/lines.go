package manifest

import (
	"bytes"
	"slices"
	"sort"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// lines finds places in a file. yaml.v3 counts columns in characters and ends lines at more of them than editors do
// (carriage return, NEL, LS, PS); findings count columns in bytes and lines as editors do.
type lines struct {
	data     []byte
	starts   []int // offset of each line as yaml.v3 sees them
	newlines []int // offset after each "\n"
	// before is how many characters stand before each line, and marks the offset of every markEvery-th character: a long
	// line is not walked from its start for each of its values.
	before []int
	marks  []int
}

const markEvery = 64

func newLines(data []byte) *lines {
	l := &lines{data: data}
	first := 0
	if bytes.HasPrefix(data, utf8BOM) {
		first = len(utf8BOM)
	}
	characters := 0
	start := func(offset int) {
		l.starts = append(l.starts, offset)
		l.before = append(l.before, characters)
	}
	start(first)
	for i := first; i < len(data); {
		if characters%markEvery == 0 {
			l.marks = append(l.marks, i)
		}
		characters++
		r, size := utf8.DecodeRune(data[i:])
		i += size
		switch r {
		case '\n':
			l.newlines = append(l.newlines, i)
			start(i)
		case '\r':
			if i == len(data) || data[i] != '\n' {
				start(i)
			}
		case '\u0085', '\u2028', '\u2029':
			start(i)
		}
	}
	return l
}

// count is the number of lines as yaml.v3 sees them, at least 1.
func (l *lines) count() int { return len(l.starts) }

// start is the offset of the line with the given index, and of the file's end for one past the last.
func (l *lines) start(index int) int {
	if index >= len(l.starts) {
		return len(l.data)
	}
	return l.starts[index]
}

// text is the line with the given index, with its line end.
func (l *lines) text(index int) string { return string(l.data[l.start(index):l.start(index+1)]) }

// offset is where the node starts.
func (l *lines) offset(n *yaml.Node) int {
	if n.Line > len(l.starts) {
		return len(l.data)
	}
	character := l.before[n.Line-1] + n.Column - 1
	mark := character / markEvery
	if mark >= len(l.marks) {
		return len(l.data)
	}
	offset := l.marks[mark]
	for range character % markEvery {
		_, size := utf8.DecodeRune(l.data[offset:])
		offset += size
	}
	return offset
}

// position converts an offset to the line and column of a finding, both from 1. A byte order mark takes no column.
func (l *lines) position(offset int) (line, column int) {
	line = sort.SearchInts(l.newlines, offset+1)
	start := l.starts[0]
	if line > 0 {
		start = l.newlines[line-1]
	}
	return line + 1, max(offset-start, 0) + 1
}

// lineOf is the index of the line, as yaml.v3 sees them, that holds the offset.
func (l *lines) lineOf(offset int) int {
	index, found := slices.BinarySearch(l.starts, offset)
	if !found {
		index--
	}
	return max(index, 0)
}
