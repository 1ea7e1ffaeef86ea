package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/sdk/internal/h2"
)

// Method serves one call. Its error becomes the call's status.
type Method func(*Call) error

// Server serves calls by the path they name, "/package.Service/Method".
type Server map[string]Method

var (
	headers = h2.HeaderBlock(
		h2.Field{Name: ":status", Value: "200"},
		h2.Field{Name: "content-type", Value: "application/grpc"})
	success = h2.HeaderBlock(h2.Field{Name: "grpc-status", Value: "0"})
)

// Handler returns the handler for one h2.NewConn. It serves the call that a stream carries.
func (s Server) Handler() func(*h2.Stream) {
	received := &memory{}
	return func(stream *h2.Stream) { s.handle(&Call{stream: stream, ctx: stream.Context(), memory: received}) }
}

func (s Server) handle(call *Call) {
	defer call.release()
	err := s.serve(call)
	if err == nil {
		err = call.sendHeaders()
	}
	trailers := success
	if err != nil {
		trailers = Failure(err, call.headersSent)
	}
	call.stream.WriteHeaders(trailers, true) // fails only if nobody listens any more
}

func (s Server) serve(call *Call) error {
	var path string
	for _, field := range call.stream.Fields {
		switch field.Name {
		case ":path":
			path = field.Value
		case "content-type":
			if !strings.HasPrefix(field.Value, "application/grpc") {
				return Errorf(InvalidArgument, "content type %q is not gRPC's", field.Value)
			}
		case "grpc-encoding":
			if field.Value != "identity" {
				return Errorf(Unimplemented, "messages compressed with %q are not supported", field.Value)
			}
		case "grpc-timeout":
			timeout, err := parseTimeout(field.Value)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(call.ctx, timeout)
			defer cancel()
			defer context.AfterFunc(ctx, func() { call.Stop(context.Cause(ctx)) })()
			call.ctx = ctx
		}
	}
	method := s[path]
	if method == nil {
		return Errorf(Unimplemented, "unknown method %s", path)
	}
	err := method(call)
	if err != nil && errors.Is(err, call.ctx.Err()) {
		err = context.Cause(call.ctx) // why the context ended says more than that it did
	}
	return err
}

// parseTimeout reads a grpc-timeout header: at most 8 digits and a unit.
func parseTimeout(value string) (time.Duration, error) {
	units := map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second,
		'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond}
	malformed := Errorf(InvalidArgument, "grpc-timeout %q is malformed", value)
	if len(value) < 2 || len(value) > 9 {
		return 0, malformed
	}
	unit, known := units[value[len(value)-1]]
	if !known {
		return 0, malformed
	}
	var amount int64
	for _, digit := range []byte(value[:len(value)-1]) {
		if digit < '0' || digit > '9' {
			return 0, malformed
		}
		amount = amount*10 + int64(digit-'0')
	}
	const longest = 365 * 24 * time.Hour // 99999999 hours would overflow
	if amount > int64(longest/unit) {
		return longest, nil
	}
	return time.Duration(amount) * unit, nil
}

// Failure makes the trailers for an error, with the headers in front if none were sent.
func Failure(err error, headersSent bool) []byte {
	code, message := statusOf(err)
	fields := make([]h2.Field, 0, 4)
	if !headersSent {
		fields = append(fields,
			h2.Field{Name: ":status", Value: "200"},
			h2.Field{Name: "content-type", Value: "application/grpc"})
	}
	fields = append(fields,
		h2.Field{Name: "grpc-status", Value: fmt.Sprint(uint32(code))},
		h2.Field{Name: "grpc-message", Value: escape(message)})
	return h2.HeaderBlock(fields...)
}
