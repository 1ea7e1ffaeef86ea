package rpc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Code is a gRPC status code.
type Code uint32

const (
	Canceled           Code = 1
	Unknown            Code = 2
	InvalidArgument    Code = 3
	DeadlineExceeded   Code = 4
	NotFound           Code = 5
	AlreadyExists      Code = 6
	PermissionDenied   Code = 7
	ResourceExhausted  Code = 8
	FailedPrecondition Code = 9
	Unimplemented      Code = 12
	Internal           Code = 13
	Unavailable        Code = 14
)

// Error is an error with a status code of its own.
type Error struct {
	Code    Code
	Message string
}

func (e *Error) Error() string { return e.Message }

// Errorf makes an Error.
func Errorf(code Code, format string, args ...any) error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

// carried are the errors whose identity a status code can carry to the host.
var carried = []struct {
	err  error
	code Code
}{
	{context.Canceled, Canceled},
	{context.DeadlineExceeded, DeadlineExceeded},
	{fs.ErrNotExist, NotFound},
	{fs.ErrExist, AlreadyExists},
	{fs.ErrPermission, PermissionDenied},
	{errors.ErrUnsupported, Unimplemented},
}

func statusOf(err error) (Code, string) {
	message := err.Error()
	if own := (*Error)(nil); errors.As(err, &own) {
		return own.Code, message
	}
	for _, c := range carried {
		if errors.Is(err, c.err) {
			return c.code, message
		}
	}
	return Unknown, message
}

// maxEscaped keeps a status within one frame.
const maxEscaped = 12 << 10

// escape makes a message fit for the grpc-message header: percent-encoded outside of printable ASCII.
func escape(message string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(message) {
		if b.Len() > maxEscaped {
			b.WriteString("...")
			break
		}
		if c >= ' ' && c <= '~' && c != '%' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}
