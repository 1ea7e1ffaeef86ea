//go:build !race

package sdk

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"

	"github.com/PlakarKorp/kpkg/sdk/internal/h2"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// maxFloodMemory is what a host may make a plugin take whose calls keep what they are sent, in KiB: what is received and
// what is buffered are bounded by 32 MiB each, buffers grow by doubling, and the collector lags behind.
const maxFloodMemory = 192 << 10

// TestFlood starts as many calls as there may be and sends each of them nearly all of a message of 4 MiB, within all windows.
func TestFlood(t *testing.T) {
	for _, test := range []struct{ plugin, path string }{
		{"plenty", "/importer.Importer/Init"},
		{"fs exporter", "/plakar.exporter.Exporter/Init"},
		{"fs exporter", "/plakar.exporter.Exporter/Export"},
		{"fs storage", "/store.Store/Create"},
	} {
		t.Run(test.path, func(t *testing.T) {
			p := execute(t, command(test.plugin))
			flood(t, p, test.path)
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
			if err != nil {
				t.Fatal(err)
			}
			used := peak(t, string(status))
			t.Logf("peak: %d KiB", used)
			if used > maxFloodMemory {
				t.Errorf("the plugin took %d KiB", used)
			}
			p.end(t)
		})
	}
}

// flood speaks HTTP/2 itself: it does as every rule wants, until each stream is at its end, refused, or without a window.
func flood(t *testing.T, p *process, path string) {
	const message = 4 << 20
	w, r := http2.NewFramer(p.pipes, nil), http2.NewFramer(nil, p.pipes)
	var mu sync.Mutex
	changed := sync.NewCond(&mu)
	windows := make(map[uint32]int) // of the streams that take more
	connection, initial := 64<<10-1, 64<<10-1
	pings, ended, over := 0, false, false
	go func() {
		for {
			f, err := r.ReadFrame()
			mu.Lock()
			if err != nil {
				if !over {
					t.Errorf("the plugin ended the connection: %v, %s", err, p.stderr)
				}
				ended = true
				changed.Broadcast()
				mu.Unlock()
				return
			}
			switch f := f.(type) {
			case *http2.SettingsFrame:
				if size, ok := f.Value(http2.SettingInitialWindowSize); ok {
					initial = int(size)
				}
			case *http2.WindowUpdateFrame:
				if f.StreamID == 0 {
					connection += int(f.Increment)
				} else if _, open := windows[f.StreamID]; open {
					windows[f.StreamID] += int(f.Increment)
				}
			case *http2.HeadersFrame:
				delete(windows, f.StreamID)
			case *http2.RSTStreamFrame:
				delete(windows, f.StreamID)
			case *http2.GoAwayFrame:
				t.Errorf("the plugin refuses to go on: %v", f)
			case *http2.PingFrame:
				pings++
			}
			changed.Broadcast()
			mu.Unlock()
		}
	}()
	ping := func() { // all that was sent before has been dealt with
		mu.Lock()
		want := pings + 1
		mu.Unlock()
		w.WritePing(false, [8]byte{})
		mu.Lock()
		for pings < want && !ended {
			changed.Wait()
		}
		mu.Unlock()
	}
	io.WriteString(p.pipes, http2.ClientPreface)
	w.WriteSettings()
	ping()
	encoded := h2.HeaderBlock(hpack.HeaderField{Name: ":method", Value: "POST"}, hpack.HeaderField{Name: ":path", Value: path})
	left := make(map[uint32]int)
	for i := range uint32(h2.MaxStreams) {
		id := 2*i + 1
		w.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: encoded, EndHeaders: true})
		mu.Lock()
		windows[id], left[id] = initial-5, message-1
		connection -= 5
		mu.Unlock()
		w.WriteData(id, false, binary.BigEndian.AppendUint32([]byte{0}, message))
	}
	chunk := make([]byte, 16<<10)
	for idle := 0; idle < 3 && !ended; {
		sent := 0
		for id := range left {
			mu.Lock()
			window, open := windows[id]
			n := min(len(chunk), window, connection, left[id])
			if open && n > 0 {
				windows[id] -= n
				connection -= n
			}
			mu.Unlock()
			if open && n > 0 {
				w.WriteData(id, false, chunk[:n])
				left[id] -= n
				sent += n
			}
		}
		ping()
		if idle++; sent > 0 {
			idle = 0
		}
	}
	mu.Lock()
	defer mu.Unlock()
	over = true // the plugin is about to be ended
}
