package host

import (
	"fmt"
	"strings"
)

const (
	frameHeader = 9 // RFC 9113, section 4.1: length (24 bits), type (8), flags (8), stream (32)
	// maxFrame is the largest payload a plugin may send, in bytes: gRPC's client asks for no more than the default.
	maxFrame = 16384
	// lastFrameType is CONTINUATION. gRPC uses no extension of HTTP/2.
	lastFrameType = 9
	// shownForeign is how much of what is not HTTP/2 an error shows, in bytes.
	shownForeign = 80
)

// frames watches the frames go by, to tell what a plugin prints to its standard output from what it says there: gRPC's own
// error for that speaks of frames that are too large.
type frames struct {
	header  []byte // what has come of the next frame's header
	payload int    // what is left of the frame's payload, in bytes
	foreign []byte
}

func (f *frames) look(b []byte) {
	for len(b) > 0 {
		if f.foreign != nil {
			f.foreign = append(f.foreign, b[:min(len(b), shownForeign-len(f.foreign))]...)
			return
		}
		if f.payload > 0 {
			n := min(f.payload, len(b))
			f.payload -= n
			b = b[n:]
			continue
		}
		n := min(frameHeader-len(f.header), len(b))
		f.header = append(f.header, b[:n]...)
		b = b[n:]
		if len(f.header) < frameHeader {
			return
		}
		f.payload = int(f.header[0])<<16 | int(f.header[1])<<8 | int(f.header[2])
		if f.payload > maxFrame || f.header[3] > lastFrameType {
			f.foreign = append(f.foreign, f.header...)
		}
		f.header = f.header[:0]
	}
}

// text shows what is not HTTP/2, with what has come of a header that never was complete only if it is text.
func (f *frames) text() string {
	foreign := f.foreign
	if foreign == nil && len(f.header) > 0 && f.header[0] >= ' ' {
		foreign = f.header
	}
	if foreign == nil {
		return ""
	}
	return fmt.Sprintf("%q", strings.TrimRight(string(foreign), "\r\n"))
}
