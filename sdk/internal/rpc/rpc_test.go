package rpc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"

	"github.com/PlakarKorp/kpkg/sdk/internal/h2"
)

// raw is a codec for messages that are bytes already.
type raw struct{}

func (raw) Name() string                       { return "raw" }
func (raw) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error { *v.(*[]byte) = bytes.Clone(data); return nil }

// dial serves methods to a gRPC client.
func dial(t *testing.T, server Server) *grpc.ClientConn {
	t.Helper()
	ours, theirs := net.Pipe()
	conn := h2.NewConn(t.Context(), theirs, theirs, server.Handler())
	go conn.Run()
	client, err := grpc.NewClient("passthrough:", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return ours, nil }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func TestUnary(t *testing.T) {
	client := dial(t, Server{
		"/s/echo": func(call *Call) error {
			message, err := call.Request(10 << 20)
			if err != nil {
				return err
			}
			return call.Send(append(Begin(nil), message...))
		},
		"/s/small": func(call *Call) error {
			_, err := call.Request(10)
			return err
		},
		"/s/stopped": func(call *Call) error {
			call.Stop(Errorf(Unavailable, "the disk is full"))
			return call.Context().Err()
		},
		"/s/late": func(call *Call) error {
			<-call.Context().Done()
			return call.Context().Err()
		},
	})
	invoke := func(method, message string, options ...grpc.CallOption) (string, error) {
		request, response := []byte(message), []byte(nil)
		err := client.Invoke(t.Context(), method, &request, &response, options...)
		return string(response), err
	}
	for _, size := range []int{0, 1, 16 << 10, MaxMessage} {
		message := strings.Repeat("m", size)
		if response, err := invoke("/s/echo", message); response != message || err != nil {
			t.Errorf("%d bytes become %d, %v", size, len(response), err)
		}
	}
	for _, test := range []struct {
		method, message string
		options         []grpc.CallOption
		want            codes.Code
	}{
		{"/s/echo", strings.Repeat("m", MaxMessage+1), nil, codes.ResourceExhausted},
		{"/s/small", "12345678901", nil, codes.ResourceExhausted},
		{"/s/none", "", nil, codes.Unimplemented},
		{"/s/echo", "compressed", []grpc.CallOption{grpc.UseCompressor(gzip.Name)}, codes.Unimplemented},
	} {
		if _, err := invoke(test.method, test.message, test.options...); status.Code(err) != test.want {
			t.Errorf("%s: %v, want %v", test.method, err, test.want)
		}
	}
	// Why the context has ended says more than that it has.
	if _, err := invoke("/s/stopped", ""); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("stopped: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := client.Invoke(ctx, "/s/late", &[]byte{}, &[]byte{}); status.Code(err) != codes.DeadlineExceeded {
		t.Error(err)
	}
}

// TestPieces reads messages piecewise, and skips some of them.
func TestPieces(t *testing.T) {
	client := dial(t, Server{"/s/pieces": func(call *Call) error {
		length, err := call.Next()
		if err != nil || length != 5 {
			return Errorf(Internal, "%d, %v", length, err)
		}
		if c, err := call.ReadByte(); c != 'f' || err != nil {
			return Errorf(Internal, "%c, %v", c, err)
		}
		if skipped, err := call.Discard(); skipped != 4 || err != nil {
			return Errorf(Internal, "%d, %v", skipped, err)
		}
		if _, err := call.ReadByte(); err != io.EOF {
			return Errorf(Internal, "after a message: %v", err)
		}
		if _, err := call.Next(); err != nil {
			return err
		}
		if _, err := call.Rest(nil, 100, 1000); err == nil {
			return Errorf(Internal, "a field beyond its message was read")
		}
		third, err := call.Message(nil, 5)
		if string(third) != "third" || err != nil {
			return Errorf(Internal, "%s, %v", third, err)
		}
		if _, err := call.Next(); !errors.Is(err, io.EOF) {
			return Errorf(Internal, "at the end: %v", err)
		}
		return nil
	}})
	stream, err := client.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/s/pieces")
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range []string{"first", "second", "third"} {
		m := []byte(message)
		if err := stream.SendMsg(&m); err != nil {
			t.Fatal(err)
		}
	}
	stream.CloseSend()
	if err := stream.RecvMsg(&[]byte{}); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// TestPromises sends lengths that no message has.
func TestPromises(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want Code
	}{
		"no message":    {"", InvalidArgument},
		"half a prefix": {"\x00\x00", InvalidArgument},
		"half a body":   {"\x00\x00\x00\x00\x0ahello", InvalidArgument},
		"2 GiB":         {"\x00\x7f\xff\xff\xffhello", ResourceExhausted},
		"4 GiB":         {"\x00\xff\xff\xff\xffhello", ResourceExhausted},
		"compressed":    {"\x01\x00\x00\x00\x01h", Unimplemented},
	} {
		got := make(chan error, 1)
		in, host := io.Pipe()
		conn := h2.NewConn(t.Context(), in, io.Discard, func(s *h2.Stream) {
			_, err := (&Call{stream: s, ctx: s.Context(), memory: &memory{}}).Request(64 << 20)
			got <- err
		})
		go conn.Run()
		io.WriteString(host, requestOf(test.body))
		var own *Error
		if err := <-got; !errors.As(err, &own) || own.Code != test.want {
			t.Errorf("%s: %v", name, err)
		}
		host.Close()
		conn.Wait(t.Context(), nil)
	}
}

// requestOf is what a client with one request sends, its end included.
func requestOf(body string) string {
	return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
		"\x00\x00\x00\x04\x00\x00\x00\x00\x00" +
		"\x00\x00\x00\x01\x04\x00\x00\x00\x01" +
		"\x00\x00" + string([]byte{byte(len(body))}) + "\x00\x01\x00\x00\x00\x01" + body
}

// TestLengths reads no more than the lengths of messages, which are at most what an int of 32 bits holds.
func TestLengths(t *testing.T) {
	for _, test := range []struct {
		body   string
		length int
		fits   bool
	}{
		{"\x00\x7f\xff\xff\xff", 1<<31 - 1, true},
		{"\x00\x80\x00\x00\x00", 0, false},
	} {
		var length int
		var err error
		in, host := io.Pipe()
		done := make(chan bool)
		conn := h2.NewConn(t.Context(), in, io.Discard, func(s *h2.Stream) {
			length, err = (&Call{stream: s, ctx: s.Context(), memory: &memory{}}).Next()
			close(done)
		})
		go conn.Run()
		io.WriteString(host, requestOf(test.body))
		<-done
		if own := (*Error)(nil); length != test.length || test.fits != (err == nil) || err != nil && !errors.As(err, &own) {
			t.Errorf("%q: %d, %v", test.body, length, err)
		}
		host.Close()
		conn.Wait(t.Context(), nil)
	}
}

// TestMemory takes all there is, what is too much beside it, and what was released.
func TestMemory(t *testing.T) {
	m := &memory{}
	for i, step := range []struct {
		release, take int
		fits          bool
	}{
		{0, MaxReceived, true},
		{0, 1, false},
		{1, 1, true},
		{0, 1, false},
		{MaxReceived, MaxReceived + 1, false},
		{0, MaxReceived, true},
	} {
		m.release(step.release)
		if got := m.take(step.take); got != step.fits {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

// TestEncodings calls with a header that names the compression of messages.
func TestEncodings(t *testing.T) {
	for encoding, want := range map[string]codes.Code{"identity": codes.OK, "gzip": codes.Unimplemented} {
		in, host := io.Pipe()
		result := make(chan error, 1)
		server := Server{"/s/m": func(*Call) error { return nil }}
		conn := h2.NewConn(t.Context(), in, io.Discard, func(s *h2.Stream) {
			s.Fields = []h2.Field{{Name: ":path", Value: "/s/m"}, {Name: "grpc-encoding", Value: encoding}}
			result <- server.serve(&Call{stream: s, ctx: s.Context(), memory: &memory{}})
		})
		go conn.Run()
		io.WriteString(host, requestOf(""))
		err := <-result
		code := codes.OK
		if own := (*Error)(nil); errors.As(err, &own) {
			code = codes.Code(own.Code)
		}
		if code != want {
			t.Errorf("%s: %v", encoding, err)
		}
		host.Close()
		conn.Wait(t.Context(), nil)
	}
}

// TestReuse keeps the buffers of usual messages, and not those of large ones.
func TestReuse(t *testing.T) {
	for _, size := range []int{0, 1000, maxReused, maxReused + 1} {
		buf := append(make([]byte, 0, size), make([]byte, size)...)
		if got := Reuse(buf); len(got) != 0 || (cap(got) == size) != (size <= maxReused) {
			t.Errorf("a buffer of %d bytes becomes one of %d, capacity %d", size, len(got), cap(got))
		}
	}
}

func TestTimeout(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"1H": time.Hour, "2M": 2 * time.Minute, "3S": 3 * time.Second, "4m": 4 * time.Millisecond,
		"5u": 5 * time.Microsecond, "99999999n": 99999999, "99999999H": 365 * 24 * time.Hour, "0S": 0,
	} {
		if got, err := parseTimeout(value); got != want || err != nil {
			t.Errorf("%s is %v, %v", value, got, err)
		}
	}
	for _, value := range []string{"", "S", "1", "1s", "-1S", "1.5S", "123456789S", "１S"} {
		if got, err := parseTimeout(value); err == nil {
			t.Errorf("%q is %v", value, got)
		}
	}
}

func TestEscape(t *testing.T) {
	for message, want := range map[string]string{
		"plain ~": "plain ~", "100%": "100%25", "é\n\x7f": "%C3%A9%0A%7F",
	} {
		if got := escape(message); got != want {
			t.Errorf("%q is %q, want %q", message, got, want)
		}
	}
	longest := strings.Repeat("x", maxEscaped+1)
	if escape(longest) != longest || escape(longest+"x") != longest+"..." {
		t.Error("it is not cut where it should be")
	}
	if n := len(escape(strings.Repeat("é", 1<<20))); n > maxEscaped+10 {
		t.Errorf("%d bytes", n)
	}
}
