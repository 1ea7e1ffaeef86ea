package h2

import (
	"testing"

	"golang.org/x/net/http2"
)

// TestNoAnswer resets a stream whose handler returns without an answer, or in the middle of one: its peer must not wait.
func TestNoAnswer(t *testing.T) {
	p := dial(t, func(s *Stream) {
		if s.Fields[1].Value == "/echo" {
			s.WriteHeaders(ok, false)
		}
	})
	p.WriteHeaders(http2.HeadersFrameParam{
		StreamID: 1, BlockFragment: p.headers(":method", "POST", ":path", "/silence"), EndHeaders: true, EndStream: true,
	})
	if f, ok := p.read().(*http2.RSTStreamFrame); !ok || f.StreamID != 1 || f.ErrCode != http2.ErrCodeProtocol {
		t.Errorf("of no answer, the peer sees %v", f)
	}
	p.request(3, true)
	p.until(http2.FrameHeaders)
	if f, ok := p.read().(*http2.RSTStreamFrame); !ok || f.StreamID != 3 || f.ErrCode != http2.ErrCodeProtocol {
		t.Errorf("of half an answer, the peer sees %v", f)
	}
}

// TestOneAfterAnother makes more requests than there may be at once.
func TestOneAfterAnother(t *testing.T) {
	p := dial(t, func(s *Stream) { s.WriteHeaders(ok, true) })
	for i := range uint32(2 * MaxStreams) {
		p.request(2*i+1, true)
		if f := p.read(); f.Header().Type != http2.FrameHeaders || f.Header().StreamID != 2*i+1 {
			t.Fatalf("request %d is answered by %v", i+1, f)
		}
	}
}
