// Package h2 is the server's half of one HTTP/2 connection (RFC 9113) over a pair of pipes, as small as speaking gRPC
// needs it: no TLS, no upgrade, no server push, no priorities. Header compression is golang.org/x/net/http2/hpack.
//
// It exists because net/http and the HTTP/2 servers on top of it triple the size of a plugin. Nothing the peer sends
// is believed: a frame is at most 16 KiB, a header block at most 64 KiB, a stream buffers at most its window, and
// there are at most MaxStreams streams at a time.
package h2
