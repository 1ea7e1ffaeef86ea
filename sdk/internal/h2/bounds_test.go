package h2

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

// TestConstants are what RFC 9113 sections 4.2, 6.9.1 and 6.9.2 say in numbers.
func TestConstants(t *testing.T) {
	if maxFrameLen != 16_384 || initialWindow != 65_535 || maxWindow != 2_147_483_647 {
		t.Errorf("frames of %d, windows of %d to %d bytes", maxFrameLen, initialWindow, maxWindow)
	}
}

// TestPadding takes padding of all a frame has, and refuses a byte more.
func TestPadding(t *testing.T) {
	for payload, want := range map[string]string{"\x00": "", "\x00abc": "abc", "\x02abc": "a", "\x03abc": ""} {
		got, err := unpad(frame{flags: flagPadded}, []byte(payload))
		if err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", payload, got, err)
		}
	}
	for _, payload := range []string{"", "\x01", "\x04abc", "\xffabc"} {
		if got, err := unpad(frame{flags: flagPadded}, []byte(payload)); err == nil {
			t.Errorf("%q: %q", payload, got)
		}
	}
}

// TestHeaderBounds takes headers at their bounds, and refuses a byte more.
func TestHeaderBounds(t *testing.T) {
	for beyond := range 2 {
		r := newHeaderReader()
		value := strings.Repeat("0", maxHeaderList-len("a")-32+beyond) // a field counts 32 bytes more; of the shortest code
		if err := r.add(HeaderBlock(Field{Name: "a", Value: value})); err != nil {
			t.Fatal(err)
		}
		if fields, err := r.finish(); err != nil || len(fields) != 1-beyond || (fields == nil) != (beyond == 1) {
			t.Errorf("%d bytes beyond the list's bound: %d fields, %v", beyond, len(fields), err)
		}
	}
	var r headerReader
	if err := errors.Join(r.add(make([]byte, maxHeaderBlock-1)), r.add(make([]byte, 1))); err != nil {
		t.Error(err)
	}
	if r.add(make([]byte, 1)) == nil {
		t.Error("the block is larger than its bound")
	}
	var halves headerReader
	if halves.add(make([]byte, maxHeaderBlock/2)) != nil || halves.add(make([]byte, maxHeaderBlock/2+1)) == nil {
		t.Error("the block is larger than its bound, in two fragments")
	}
}

// TestInboxCredit widens a stream's window once half of it was read, not a byte earlier.
func TestInboxCredit(t *testing.T) {
	var b inbox
	b.init()
	if _, err := b.put(make([]byte, streamWindow), streamWindow, false); err != nil {
		t.Fatal(err)
	}
	if n, credit, err := b.read(make([]byte, streamWindow/2-1)); n != streamWindow/2-1 || credit != 0 || err != nil {
		t.Errorf("%d bytes, credit for %d, %v", n, credit, err)
	}
	if n, credit, err := b.read(make([]byte, 1)); n != 1 || credit != streamWindow/2 || err != nil {
		t.Errorf("%d bytes, credit for %d, %v", n, credit, err)
	}
	// The window is now what was given back, and what was never read is not lost.
	if _, err := b.put(make([]byte, streamWindow/2), streamWindow/2, true); err != nil {
		t.Error(err)
	}
	rest := 0
	for {
		n, credit, err := b.read(make([]byte, 64<<10))
		rest += n
		if credit != 0 {
			t.Errorf("credit for %d after the end", credit)
		}
		if err != nil {
			if err != io.EOF || rest != streamWindow {
				t.Errorf("%d bytes, then %v", rest, err)
			}
			return
		}
	}
}

// TestPaddingIsCredited gives back the padding that a stream was sent, which nobody reads.
func TestPaddingIsCredited(t *testing.T) {
	var b inbox
	b.init()
	if dropped, err := b.put(make([]byte, 1), streamWindow/2, false); dropped != streamWindow/2-1 || err != nil {
		t.Errorf("%d bytes dropped, %v", dropped, err)
	}
	if _, credit, _ := b.read(make([]byte, 1)); credit != streamWindow/2 {
		t.Errorf("credit for %d", credit)
	}
}

// idle is a connection that nothing is read from or written to, with a stream.
func idle(t *testing.T) (*Conn, *Stream) {
	c := NewConn(t.Context(), strings.NewReader(""), io.Discard, nil)
	s := newStream(c, 1, nil)
	c.streams[1] = s
	return c, s
}

// TestControlBound takes replies up to their bound, and none beyond.
func TestControlBound(t *testing.T) {
	c, _ := idle(t)
	if err := errors.Join(c.control(make([]byte, controlLimit-9)), c.control(make([]byte, 9))); err != nil {
		t.Error(err)
	}
	if err := c.control(make([]byte, 1)); err != errFlood {
		t.Error(err)
	}
	c, _ = idle(t)
	if c.control(make([]byte, controlLimit/2)) != nil || c.control(make([]byte, controlLimit/2+1)) != errFlood {
		t.Error("replies beyond the bound, in two parts")
	}
}

// TestWindowBounds widens windows to 2^31-1 bytes, and refuses a byte more.
func TestWindowBounds(t *testing.T) {
	for _, id := range []uint32{0, 1} {
		c, _ := idle(t)
		if err := c.openWindowLocked(id, maxWindow-initialWindow); err != nil {
			t.Errorf("stream %d: %v", id, err)
		}
		if err := c.openWindowLocked(id, 1); err != errWindow {
			t.Errorf("stream %d: %v", id, err)
		}
	}
	settings := func(window uint32) []byte {
		return binary.BigEndian.AppendUint32([]byte{0, settingInitialWindowSize}, window)
	}
	c, s := idle(t)
	if err := c.readSettings(frame{}, settings(maxWindow)); err != nil || s.window != maxWindow || c.initial != maxWindow {
		t.Errorf("%v, and windows of %d and %d", err, s.window, c.initial)
	}
	if c.readSettings(frame{}, settings(maxWindow+1)) == nil {
		t.Error("an initial window above 2^31-1 is taken")
	}
	c, s = idle(t)
	s.window++
	if err := c.readSettings(frame{}, settings(maxWindow)); err != errWindow {
		t.Errorf("a stream's window of %d: %v", s.window, err)
	}
}

// TestWriteCut tells how much of what was written fitted into the windows when the stream is stopped.
func TestWriteCut(t *testing.T) {
	c, s := idle(t)
	s.Stop(context.Canceled)
	if n, err := s.Write(make([]byte, 100_000)); n != 65_535 || err != context.Canceled {
		t.Errorf("%d bytes, %v", n, err)
	}
	sent, frames := 0, c.pending
	for len(frames) > 0 {
		f := parseFrame(frames)
		if f.typ != frameData || f.stream != 1 || f.length > 16_384 {
			t.Errorf("%+v", f)
		}
		sent += f.length
		frames = frames[frameHeaderLen+f.length:]
	}
	if sent != 65_535 {
		t.Errorf("frames of %d bytes", sent)
	}
}
