package wire

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrMalformed is what every decoding error is.
var ErrMalformed = errors.New("malformed message")

// maxElements bounds the names of attributes of a record, the excludes and the settings of an Init. A message of 32 MiB may
// hold 16 million empty ones, which take ten times as much in memory. No file system has more names in a list, and hosts
// that match every path with every exclude could not use more of those.
const maxElements = 1 << 18

// errTooMany is the decoding error for a list above that.
var errTooMany = fmt.Errorf("%w: a list has more than %d elements", ErrMalformed, maxElements)

// field is one field of a message: the value of a varint, or the bytes of anything with a length.
type field struct {
	number protowire.Number
	typ    protowire.Type
	varint uint64
	bytes  []byte
}

// each calls use for every field of a message, in order.
func each(message []byte, use func(field) error) error {
	for len(message) > 0 {
		number, typ, n := protowire.ConsumeTag(message)
		if n < 0 {
			return ErrMalformed
		}
		message = message[n:]
		f := field{number: number, typ: typ}
		switch typ {
		case protowire.VarintType:
			f.varint, n = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(number, typ, message)
		}
		if n < 0 {
			return ErrMalformed
		}
		message = message[n:]
		if err := use(f); err != nil {
			return err
		}
	}
	return nil
}

// text reads a string field into *s.
func (f field) text(s *string) error {
	if f.typ != protowire.BytesType {
		return ErrMalformed
	}
	*s = string(f.bytes)
	return nil
}

// element reads an element of a repeated string field.
func (f field) element(list *[]string) error {
	if len(*list) == maxElements {
		return errTooMany
	}
	var s string
	if err := f.text(&s); err != nil {
		return err
	}
	*list = append(*list, s)
	return nil
}

// message reads an embedded message with decode.
func (f field) message(decode func([]byte) error) error {
	if f.typ != protowire.BytesType {
		return ErrMalformed
	}
	return decode(f.bytes)
}

// number reads a varint field into *v, cut to its size as protobuf cuts it.
func number[T ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~int | ~int32 | ~int64](f field, v *T) error {
	if f.typ != protowire.VarintType {
		return ErrMalformed
	}
	*v = T(f.varint)
	return nil
}

func (f field) bool(v *bool) error {
	if f.typ != protowire.VarintType {
		return ErrMalformed
	}
	*v = f.varint != 0
	return nil
}

// The append functions leave out what is empty, as proto3 does.

func appendText(b []byte, number protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return appendString(b, number, s)
}

// appendString appends an element of a repeated field, which may be empty.
func appendString(b []byte, number protowire.Number, s string) []byte {
	b = protowire.AppendTag(b, number, protowire.BytesType)
	return protowire.AppendString(b, s)
}

func appendNumber(b []byte, number protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	b = protowire.AppendTag(b, number, protowire.VarintType)
	return protowire.AppendVarint(b, v)
}

func appendBool(b []byte, number protowire.Number, v bool) []byte {
	return appendNumber(b, number, protowire.EncodeBool(v))
}

// appendMessage appends an embedded message that encode appends, without a second buffer: the length is put in front
// once it is known.
func appendMessage(b []byte, number protowire.Number, encode func([]byte) []byte) []byte {
	b = protowire.AppendTag(b, number, protowire.BytesType)
	start := len(b)
	b = encode(b)
	length := len(b) - start
	width := protowire.SizeVarint(uint64(length))
	for range width {
		b = append(b, 0)
	}
	copy(b[start+width:], b[start:start+length])
	protowire.AppendVarint(b[:start], uint64(length))
	return b
}
