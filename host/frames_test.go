package host

import (
	"strings"
	"testing"
)

func TestFrames(t *testing.T) {
	settings := "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x01\x00\x00"
	data := "\x00\x00\x05\x00\x01\x00\x00\x00\x01hello"
	for _, test := range []struct {
		name, sent, foreign string
	}{
		{"nothing", "", ""},
		{"frames", settings + data + settings, ""},
		{"part of a header", settings + data[:5], ""},
		{"part of a payload", settings + data[:11], ""},
		{"text", "hi\n", "hi\n"},
		{"text between frames", settings + "debug: here\n" + data, "debug: here\n" + data},
		{"a frame too large", "\x00\x40\x01\x00\x00\x00\x00\x00\x01", "\x00\x40\x01\x00\x00\x00\x00\x00\x01"},
		{"zeros", strings.Repeat("\x00", 20), strings.Repeat("\x00", 20)},
		{"zeros after frames", settings + strings.Repeat("\x00", 20), strings.Repeat("\x00", 20)},
		{"data before settings", data, data},
		{"settings of a stream", settings + "\x00\x00\x00\x04\x00\x00\x00\x00\x01", "\x00\x00\x00\x04\x00\x00\x00\x00\x01"},
		{"windows of both", settings + "\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
			"\x00\x00\x04\x08\x00\x00\x00\x00\x01\x00\x00\x00\x01", ""},
		{"an unknown frame", "\x00\x00\x01\x0a\x00\x00\x00\x00\x01", "\x00\x00\x01\x0a\x00\x00\x00\x00\x01"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var atOnce, pieces frames
			atOnce.look([]byte(test.sent))
			if got := atOnce.text(); got != test.foreign {
				t.Errorf("got %q, want %q", got, test.foreign)
			}
			for i := range len(test.sent) {
				pieces.look([]byte{test.sent[i]})
			}
			if (pieces.text() == "") != (test.foreign == "") {
				t.Errorf("in pieces: got %q", pieces.text())
			}
		})
	}
}

// FuzzFrames holds what is said in one piece against what is said byte by byte.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("hello"))
	f.Add([]byte("\x00\x00\x01\x00\x00\x00\x00\x00\x01x"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		var atOnce, pieces frames
		http2 := atOnce.look(sent)
		same := true
		for _, b := range sent {
			same = pieces.look([]byte{b})
		}
		if same != http2 {
			t.Errorf("%q is HTTP/2: %v in one piece, %v byte by byte", sent, http2, same)
		}
	})
}
