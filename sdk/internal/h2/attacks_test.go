package h2

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// maxHeap is what the worst of the attacks may make the connection keep, in bytes: its window, and the buffers for that
// grown by doubling.
const maxHeap = 2*connWindow + 16<<20

// TestAttacks is a host that means harm. Each attack is cut off with a reason, or does nothing but keep the connection
// busy: then that ends with its input. None of them makes the connection keep much.
func TestAttacks(t *testing.T) {
	const many = 20000
	open := func(p *peer, count int) {
		for i := range count {
			p.request(uint32(2*i+1), false)
		}
	}
	for name, test := range map[string]struct {
		attack func(*peer)
		unread bool          // the host does not read what it is sent
		want   http2.ErrCode // of the GOAWAY; 0 for none
		end    string        // what Run returns
	}{
		"frame of 16 MiB": {
			attack: func(p *peer) { io.WriteString(p.conn, "\xff\xff\xff\x00\x00\x00\x00\x00\x01") },
			want:   http2.ErrCodeFrameSize, end: "larger than 16 KiB",
		},
		"endless CONTINUATION": {
			attack: func(p *peer) {
				p.WriteRawFrame(http2.FrameHeaders, 0, 1, nil)
				for range many {
					if p.WriteContinuation(1, false, make([]byte, 1024)) != nil {
						return
					}
				}
			},
			want: http2.ErrCodeEnhanceYourCalm, end: "header block is larger",
		},
		"empty CONTINUATION": {
			attack: func(p *peer) {
				p.WriteRawFrame(http2.FrameHeaders, 0, 1, nil)
				for range many {
					p.WriteContinuation(1, false, nil)
				}
			},
		},
		"window overflow": {
			attack: func(p *peer) {
				open(p, 1)
				p.WriteWindowUpdate(1, 1<<31-1)
				p.WriteWindowUpdate(1, 1<<31-1)
			},
			want: http2.ErrCodeFlowControl, end: "window above",
		},
		"padding longer than its frame": {
			attack: func(p *peer) {
				open(p, 1)
				p.WriteRawFrame(http2.FrameData, http2.FlagDataPadded, 1, []byte("\xffx"))
			},
			want: http2.ErrCodeProtocol, end: "padding",
		},
		"PUSH_PROMISE": {
			attack: func(p *peer) { p.WriteRawFrame(http2.FramePushPromise, 4, 1, []byte("\x00\x00\x00\x02")) },
			want:   http2.ErrCodeProtocol, end: "PUSH_PROMISE",
		},
		"garbage": {
			attack: func(p *peer) { io.WriteString(p.conn, strings.Repeat("\xde\xad\xbe\xef garbage", 100)) },
			want:   http2.ErrCodeFrameSize, end: "larger than 16 KiB",
		},
		"PING": {
			attack: func(p *peer) {
				for range many {
					p.WritePing(false, [8]byte{})
				}
			},
		},
		"unread PING": {
			attack: func(p *peer) {
				for range 2 * controlLimit / (frameHeaderLen + 8) {
					if p.WritePing(false, [8]byte{}) != nil {
						return
					}
				}
			},
			unread: true, end: "too many unread replies",
		},
		"SETTINGS with many streams": {
			attack: func(p *peer) {
				open(p, MaxStreams)
				for i := range many / 10 {
					p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(i)})
				}
			},
		},
		"unread SETTINGS": {
			attack: func(p *peer) {
				for range 2 * controlLimit / frameHeaderLen {
					if p.WriteSettings() != nil {
						return
					}
				}
			},
			unread: true, end: "too many unread replies",
		},
		"RST_STREAM at once": {
			attack: func(p *peer) {
				for i := range uint32(many) {
					p.request(2*i+1, false)
					p.WriteRSTStream(2*i+1, http2.ErrCodeCancel)
				}
			},
		},
		"compression bomb": {
			attack: func(p *peer) {
				p.encoder.SetMaxDynamicTableSize(4096)
				for i := range uint32(many / 20) {
					p.block.Reset()
					large := hpack.HeaderField{Name: "a", Value: strings.Repeat("x", 4000)}
					for range 10000 { // a byte each, once it is in the table
						p.encoder.WriteField(large)
					}
					p.WriteHeaders(http2.HeadersFrameParam{
						StreamID: 2*i + 1, BlockFragment: bytes.Clone(p.block.Bytes()), EndHeaders: true,
					})
				}
			},
		},
		"unknown frames": {
			attack: func(p *peer) {
				for range many / 10 {
					p.WriteRawFrame(0x77, 0xff, 12345, make([]byte, maxFrameLen))
				}
			},
		},
		"more streams than there may be": {
			attack: func(p *peer) { open(p, 2*MaxStreams) },
		},
		"every stream's window full": {
			attack: func(p *peer) {
				open(p, MaxStreams)
				chunk := make([]byte, maxFrameLen)
				for i := range MaxStreams * (streamWindow / maxFrameLen) {
					if p.WriteData(uint32(2*(i%MaxStreams)+1), false, chunk) != nil {
						return
					}
				}
			},
			want: http2.ErrCodeFlowControl, end: "the connection's window",
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			p := dial(t, func(s *Stream) { <-s.Context().Done() })
			p.conn.SetDeadline(time.Now().Add(5 * time.Minute)) // the race detector is slow
			goAway := make(chan http2.ErrCode, 1)
			if !test.unread {
				go func() {
					var code http2.ErrCode
					for {
						f, err := p.ReadFrame()
						if err != nil {
							break
						}
						if f, ok := f.(*http2.GoAwayFrame); ok {
							code = f.ErrCode
						}
					}
					goAway <- code
				}()
			} else {
				go func() { // a host that never reads would keep the writer, and so what it waits for, until it goes
					<-p.over
					p.conn.Close()
				}()
			}
			test.attack(p)
			if used := heap() - before; used > maxHeap {
				t.Errorf("the connection keeps %d bytes", used)
			}
			if test.end == "" {
				p.conn.Close()
			}
			err := <-p.served
			if test.end == "" && err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("it ends with %v", err)
			}
			if test.end != "" && (err == nil || !strings.Contains(err.Error(), test.end)) {
				t.Errorf("it ends with %v, want %q", err, test.end)
			}
			if !test.unread {
				p.conn.Close()
				if code := <-goAway; code != test.want {
					t.Errorf("GOAWAY with %v, want %v", code, test.want)
				}
			}
		})
	}
}

// heap is how much of it is in use.
func heap() int {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}
