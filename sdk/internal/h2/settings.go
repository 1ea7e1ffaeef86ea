package h2

import "encoding/binary"

// What this side announces, RFC 9113 section 6.5.2.
const (
	// MaxStreams is how many requests may be under way at once.
	MaxStreams = 1024

	// streamWindow is how many bytes of a request the peer may send before its handler has read them, which is also
	// how many are ever buffered for it.
	streamWindow = 512 << 10

	// connWindow is the same for all requests together. It lets 63 handlers that do not read leave the others alone, and
	// bounds what a host can make the connection keep by filling the windows of MaxStreams requests.
	connWindow = 32 << 20
)

const (
	settingMaxConcurrentStreams = 0x3
	settingInitialWindowSize    = 0x4
	settingMaxHeaderListSize    = 0x6
)

const (
	// initialWindow is that of a stream and of a connection until it is told otherwise; RFC 9113, 6.9.2.
	initialWindow = 64<<10 - 1
	// maxWindow is the largest window; RFC 9113, 6.9.1.
	maxWindow = 1<<31 - 1
)

func appendSettings(b []byte) []byte {
	settings := [...]struct {
		id    uint16
		value uint32
	}{
		{settingMaxConcurrentStreams, MaxStreams},
		{settingInitialWindowSize, streamWindow},
		{settingMaxHeaderListSize, maxHeaderList},
	}
	b = appendFrame(b, frame{length: 6 * len(settings), typ: frameSettings})
	for _, s := range settings {
		b = binary.BigEndian.AppendUint16(b, s.id)
		b = binary.BigEndian.AppendUint32(b, s.value)
	}
	return b
}

// readSettings applies the peer's settings. Only the window matters: this side never sends frames above the minimum
// every peer accepts, nor anything that needs the dynamic table.
func (c *Conn) readSettings(f frame, payload []byte) error {
	if f.stream != 0 {
		return protocolError("SETTINGS on a stream")
	}
	if f.has(flagAck) {
		if len(payload) != 0 {
			return &connError{codeFrameSize, "SETTINGS acknowledgement with a payload"}
		}
		return nil
	}
	if len(payload)%6 != 0 {
		return &connError{codeFrameSize, "SETTINGS of odd length"}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for ; len(payload) > 0; payload = payload[6:] {
		if binary.BigEndian.Uint16(payload) != settingInitialWindowSize {
			continue
		}
		value := binary.BigEndian.Uint32(payload[2:])
		if value > maxWindow {
			return &connError{codeFlowControl, "initial window above 2^31-1"}
		}
		if err := c.resizeWindowsLocked(int64(value)); err != nil {
			return err
		}
	}
	return c.controlLocked(appendFrame(nil, frame{typ: frameSettings, flags: flagAck}))
}
