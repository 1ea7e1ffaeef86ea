package h2

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// TestConnectionWindow reads what a connection announces, uses up exactly that, and then a byte more.
func TestConnectionWindow(t *testing.T) {
	p := dialSilent(t, func(s *Stream) { <-s.Context().Done() })
	io.WriteString(p.conn, http2.ClientPreface)
	p.WriteSettings()
	settings := p.read().(*http2.SettingsFrame)
	for id, want := range map[http2.SettingID]uint32{
		http2.SettingMaxConcurrentStreams: MaxStreams,
		http2.SettingInitialWindowSize:    streamWindow,
		http2.SettingMaxHeaderListSize:    maxHeaderList,
	} {
		if got, ok := settings.Value(id); !ok || got != want {
			t.Errorf("%v is %d, want %d", id, got, want)
		}
	}
	update := p.read().(*http2.WindowUpdateFrame)
	if got := initialWindow + int(update.Increment); update.StreamID != 0 || got != connWindow {
		t.Errorf("stream %d has a window of %d, want the connection's to be %d", update.StreamID, got, connWindow)
	}
	p.until(http2.FrameSettings)

	chunk := make([]byte, maxFrameLen)
	for i := range uint32(connWindow / streamWindow) {
		p.request(2*i+1, false)
		for range streamWindow / maxFrameLen {
			p.WriteData(2*i+1, false, chunk)
		}
	}
	p.WritePing(false, [8]byte{1})
	if f := p.read(); f.Header().Type != http2.FramePing {
		t.Fatalf("%v, and the window is not exceeded", f)
	}
	last := uint32(2*(connWindow/streamWindow) + 1)
	p.request(last, false)
	p.WriteData(last, false, chunk[:1])
	if f, ok := p.read().(*http2.GoAwayFrame); !ok || f.ErrCode != http2.ErrCodeFlowControl {
		t.Errorf("%v, and the window is exceeded", f)
	}
	p.conn.Close() // there may be more to read than the GOAWAY
	if err := <-p.served; err == nil || !strings.Contains(err.Error(), "the connection's window") {
		t.Error(err)
	}
}

// TestCredit gives back to the connection's window what was read, once that is half of it: it stood still otherwise.
func TestCredit(t *testing.T) {
	p := dial(t, func(s *Stream) { io.Copy(io.Discard, s) })
	p.request(1, false)
	window, credit := streamWindow, 0
	next := func() {
		if f, ok := p.read().(*http2.WindowUpdateFrame); ok && f.StreamID == 0 {
			credit += int(f.Increment)
		} else if ok {
			window += int(f.Increment)
		}
	}
	for sent := 0; sent < connWindow/2; sent += maxFrameLen {
		for window < maxFrameLen {
			next()
		}
		if credit > 0 {
			t.Fatalf("%d bytes are given back after %d", credit, sent)
		}
		p.WriteData(1, false, make([]byte, maxFrameLen))
		window -= maxFrameLen
	}
	for credit == 0 {
		next()
	}
	if credit != connWindow/2 {
		t.Errorf("%d bytes are given back of %d", credit, connWindow/2)
	}
}

// TestStreamWindow exceeds the window of a stream by a byte.
func TestStreamWindow(t *testing.T) {
	p := dial(t, func(s *Stream) { <-s.Context().Done() })
	p.request(1, false)
	for range streamWindow / maxFrameLen {
		p.WriteData(1, false, make([]byte, maxFrameLen))
	}
	p.WritePing(false, [8]byte{1})
	p.until(http2.FramePing)
	p.WriteData(1, false, []byte{1})
	p.until(http2.FrameGoAway)
	p.conn.Close() // there may be more to read than the GOAWAY
	if err := <-p.served; err == nil || !strings.Contains(err.Error(), "the stream's window") {
		t.Error(err)
	}
}

// TestUnfinished ends a connection under a handler that does not return: its request gets the block made for that, before
// or after its headers.
func TestUnfinished(t *testing.T) {
	for _, headersSent := range []bool{false, true} {
		ours, theirs := net.Pipe()
		ctx, stop := context.WithCancel(t.Context())
		ready, end := make(chan bool), make(chan bool)
		conn := NewConn(ctx, theirs, theirs, func(s *Stream) {
			if headersSent {
				s.WriteHeaders(ok, false)
			}
			close(ready)
			<-end
		})
		go conn.Run()
		ours.SetDeadline(time.Now().Add(20 * time.Second))
		p := &peer{Framer: http2.NewFramer(ours, ours), t: t, conn: ours}
		p.encoder = hpack.NewEncoder(&p.block)
		go func() {
			io.WriteString(ours, http2.ClientPreface)
			p.WriteSettings()
			p.request(1, true)
		}()
		p.until(http2.FrameSettings)
		p.until(http2.FrameSettings)
		if headersSent {
			p.until(http2.FrameHeaders)
		}
		<-ready
		stop()
		go conn.Wait(ctx, func(sent bool) []byte {
			if sent != headersSent {
				t.Errorf("the headers were sent: %v", sent)
			}
			return ok
		})
		if f := p.until(http2.FrameHeaders).(*http2.HeadersFrame); f.StreamID != 1 || !f.StreamEnded() {
			t.Errorf("the stream ends with %v", f)
		}
		close(end)
		ours.Close()
	}
}
