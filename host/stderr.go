package host

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/PlakarKorp/kpkg/sdk/secrets"
)

const (
	maxLine       = 4096 // bytes of a line of standard error
	linesASecond  = 100  // that are shown
	lastLines     = 5    // that an error has of a plugin that has ended
	lastLineShown = 300  // bytes of each of them
)

// stderr passes a plugin's standard error on, line by line, and remembers the last lines for errors.
type stderr struct {
	out     io.Writer
	prefix  string
	secrets *secrets.Set

	mu      sync.Mutex
	partial []byte
	short   bool // whether the end of partial has been left out
	last    []string
	traces  bool      // whether the traces of a panic have begun
	since   time.Time // the second that is being counted began
	passed  int       // lines in this second
	dropped int
}

func (s *stderr) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(p)
	for len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte("\n"))
		kept := min(len(line), max(0, maxLine+s.secrets.Longest()-len(s.partial)))
		s.partial = append(s.partial, line[:kept]...)
		s.short = s.short || kept < len(line)
		if ended {
			s.line()
		}
		p = rest
	}
	return n, nil
}

// end passes on the line that has no end, and how many were dropped.
func (s *stderr) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.partial) > 0 {
		s.line()
	}
	s.tellDropped()
}

func (s *stderr) line() {
	// The secrets are cut first: what is shortened, or changed to be printable, does not look like them any more.
	line := s.secrets.Cut(strings.TrimSuffix(string(s.partial), "\r"))
	if s.short { // it may end within a secret
		line = line[:max(0, len(line)-s.secrets.Longest())]
	}
	line = beginning(strings.Map(printable, line), maxLine)
	s.partial, s.short = s.partial[:0], false
	s.remember(line)
	if s.out == nil {
		return
	}
	if now := time.Now(); now.Sub(s.since) >= time.Second {
		s.tellDropped()
		s.since, s.passed = now, 0
	}
	if s.passed++; s.passed > linesASecond {
		s.dropped++
		return
	}
	printLine(s.out, s.prefix+line)
}

// remember keeps a line for errors. What matters of a Go program's panic is said before the traces of its goroutines.
func (s *stderr) remember(line string) {
	s.traces = s.traces || strings.HasPrefix(line, "goroutine ")
	if s.traces || line == "" {
		return
	}
	if s.last = append(s.last, beginning(line, lastLineShown)); len(s.last) > lastLines {
		s.last = s.last[1:]
	}
}

func (s *stderr) tellDropped() {
	if s.dropped > 0 {
		printLine(s.out, fmt.Sprintf("%s(%d lines left out)", s.prefix, s.dropped))
		s.dropped = 0
	}
}

// printing is held while a line is printed: plugins that run at the same time may have one writer.
var printing sync.Mutex

func printLine(out io.Writer, line string) {
	printing.Lock()
	defer printing.Unlock()
	fmt.Fprintln(out, line)
}

// lastWords are the last lines that the plugin has printed, on one line.
func (s *stderr) lastWords() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.last, "; ")
}

// beginning is that of a text, of at most n bytes that end with a character.
func beginning(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// printable keeps a plugin from steering the terminal.
func printable(r rune) rune {
	if r == '\t' {
		return ' '
	}
	if !unicode.IsPrint(r) {
		return unicode.ReplacementChar
	}
	return r
}
