package h2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// peer is a client made of golang.org/x/net/http2's frames, which knows nothing of this package.
type peer struct {
	*http2.Framer
	t       *testing.T
	conn    net.Conn
	served  chan error
	over    chan struct{} // Run has returned
	block   bytes.Buffer
	encoder *hpack.Encoder
}

// dial serves handle to a peer that has said its hello.
func dial(t *testing.T, handle func(*Stream)) *peer {
	p := dialSilent(t, handle)
	io.WriteString(p.conn, http2.ClientPreface)
	p.WriteSettings()
	if f := p.read(); f.Header().Type != http2.FrameSettings {
		t.Fatalf("the server begins with %v", f)
	}
	p.WriteSettingsAck()
	p.until(http2.FrameSettings) // the acknowledgement of ours
	return p
}

func dialSilent(t *testing.T, handle func(*Stream)) *peer {
	ours, theirs := net.Pipe()
	conn := NewConn(t.Context(), theirs, theirs, handle)
	p := &peer{Framer: http2.NewFramer(ours, ours), t: t, conn: ours, served: make(chan error, 1),
		over: make(chan struct{})}
	p.AllowIllegalReads, p.AllowIllegalWrites = true, true
	p.encoder = hpack.NewEncoder(&p.block)
	go func() {
		err := conn.Run()
		close(p.over)
		conn.Wait(t.Context(), nil)
		conn.Flush(t.Context())
		theirs.Close()
		p.served <- err
	}()
	t.Cleanup(func() { ours.Close() })
	ours.SetDeadline(time.Now().Add(20 * time.Second))
	return p
}

func (p *peer) read() http2.Frame {
	p.t.Helper()
	f, err := p.ReadFrame()
	if err != nil {
		p.t.Fatalf("read: %v", err)
	}
	return f
}

// until reads frames up to one of a type.
func (p *peer) until(want http2.FrameType) http2.Frame {
	p.t.Helper()
	for {
		if f := p.read(); f.Header().Type == want {
			return f
		}
	}
}

func (p *peer) headers(fields ...string) []byte {
	p.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		p.encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return p.block.Bytes()
}

func (p *peer) request(id uint32, end bool) {
	p.WriteHeaders(http2.HeadersFrameParam{
		StreamID: id, BlockFragment: p.headers(":method", "POST", ":path", "/echo"), EndHeaders: true, EndStream: end,
	})
}

var ok = HeaderBlock(Field{Name: ":status", Value: "200"})

// echo sends back what it is sent.
func echo(s *Stream) {
	s.WriteHeaders(ok, false)
	if _, err := io.Copy(s, s); err == nil {
		s.WriteHeaders(HeaderBlock(Field{Name: "end", Value: "yes"}), true)
	}
}

func TestEcho(t *testing.T) {
	p := dial(t, echo)
	p.request(1, false)
	p.WriteDataPadded(1, false, []byte("hello "), make([]byte, 10))
	p.WriteData(1, true, []byte("world"))
	decoder := hpack.NewDecoder(4096, nil)
	var body []byte
	for {
		switch f := p.read().(type) {
		case *http2.HeadersFrame:
			fields, err := decoder.DecodeFull(f.HeaderBlockFragment())
			if err != nil {
				t.Fatal(err)
			}
			if f.StreamEnded() {
				if fmt.Sprint(fields) != `[header field "end" = "yes" (sensitive)]` || string(body) != "hello world" {
					t.Errorf("trailers %v, body %q", fields, body)
				}
				p.conn.Close()
				if err := <-p.served; err != nil {
					t.Error(err)
				}
				return
			}
		case *http2.DataFrame:
			body = append(body, f.Data()...)
		default:
			t.Fatalf("unexpected %v", f)
		}
	}
}

