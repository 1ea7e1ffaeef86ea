package h2

import (
	"encoding/binary"
	"fmt"
)

// Frames, RFC 9113 section 4.1: a length of 24 bits, a type, flags, a stream number of 31 bits, then the payload.
const (
	frameHeaderLen = 9

	// maxFrameLen is SETTINGS_MAX_FRAME_SIZE's initial value. Neither side of a plugin's connection ever raises it.
	maxFrameLen = 16 << 10
)

type frameType uint8

const (
	frameData         frameType = 0x0
	frameHeaders      frameType = 0x1
	framePriority     frameType = 0x2
	frameRSTStream    frameType = 0x3
	frameSettings     frameType = 0x4
	framePushPromise  frameType = 0x5
	framePing         frameType = 0x6
	frameGoAway       frameType = 0x7
	frameWindowUpdate frameType = 0x8
	frameContinuation frameType = 0x9
)

const (
	flagAck        = 0x1 // SETTINGS, PING
	flagEndStream  = 0x1 // DATA, HEADERS
	flagEndHeaders = 0x4 // HEADERS, CONTINUATION
	flagPadded     = 0x8 // DATA, HEADERS
	flagPriority   = 0x20
)

type frame struct {
	length int
	typ    frameType
	flags  uint8
	stream uint32
}

func (f frame) has(flag uint8) bool { return f.flags&flag != 0 }

func parseFrame(b []byte) frame {
	return frame{
		length: int(b[0])<<16 | int(b[1])<<8 | int(b[2]),
		typ:    frameType(b[3]),
		flags:  b[4],
		stream: binary.BigEndian.Uint32(b[5:]) &^ (1 << 31),
	}
}

func appendFrame(b []byte, f frame) []byte {
	b = append(b, byte(f.length>>16), byte(f.length>>8), byte(f.length), byte(f.typ), f.flags)
	return binary.BigEndian.AppendUint32(b, f.stream)
}

func appendRSTStream(b []byte, stream uint32, code errorCode) []byte {
	b = appendFrame(b, frame{length: 4, typ: frameRSTStream, stream: stream})
	return binary.BigEndian.AppendUint32(b, uint32(code))
}

func appendWindowUpdate(b []byte, stream uint32, increment int) []byte {
	b = appendFrame(b, frame{length: 4, typ: frameWindowUpdate, stream: stream})
	return binary.BigEndian.AppendUint32(b, uint32(increment))
}

func appendGoAway(b []byte, lastStream uint32, code errorCode, reason string) []byte {
	b = appendFrame(b, frame{length: 8 + len(reason), typ: frameGoAway})
	b = binary.BigEndian.AppendUint32(b, lastStream)
	b = binary.BigEndian.AppendUint32(b, uint32(code))
	return append(b, reason...)
}

// unpad removes the padding of a DATA or HEADERS payload.
func unpad(f frame, payload []byte) ([]byte, error) {
	if !f.has(flagPadded) {
		return payload, nil
	}
	if len(payload) == 0 || int(payload[0]) >= len(payload) {
		return nil, protocolError("padding is longer than the frame")
	}
	return payload[1 : len(payload)-int(payload[0])], nil
}

// errorCode is an HTTP/2 error code, RFC 9113 section 7.
type errorCode uint32

const (
	codeNone            errorCode = 0x0
	codeProtocol        errorCode = 0x1
	codeFlowControl     errorCode = 0x3
	codeFrameSize       errorCode = 0x6
	codeRefusedStream   errorCode = 0x7
	codeCompression     errorCode = 0x9
	codeEnhanceYourCalm errorCode = 0xb
)

// connError is a violation that ends the connection.
type connError struct {
	Code   errorCode
	Reason string
}

func (e *connError) Error() string {
	return fmt.Sprintf("http/2 connection error 0x%x: %s", uint32(e.Code), e.Reason)
}

func protocolError(reason string) error { return &connError{codeProtocol, reason} }
