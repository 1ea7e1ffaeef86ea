package account

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

const (
	// maxText bounds a word, a string or a line of text that a server sends outside messages, in bytes. What is longer
	// is read and cut.
	maxText = 64 << 10
	// maxWords bounds the words of a list.
	maxWords = 10_000
)

// scanner reads the lines that a server sends, whatever is on them: none of its methods goes beyond the end of a line
// but to follow a literal, which continues it. NULs are passed over and carriage returns count as blanks. The first
// error stays in err, and a line ends there.
type scanner struct {
	r   *bufio.Reader
	err error
}

// peek is the next byte of the line, or '\n' at its end.
func (s *scanner) peek() byte {
	for s.err == nil {
		var b byte
		if b, s.err = s.r.ReadByte(); s.err == nil && b != 0 {
			s.err = s.r.UnreadByte()
			return b
		}
	}
	return '\n'
}

// next takes the next byte of the line, and never its end.
func (s *scanner) next() byte {
	b := s.peek()
	if b != '\n' {
		_, s.err = s.r.ReadByte()
	}
	return b
}

func (s *scanner) blanks() {
	for strings.IndexByte(" \t\r", s.peek()) >= 0 {
		s.next()
	}
}

// word takes all up to a blank, one of stops or the end of the line.
func (s *scanner) word(stops string) string {
	var b strings.Builder
	for c := s.peek(); c != '\n' && strings.IndexByte(" \t\r", c) < 0 && strings.IndexByte(stops, c) < 0; c = s.peek() {
		put(&b, s.next())
	}
	return b.String()
}

// item takes the name of a part of a message: a word that may have blanks in brackets.
func (s *scanner) item() string {
	var b strings.Builder
	inside := false
	for c := s.peek(); c != '\n' && (inside || strings.IndexByte(" \t\r()\"", c) < 0); c = s.peek() {
		inside = (inside || c == '[') && c != ']'
		put(&b, s.next())
	}
	return strings.ToUpper(b.String())
}

// text takes the rest of the line, without blanks around it and without control characters.
func (s *scanner) text() string {
	var b strings.Builder
	for c := s.peek(); c != '\n'; c = s.peek() {
		if s.next(); c >= ' ' && c != 0x7f {
			put(&b, c)
		}
	}
	return strings.TrimSpace(b.String())
}

// quoted takes a string in quotes, which the end of the line ends too.
func (s *scanner) quoted() string {
	var b strings.Builder
	s.next()
	for c := s.next(); c != '"' && c != '\n'; c = s.next() {
		if c == '\\' {
			if c = s.next(); c == '\n' {
				break
			}
		}
		put(&b, c)
	}
	return b.String()
}

// literal takes the announcement of a literal, {N}, ~{N} or {N+}, with the end of the line, and nothing if there is
// none here. The literal's bytes are left to the caller.
func (s *scanner) literal() (size int64, found bool) {
	if c := s.peek(); c != '{' && c != '~' {
		return 0, false
	}
	// Never more bytes than are known to come: where a line ends, the next may not come for long.
	for n := 2; n <= 32; n++ {
		ahead, err := s.r.Peek(n)
		if err != nil {
			return 0, false // read again, and reported, by whoever goes on
		}
		if ahead[n-1] != '\n' {
			continue
		}
		announced, isLiteral := strings.CutPrefix(strings.TrimPrefix(strings.TrimRight(string(ahead), " \r\n"), "~"), "{")
		announced, isClosed := strings.CutSuffix(announced, "}")
		size, err := strconv.ParseInt(strings.TrimSuffix(announced, "+"), 10, 64)
		if !isLiteral || !isClosed || err != nil || size < 0 {
			return 0, false
		}
		_, s.err = s.r.Discard(n)
		return size, true
	}
	return 0, false
}

// buffered reads a literal's bytes.
func (s *scanner) buffered(size int64) string {
	var b strings.Builder
	if s.err == nil {
		_, s.err = io.CopyN(&b, s.r, min(size, maxText))
	}
	s.discard(size - maxText)
	return b.String()
}

func (s *scanner) discard(size int64) {
	if s.err == nil && size > 0 {
		_, s.err = io.CopyN(io.Discard, s.r, size)
	}
}

// value takes one value: a string, a literal, a word, or a list, which gives its words.
func (s *scanner) value() (text string, list []string) {
	s.blanks()
	if size, found := s.literal(); found {
		return s.buffered(size), nil
	}
	switch s.peek() {
	case '"':
		return s.quoted(), nil
	case '(':
		return "", s.list()
	}
	return s.word("()"), nil
}

// list takes a list with all that is in it, whatever its depth, and gives its words.
func (s *scanner) list() []string {
	var words []string
	s.next()
	for depth := 1; depth > 0; {
		s.blanks()
		switch s.peek() {
		case '\n':
			return words
		case '(':
			s.next()
			depth++
		case ')':
			s.next()
			depth--
		default:
			if word, _ := s.value(); len(words) < maxWords {
				words = append(words, word)
			}
		}
	}
	return words
}

// skip takes the rest of the line, its end, and the literals that continue it.
func (s *scanner) skip() {
	for {
		if size, found := s.literal(); found {
			s.discard(size)
		} else if s.next() == '\n' {
			s.end()
			return
		}
	}
}

// end takes the rest of the line and its end. Braces are text.
func (s *scanner) end() {
	for s.next() != '\n' {
	}
	if s.err == nil {
		_, s.err = s.r.ReadByte()
	}
}

func put(b *strings.Builder, c byte) {
	if b.Len() < maxText {
		b.WriteByte(c)
	}
}
