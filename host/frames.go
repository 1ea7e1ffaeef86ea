package host

import "encoding/binary"

const (
	frameHeader = 9 // RFC 9113, section 4.1: length (24 bits), type (8), flags (8), stream (32)
	// maxFrame is the largest payload a plugin may send, in bytes: gRPC's client asks for no more than the default.
	maxFrame = 16384
	// keptForeign is how much of what is not HTTP/2 is kept, in bytes: more than is shown, for whoever cuts secrets out of it.
	keptForeign = 16384
)

// frames watches the frames go by, to tell what a plugin prints to its standard output from what it says there: gRPC's own
// error for that speaks of frames that are too large.
type frames struct {
	greeted bool   // whether a frame has come
	header  []byte // what has come of the next frame's header
	payload int    // what is left of the frame's payload, in bytes
	foreign []byte
}

// look takes what has come, and tells whether it is HTTP/2 so far.
func (f *frames) look(b []byte) bool {
	for len(b) > 0 && f.foreign == nil {
		if f.payload > 0 {
			n := min(f.payload, len(b))
			f.payload -= n
			b = b[n:]
			continue
		}
		rest := b
		n := min(frameHeader-len(f.header), len(b))
		f.header = append(f.header, b[:n]...)
		b = b[n:]
		complete := len(f.header) == frameHeader
		if complete {
			f.payload = int(f.header[0])<<16 | int(f.header[1])<<8 | int(f.header[2])
		}
		// The first byte of a length that is not too long is 0, which no text begins with.
		if f.header[0] != 0 || complete && !f.valid() {
			f.foreign = append(f.header[:len(f.header)-n:len(f.header)-n], rest[:min(len(rest), keptForeign)]...)
		}
		if complete {
			f.header, f.greeted = f.header[:0], true
		}
	}
	return f.foreign == nil
}

// valid tells whether a frame may begin with the header: RFC 9113, sections 3.4 and 6. Zeros, which are no text, are not
// taken for empty frames.
func (f *frames) valid() bool {
	const settings, ping, goAway, windowUpdate, continuation = 4, 6, 7, 8, 9 // gRPC uses no extension of HTTP/2
	kind := f.header[3]
	stream := binary.BigEndian.Uint32(f.header[5:]) &^ (1 << 31)
	switch {
	case f.payload > maxFrame || kind > continuation:
		return false
	case !f.greeted:
		return kind == settings && stream == 0 // a server begins with its settings
	case kind == windowUpdate:
		return true
	}
	ofConnection := kind == settings || kind == ping || kind == goAway
	return ofConnection == (stream == 0)
}

// text is the beginning of what is not HTTP/2, as it came; "" if there was nothing of the kind.
func (f *frames) text() string { return string(f.foreign) }