func TestFlowControl(t *testing.T) {
	received := make(chan struct{})
	p := dial(t, func(s *Stream) {
		<-received
		echo(s)
	})
	// What the server lets a stream send, and no more, may come while its handler is not reading.
	p.request(1, false)
	chunk := make([]byte, maxFrameLen)
	for range streamWindow / len(chunk) {
		p.WriteData(1, false, chunk)
	}
	for i := range byte(3) {
		p.WritePing(false, [8]byte{i})
	}
	for i := range byte(3) {
		if f := p.until(http2.FramePing).(*http2.PingFrame); !f.IsAck() || f.Data != [8]byte{i} {
			t.Errorf("the answer to the %d. PING is %v", i+1, f)
		}
	}
	close(received)
	// Its own response stops where the peer's window does.
	got, widened := 0, 0
	for got < initialWindow {
		got += len(p.until(http2.FrameData).(*http2.DataFrame).Data())
	}
	p.WritePing(false, [8]byte{2})
	if f := p.read(); f.Header().Type != http2.FramePing {
		t.Fatalf("%v is beyond the window", f)
	}
	// A larger initial window counts for streams there are, and the connection has one of its own.
	p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
	p.WriteWindowUpdate(0, 1<<20)
	for got < streamWindow || widened < streamWindow {
		switch f := p.read().(type) {
		case *http2.DataFrame:
			got += len(f.Data())
		case *http2.WindowUpdateFrame:
			widened += int(f.Increment)
		}
	}
	p.WriteData(1, true, make([]byte, 1)) // which the window has space for again
	p.until(http2.FrameHeaders)
}

// TestShrunkWindow makes windows negative, RFC 9113 section 6.9.2.
func TestShrunkWindow(t *testing.T) {
	p := dial(t, echo)
	p.request(1, false)
	p.WriteData(1, false, make([]byte, 1000))
	for got := 0; got < 1000; {
		got += len(p.until(http2.FrameData).(*http2.DataFrame).Data())
	}
	p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 500})
	p.until(http2.FrameSettings)
	p.WriteData(1, false, make([]byte, 100))
	p.WriteWindowUpdate(1, 500) // back to 0
	p.WritePing(false, [8]byte{})
	if f := p.read(); f.Header().Type != http2.FramePing {
		t.Fatalf("%v is beyond the window", f)
	}
	p.WriteWindowUpdate(1, 60)
	if f := p.until(http2.FrameData).(*http2.DataFrame); len(f.Data()) != 60 {
		t.Errorf("%d bytes, want the 60 of the window", len(f.Data()))
	}
}

func TestReset(t *testing.T) {
	ended := make(chan error)
	p := dial(t, func(s *Stream) {
		s.WriteHeaders(ok, false)
		_, err := s.Read(make([]byte, 1))
		<-s.Context().Done()
		if _, writeErr := s.Write([]byte("x")); writeErr == nil {
			err = errors.New("can write to a stream that was reset")
		}
		ended <- err
	})
	p.request(1, false)
	p.until(http2.FrameHeaders)
	p.WriteRSTStream(1, http2.ErrCodeCancel)
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	p.WriteData(1, true, []byte("too late")) // is ignored, as it may have been on its way
	p.request(3, false)
	p.until(http2.FrameHeaders)
	p.conn.Close()
	if err := <-ended; !errors.Is(err, errGone) {
		t.Error(err)
	}
}

// TestEarlyAnswer ends a stream before the request has ended, RFC 9113 section 8.1.
func TestEarlyAnswer(t *testing.T) {
	p := dial(t, func(s *Stream) { s.WriteHeaders(ok, true) })
	p.request(1, false)
	if f := p.read().(*http2.HeadersFrame); !f.StreamEnded() {
		t.Error(f)
	}
	if f := p.read().(*http2.RSTStreamFrame); f.ErrCode != http2.ErrCodeNo {
		t.Error(f)
	}
	p.request(3, true)
	if f := p.read().(*http2.HeadersFrame); !f.StreamEnded() {
		t.Error(f)
	}
	p.WritePing(false, [8]byte{})
	if f := p.read(); f.Header().Type != http2.FramePing {
		t.Errorf("%v after the end", f)
	}
}

func TestManyStreams(t *testing.T) {
	var running atomic.Int32
	release := make(chan struct{})
	p := dial(t, func(s *Stream) {
		running.Add(1)
		<-release
		s.WriteHeaders(ok, true)
	})
	for i := range uint32(MaxStreams + 1) {
		p.request(2*i+1, true)
	}
	refused := p.until(http2.FrameRSTStream).(*http2.RSTStreamFrame)
	if refused.StreamID != 2*MaxStreams+1 || refused.ErrCode != http2.ErrCodeRefusedStream {
		t.Error(refused)
	}
	close(release)
	for range MaxStreams {
		p.until(http2.FrameHeaders)
	}
	if n := running.Load(); n != MaxStreams {
		t.Errorf("%d handlers", n)
	}
}

