package h2

import (
	"testing"

	"golang.org/x/net/http2"
)

// TestTrailers ends the newest request with trailers, whose HEADERS must not be taken for another request. Its own HEADERS
// hold a priority and nothing else: the block follows.
func TestTrailers(t *testing.T) {
	p := dial(t, echo)
	p.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersPriority, 1, make([]byte, 5))
	p.WriteContinuation(1, true, p.headers(":method", "POST", ":path", "/echo"))
	p.WriteData(1, false, []byte("hello"))
	p.WriteHeaders(http2.HeadersFrameParam{
		StreamID: 1, BlockFragment: p.headers("checksum", "none"), EndHeaders: true, EndStream: true,
	})
	p.until(http2.FrameHeaders)
	if f := p.read().(*http2.DataFrame); string(f.Data()) != "hello" {
		t.Errorf("the body is %q", f.Data())
	}
	if f, ok := p.read().(*http2.HeadersFrame); !ok || f.StreamID != 1 || !f.StreamEnded() {
		t.Errorf("the response ends with %v", f)
	}
	p.request(3, true)
	if f := p.until(http2.FrameHeaders); f.Header().StreamID != 3 {
		t.Errorf("%v is no response to the next request", f)
	}
}
