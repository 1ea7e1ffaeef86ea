package wire

import (
	"github.com/PlakarKorp/kloset/objects"
	"google.golang.org/protobuf/encoding/protowire"
)

// Object names what a storage is asked for. Storage requests differ only in how much of it they use, and in the
// number of the first field: see DecodeObject and DecodeList.
type Object struct {
	MAC      objects.MAC
	Resource uint32
	Range    *Range
}

// Range is a part of an object, in bytes.
type Range struct {
	Offset uint64
	Length uint32
}

// DecodeObject reads a GetRequest or a DeleteRequest.
func DecodeObject(message []byte) (Object, error) {
	var o Object
	var mac []byte
	err := each(message, func(f field) error {
		switch f.number {
		case 1:
			return f.message(func(b []byte) error { mac = b; return nil })
		case 2:
			return number(f, &o.Resource)
		case 3:
			o.Range = &Range{}
			return f.message(func(b []byte) error { return decodeRange(b, o.Range) })
		}
		return nil
	})
	if err != nil {
		return o, err
	}
	o.MAC, err = DecodeMAC(mac)
	return o, err
}

func decodeRange(message []byte, r *Range) error {
	return each(message, func(f field) error {
		switch f.number {
		case 1:
			return number(f, &r.Offset)
		case 2:
			return number(f, &r.Length)
		}
		return nil
	})
}

// DecodeMAC takes the 32 bytes that name an object.
func DecodeMAC(b []byte) (objects.MAC, error) {
	var mac objects.MAC
	if len(b) != len(mac) {
		return mac, ErrMalformed
	}
	copy(mac[:], b)
	return mac, nil
}

// DecodeList reads a ListRequest.
func DecodeList(message []byte) (resource uint32, err error) {
	err = each(message, func(f field) error {
		if f.number == 1 {
			return number(f, &resource)
		}
		return nil
	})
	return resource, err
}

// DecodeConfig reads the configuration in a CreateRequest.
func DecodeConfig(message []byte) (config []byte, err error) {
	err = each(message, func(f field) error {
		if f.number == 1 {
			return f.message(func(b []byte) error { config = b; return nil })
		}
		return nil
	})
	return config, err
}

// AppendConfig appends a storage's OpenResponse.
func AppendConfig(b, config []byte) []byte {
	if len(config) == 0 {
		return b
	}
	b = protowire.AppendTag(b, 1, protowire.BytesType)
	return protowire.AppendBytes(b, config)
}

// AppendMACs appends a ListResponse.
func AppendMACs(b []byte, macs []objects.MAC) []byte {
	for i := range macs {
		b = protowire.AppendTag(b, 1, protowire.BytesType)
		b = protowire.AppendBytes(b, macs[i][:])
	}
	return b
}

// AppendNumber appends the ModeResponse, SizeResponse or PutResponse: a message of one number.
func AppendNumber(b []byte, n int64) []byte { return appendNumber(b, 1, uint64(n)) }