func TestContinuation(t *testing.T) {
	value := strings.Repeat("0", 20000) // of the shortest code
	got := make(chan string, 1)
	p := dial(t, func(s *Stream) {
		got <- s.Fields[1].Value
		s.WriteHeaders(ok, true)
	})
	block := bytes.Clone(p.headers(":path", "/", "large", value))
	p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:10], EndStream: true, PadLength: 5,
		Priority: http2.PriorityParam{Weight: 3}})
	p.WriteContinuation(1, false, block[10:20])
	p.WriteContinuation(1, true, block[20:])
	p.until(http2.FrameHeaders)
	if value != <-got {
		t.Error("the header has changed")
	}
	// Headers above the limit refuse the request alone, and leave the compression's state intact.
	for i := range 5 {
		block := p.headers("a", strings.Repeat("a", 4000), "b", value, "c", value, "d", value, "e", value)
		p.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(3 + 2*i), BlockFragment: block[:100], EndStream: true})
		for block = block[100:]; len(block) > maxFrameLen; block = block[maxFrameLen:] {
			p.WriteContinuation(uint32(3+2*i), false, block[:maxFrameLen])
		}
		p.WriteContinuation(uint32(3+2*i), true, block)
		if f := p.until(http2.FrameRSTStream).(*http2.RSTStreamFrame); f.ErrCode != http2.ErrCodeEnhanceYourCalm {
			t.Error(f)
		}
	}
}

