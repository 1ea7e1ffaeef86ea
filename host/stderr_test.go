package host

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/PlakarKorp/kpkg/sdk/secrets"
)

// TestSecretsInStderr looks for secrets that do not look like themselves any more once a line is printable or short enough.
func TestSecretsInStderr(t *testing.T) {
	const secret = "hunter22"
	before := strings.Repeat("x", maxLine-len(secret)/2) // a secret after it is half in a line, and half beyond
	for _, test := range []struct {
		name, secret, printed, want string
	}{
		{"tab", "hunter\t22", "it is hunter\t22.", "it is ***."},
		{"control character", "hunter\x1b22", "it is hunter\x1b22.", "it is ***."},
		{"not UTF-8", "hunter\xff22", "it is hunter\xff22.", "it is ***."},
		{"at the end of a long line", secret, before + secret, before + "***"},
		{"at the limit of a longer line", secret, before + secret + strings.Repeat("y", maxLine), before[:maxLine-5]},
		{"cut off behind others", secret, "xyz" + strings.Repeat(secret, maxLine), "xyz" + strings.Repeat("***", 511)},
		{"a wide character at the limit", secret, before + "xxxé", before + "xxx"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var set secrets.Set
			set.Learn(nil, test.secret)
			for _, size := range []int{1, 100, 1 << 20} { // bytes that are written at once
				var out bytes.Buffer
				s := &stderr{out: &out, secrets: &set}
				for rest := []byte(test.printed + "\nnext\n"); len(rest) > 0; rest = rest[min(size, len(rest)):] {
					s.Write(rest[:min(size, len(rest))])
				}
				got, next, _ := strings.Cut(out.String(), "\n")
				if got != test.want || next != "next\n" || len(got) > maxLine || !utf8.ValidString(got) {
					t.Errorf("%d bytes at once: got a line of %d bytes that ends in %q, and %q, want one of %d",
						size, len(got), got[max(0, len(got)-40):], next, len(test.want))
				}
			}
		})
	}
}

// TestSharedWriter has plugins that run at the same time print to one writer: it gets whole lines, one after the other.
func TestSharedWriter(t *testing.T) {
	var out bytes.Buffer
	var set secrets.Set
	var plugins sync.WaitGroup
	for range 2 {
		s := &stderr{out: &out, prefix: "a plugin: ", secrets: &set}
		traced := &trace{out: &out, secrets: &set}
		plugins.Go(func() {
			for range linesASecond {
				s.Write([]byte("line\n"))
				traced.write(">", "1 Init", "line")
			}
		})
	}
	plugins.Wait()
	for line := range strings.Lines(out.String()) {
		if line != "a plugin: line\n" && !strings.HasSuffix(line, "> 1 Init line\n") {
			t.Errorf("there is a line %q", line)
		}
	}
	if got := strings.Count(out.String(), "\n"); got != 4*linesASecond {
		t.Errorf("got %d lines, want %d", got, 4*linesASecond)
	}
}
