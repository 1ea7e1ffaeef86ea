package finding

import (
	"bytes"
	"unicode/utf8"
)

// sources are the files that findings are about, each read and cut into lines once.
type sources struct {
	read  func(file string) []byte
	files map[string]*sourceLines
}

// newSources reads files by Text.Source, which may be nil.
func newSources(read func(file string) []byte) *sources {
	return &sources{read, map[string]*sourceLines{}}
}

// line is the line that a finding's column is in, without its end.
func (s *sources) line(f Finding) (line []byte, found bool) {
	if s.read == nil || f.Line == 0 || f.Column == 0 {
		return nil, false
	}
	source := s.files[f.File]
	if source == nil {
		source = newSourceLines(s.read(f.File))
		s.files[f.File] = source
	}
	line, found = source.line(f.Line)
	return line, found && f.Column <= len(line)+1
}

// column is the column of a finding in characters, as editors count, where its line can be had, else in bytes.
func (s *sources) column(f Finding) int {
	line, found := s.line(f)
	if !found {
		return f.Column
	}
	return utf8.RuneCount(line[:f.Column-1]) + 1
}

// sourceLines are the lines of a file, found once however many findings are about them.
type sourceLines struct {
	content []byte
	starts  []int
}

func newSourceLines(content []byte) *sourceLines {
	s := &sourceLines{content: content, starts: []int{0}}
	for at := 0; ; {
		next := bytes.IndexByte(content[at:], '\n')
		if next < 0 {
			return s
		}
		at += next + 1
		s.starts = append(s.starts, at)
	}
}

// line is a line without its end, by its number from 1.
func (s *sourceLines) line(number int) ([]byte, bool) {
	if number > len(s.starts) {
		return nil, false
	}
	end := len(s.content)
	if number < len(s.starts) {
		end = s.starts[number] - 1
	}
	return bytes.TrimRight(s.content[s.starts[number-1]:end], "\r"), true
}
