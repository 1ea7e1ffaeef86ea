package host

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/PlakarKorp/kpkg/sdk/secrets"
)

// trace writes a line for every message between the host and a plugin: when, which way (">" to the plugin), which call, and what
// is in it. Contents of files are told by their lengths, secrets are cut out.
type trace struct {
	out     io.Writer
	secrets *secrets.Set
	given   []string // values that are secret however short they are
	since   time.Time

	mu    sync.Mutex // guards calls
	calls int
}

// options have a connection traced.
func (t *trace) options() []grpc.DialOption {
	return []grpc.DialOption{grpc.WithChainUnaryInterceptor(t.unary), grpc.WithChainStreamInterceptor(t.stream)}
}

// begin numbers a call, since several of one kind may be under way at the same time.
func (t *trace) begin(method string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls++
	return fmt.Sprintf("%d %s", t.calls, path.Base(method))
}

func (t *trace) write(direction, call, text string) {
	line := strings.Map(printable, t.secrets.Cut(text))
	printLine(t.out, fmt.Sprintf("trace: %7.3fs %s %s %s", time.Since(t.since).Seconds(), direction, call, beginning(line, maxLine)))
}

// ended writes the end of a call, as the plugin gave it.
func (t *trace) ended(call string, err error) {
	if err == nil || errors.Is(err, io.EOF) {
		t.write("<", call, "ends")
		return
	}
	s := status.Convert(err)
	t.write("<", call, fmt.Sprintf("fails: %s (%s)", s.Message(), s.Code()))
}

func (t *trace) unary(
	ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	call := t.begin(method)
	t.write(">", call, t.message(request))
	err := invoke(ctx, method, request, reply, conn, opts...)
	if err == nil {
		t.write("<", call, t.message(reply))
		return nil
	}
	t.ended(call, err)
	return err
}

func (t *trace) stream(
	ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	call := t.begin(method)
	t.write(">", call, "begins")
	stream, err := open(ctx, desc, conn, method, opts...)
	if err != nil {
		t.ended(call, err)
		return nil, err
	}
	return &tracedStream{ClientStream: stream, trace: t, call: call}, nil
}

// tracedStream traces the messages of a stream.
type tracedStream struct {
	grpc.ClientStream
	trace *trace
	call  string
	over  bool // what is said of it: some ask once more
}

func (s *tracedStream) SendMsg(m any) error {
	s.trace.write(">", s.call, s.trace.message(m))
	return s.ClientStream.SendMsg(m)
}

func (s *tracedStream) CloseSend() error {
	s.trace.write(">", s.call, "no more comes")
	return s.ClientStream.CloseSend()
}

func (s *tracedStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err != nil {
		if !s.over {
			s.trace.ended(s.call, err)
		}
		s.over = true
		return err
	}
	s.trace.write("<", s.call, s.trace.message(m))
	return nil
}

// message is what a message says, on one line.
func (t *trace) message(m any) string {
	message, ok := m.(proto.Message)
	if !ok {
		return fmt.Sprint(m)
	}
	text := t.fields(message.ProtoReflect())
	if text == "" {
		return "{}"
	}
	return text
}

// fields are those of a message that are set, by their names.
func (t *trace) fields(m protoreflect.Message) string {
	if at, ok := m.Interface().(*timestamppb.Timestamp); ok {
		return at.AsTime().Format(time.RFC3339Nano)
	}
	var parts []string
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !m.Has(field) {
			continue
		}
		equals := "="
		if field.Kind() == protoreflect.MessageKind && !field.IsMap() && field.Message().FullName() != "google.protobuf.Timestamp" {
			equals = " "
		}
		parts = append(parts, fmt.Sprintf("%s%s%s", field.Name(), equals, t.value(field, m.Get(field))))
	}
	return strings.Join(parts, " ")
}

func (t *trace) value(field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	switch {
	case field.IsMap():
		var entries []string
		value.Map().Range(func(key protoreflect.MapKey, v protoreflect.Value) bool {
			text := v.String()
			if secrets.IsName(key.String()) || slices.Contains(t.given, text) {
				text = "***"
			}
			entries = append(entries, fmt.Sprintf("%s: %s", key.String(), t.quoted(text)))
			return true
		})
		slices.Sort(entries)
		return "{" + strings.Join(entries, ", ") + "}"
	case field.IsList():
		var items []string
		for i := range value.List().Len() {
			items = append(items, t.single(field, value.List().Get(i)))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return t.single(field, value)
}

func (t *trace) single(field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	switch field.Kind() {
	case protoreflect.MessageKind:
		if _, isTime := value.Message().Interface().(*timestamppb.Timestamp); isTime {
			return t.fields(value.Message())
		}
		return "{" + t.fields(value.Message()) + "}"
	case protoreflect.EnumKind:
		if name := field.Enum().Values().ByNumber(value.Enum()); name != nil {
			return string(name.Name())
		}
	case protoreflect.BytesKind:
		if data := value.Bytes(); field.Name() != "mac" && field.Name() != "macs" {
			return fmt.Sprintf("%d bytes", len(data))
		}
		return hex.EncodeToString(value.Bytes())
	case protoreflect.StringKind:
		if field.Name() == "secret" { // a secret provider's answer
			return `"***"`
		}
		return t.quoted(value.String())
	case protoreflect.Uint32Kind, protoreflect.Int64Kind, protoreflect.Int32Kind:
		if field.Name() == "mode" && field.Parent().Name() == "FileInfo" {
			return fs.FileMode(value.Uint()).String()
		}
	}
	return value.String()
}

// quoted is a text in quotes. The secrets are cut before: quoting may change them.
func (t *trace) quoted(text string) string { return fmt.Sprintf("%q", t.secrets.Cut(text)) }
