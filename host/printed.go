package host

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

const (
	// traceTimeout is how long a plugin gets to print again what it printed instead of the protocol.
	traceTimeout = 3 * time.Second
	// maxTrace is how much of that is read, in bytes.
	maxTrace = 1 << 20
)

// initialized is the line that Go's runtime writes to standard error for each package that it has initialized, if GODEBUG
// has inittrace=1. It is documented at package runtime.
var initialized = regexp.MustCompile(`init (\S+) @\S+ ms, \S+ ms clock, \d+ bytes, \d+ allocs\n`)

// printer says what in the executable has printed the text, which came where the protocol should have begun: libraries do
// that while they are initialized, and their user has never seen them. The plugin is started again for that, with both of
// its outputs in one pipe and a line for every initialization in between. It is "" for other languages than Go, and where
// the plugin does not print the text again.
func (p *Plugin) printer(ctx context.Context, path, text string) string {
	if _, err := buildinfo.ReadFile(path); err != nil {
		return ""
	}
	stdin, input, err := os.Pipe()
	if err != nil {
		return ""
	}
	defer stdin.Close()
	input.Close()
	trace, output, err := os.Pipe()
	if err != nil {
		return ""
	}
	defer trace.Close()
	cmd := exec.Command(path, p.options.Args...)
	cmd.Dir, cmd.Env = p.options.Dir, tracing(environment(p.options.Env))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, output, output
	ownGroup(cmd)
	err = cmd.Start()
	output.Close()
	if err != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, traceTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { trace.Close() })()
	seen := readTrace(trace, text)
	killGroup(cmd.Process)
	cmd.Wait()
	return printerIn(seen, text)
}

// tracing adds to the variables what makes Go's runtime write a line for every package.
func tracing(env []string) []string {
	setting := "GODEBUG=inittrace=1"
	for _, variable := range env {
		if given, ok := strings.CutPrefix(variable, "GODEBUG="); ok {
			setting = "GODEBUG=" + given + ",inittrace=1"
		}
	}
	return append(env, setting)
}

// readTrace reads until the text has come and the line of a package after it, or until the end.
func readTrace(r io.Reader, text string) string {
	var seen bytes.Buffer
	chunk := make([]byte, 64<<10)
	for seen.Len() < maxTrace {
		n, err := r.Read(chunk)
		seen.Write(chunk[:n])
		if err != nil || before(initialized.FindAllStringIndex(seen.String(), -1), seen.String(), text) >= 0 {
			break
		}
	}
	return seen.String()
}

// printerIn finds out of a trace what has printed the text; "" if that cannot be told.
func printerIn(trace, text string) string {
	lines := initialized.FindAllStringSubmatchIndex(trace, -1)
	switch i := before(lines, trace, text); {
	case len(lines) == 0:
		return ""
	case i == 0: // which is a package of Go's runtime
		return "what runs before Go's own initialization, such as C code"
	case i > 0:
		return fmt.Sprintf("package %s, while it was initialized, before main", trace[lines[i][2]:lines[i][3]])
	case contains(trace[lines[len(lines)-1][1]:], text):
		return "the program itself, after all packages were initialized"
	}
	return ""
}

// before returns which of the lines follows what contains the text; -1 if none does.
func before(lines [][]int, trace, text string) int {
	begin := 0
	for i, line := range lines {
		if contains(trace[begin:line[0]], text) {
			return i
		}
		begin = line[1]
	}
	return -1
}

// contains tells whether the first line of text that is not empty is among what was printed, but for the digits: times
// differ, and process numbers. Where neither has an end of line, the text may be several packages'.
func contains(printed, text string) bool {
	first, _, complete := strings.Cut(strings.TrimLeft(withoutDigits(text), "\r\n"), "\n")
	for line := range strings.Lines(withoutDigits(printed)) {
		same := line == first+"\n"
		if !complete {
			same = strings.HasPrefix(line, first)
		}
		if first != "" && (same || !strings.HasSuffix(line, "\n") && strings.HasPrefix(first, line)) {
			return true
		}
	}
	return false
}

func withoutDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return '0'
		}
		return r
	}, s)
}