func TestViolations(t *testing.T) {
	raw := func(typ http2.FrameType, flags http2.Flags, stream uint32, payload string) func(*peer) {
		return func(p *peer) { p.WriteRawFrame(typ, flags, stream, []byte(payload)) }
	}
	for name, test := range map[string]struct {
		send func(*peer)
		want http2.ErrCode
	}{
		"data without stream":       {raw(http2.FrameData, 0, 0, "x"), http2.ErrCodeProtocol},
		"data before headers":       {raw(http2.FrameData, 0, 3, "x"), http2.ErrCodeProtocol},
		"too much padding":          {raw(http2.FrameHeaders, 0xc, 3, "\x05abc"), http2.ErrCodeProtocol},
		"padding without length":    {raw(http2.FrameHeaders, 0xc, 3, ""), http2.ErrCodeProtocol},
		"priority too short":        {raw(http2.FrameHeaders, 0x24, 3, "abc"), http2.ErrCodeProtocol},
		"server's stream":           {raw(http2.FrameHeaders, 0x4, 2, ""), http2.ErrCodeProtocol},
		"headers without stream":    {raw(http2.FrameHeaders, 0x4, 0, ""), http2.ErrCodeProtocol},
		"nonsense headers":          {raw(http2.FrameHeaders, 0x4, 3, strings.Repeat("\xff", 10)), http2.ErrCodeCompression},
		"truncated headers":         {raw(http2.FrameHeaders, 0x4, 3, "\x40\x0aabc"), http2.ErrCodeCompression},
		"continuation alone":        {raw(http2.FrameContinuation, 0x4, 3, ""), http2.ErrCodeProtocol},
		"reset of idle":             {raw(http2.FrameRSTStream, 0, 3, "0000"), http2.ErrCodeProtocol},
		"reset of wrong size":       {raw(http2.FrameRSTStream, 0, 1, "000"), http2.ErrCodeFrameSize},
		"settings on stream":        {raw(http2.FrameSettings, 0, 1, ""), http2.ErrCodeProtocol},
		"settings of wrong size":    {raw(http2.FrameSettings, 0, 0, "12345"), http2.ErrCodeFrameSize},
		"settings ack with payload": {raw(http2.FrameSettings, 1, 0, "123456"), http2.ErrCodeFrameSize},
		"window above limit":        {raw(http2.FrameSettings, 0, 0, "\x00\x04\x80\x00\x00\x00"), http2.ErrCodeFlowControl},
		"ping of wrong size":        {raw(http2.FramePing, 0, 0, "1234567"), http2.ErrCodeFrameSize},
		"push":                      {raw(http2.FramePushPromise, 0x4, 1, "0000"), http2.ErrCodeProtocol},
		"window of nothing":         {raw(http2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x00"), http2.ErrCodeProtocol},
		"window of idle":            {raw(http2.FrameWindowUpdate, 0, 3, "\x00\x00\x00\x01"), http2.ErrCodeProtocol},
		"window overflow":           {raw(http2.FrameWindowUpdate, 0, 0, "\x7f\xff\xff\xff"), http2.ErrCodeFlowControl},
		"window update of wrong size": {
			raw(http2.FrameWindowUpdate, 0, 0, "123"), http2.ErrCodeFrameSize,
		},
		"frame too large": {raw(http2.FrameData, 0, 1, strings.Repeat("x", maxFrameLen+1)), http2.ErrCodeFrameSize},
		"interrupted headers": {func(p *peer) {
			raw(http2.FrameHeaders, 0, 3, "")(p)
			raw(http2.FramePing, 0, 0, "12345678")(p)
		}, http2.ErrCodeProtocol},
		"endless headers": {func(p *peer) {
			raw(http2.FrameHeaders, 0, 3, "")(p)
			for range 5 {
				raw(http2.FrameContinuation, 0, 3, strings.Repeat("\x00", maxFrameLen))(p)
			}
		}, http2.ErrCodeEnhanceYourCalm},
		"more data than the window": {func(p *peer) {
			p.request(3, false)
			for range streamWindow/maxFrameLen + 1 {
				p.WriteData(3, false, make([]byte, maxFrameLen))
			}
		}, http2.ErrCodeFlowControl},
	} {
		t.Run(name, func(t *testing.T) {
			p := dial(t, func(s *Stream) { <-s.Context().Done() })
			p.request(1, false)
			go test.send(p)
			if f := p.until(http2.FrameGoAway).(*http2.GoAwayFrame); f.ErrCode != test.want {
				t.Errorf("%v, want %v", f.ErrCode, test.want)
			}
			var violation *connError
			if err := <-p.served; !errors.As(err, &violation) {
				t.Errorf("Run returns %v", err)
			}
		})
	}
}

func TestHello(t *testing.T) {
	for name, test := range map[string]struct {
		send string
		want error
	}{
		"nothing":       {"", nil},
		"text":          {"hello\n", ErrNotHTTP2},
		"http/1":        {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", ErrNotHTTP2},
		"preface alone": {http2.ClientPreface, nil},
		"half a frame":  {http2.ClientPreface + "\x00\x00", io.ErrUnexpectedEOF},
		"half a payload": {
			http2.ClientPreface + "\x00\x00\x06\x04\x00\x00\x00\x00\x00123", io.ErrUnexpectedEOF,
		},
	} {
		t.Run(name, func(t *testing.T) {
			conn := NewConn(t.Context(), strings.NewReader(test.send), io.Discard, echo)
			if err := conn.Run(); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			conn.Wait(t.Context(), nil)
		})
	}
}

// TestPingFlood sends PINGs to a server whose replies nobody reads.
func TestPingFlood(t *testing.T) {
	p := dialSilent(t, echo)
	p.conn.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(p.conn, http2.ClientPreface)
	p.WriteSettings()
	sent := 0
	for p.WritePing(false, [8]byte{}) == nil { // until the server stops reading
		if sent++; sent > 2*controlLimit/17 {
			t.Fatal("the server goes on replying")
		}
		if sent == controlLimit/17 {
			p.conn.SetDeadline(time.Now().Add(time.Second))
		}
	}
}

func FuzzConn(f *testing.F) {
	var hello bytes.Buffer
	p := &peer{Framer: http2.NewFramer(&hello, nil)}
	p.encoder = hpack.NewEncoder(&p.block)
	p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 100})
	p.request(1, false)
	p.WriteDataPadded(1, false, []byte("hello"), make([]byte, 3))
	p.WriteWindowUpdate(1, 10)
	p.WriteData(1, true, []byte("world"))
	p.WritePing(false, [8]byte{})
	p.request(3, false)
	p.WriteRSTStream(3, http2.ErrCodeCancel)
	p.WriteHeaders(http2.HeadersFrameParam{StreamID: 5, BlockFragment: p.headers("a", "b"), PadLength: 3})
	p.WriteContinuation(5, true, p.headers("c", "d"))
	p.WriteGoAway(0, http2.ErrCodeNo, nil)
	f.Add(hello.Bytes())
	f.Fuzz(func(t *testing.T, input []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		conn := NewConn(ctx, io.MultiReader(strings.NewReader(preface), bytes.NewReader(input)), io.Discard, echo)
		conn.Run()
		conn.Wait(ctx, func(bool) []byte { return ok })
		if ctx.Err() != nil {
			t.Fatal("the handlers did not return")
		}
	})
}
