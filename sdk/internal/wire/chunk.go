package wire

import (
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// ChunkPrefix is how much precedes the bytes of a chunk at most: tag and length.
const ChunkPrefix = 1 + 4

// AppendChunkHeader appends what precedes a chunk of n bytes in an OpenResponse or GetResponse, and nothing follows it.
func AppendChunkHeader(b []byte, n int) []byte {
	b = protowire.AppendTag(b, 1, protowire.BytesType)
	return protowire.AppendVarint(b, uint64(n))
}

// Tag is the beginning of a field in a message that is read piecewise, because its last field may be large.
type Tag struct {
	Number int
	Length int    // of what follows, if it is a string, bytes or a message
	Value  uint64 // if it is a number
}

// ReadTag reads the beginning of a field, and all of a number. What has a length is left unread.
func ReadTag(r io.ByteReader) (Tag, error) {
	v, err := readVarint(r)
	if err != nil {
		return Tag{}, err
	}
	number, typ := protowire.DecodeTag(v)
	if !number.IsValid() {
		return Tag{}, ErrMalformed
	}
	value, err := readVarint(r)
	switch {
	case err == io.EOF:
		return Tag{}, ErrMalformed
	case err != nil:
		return Tag{}, err
	case typ == protowire.VarintType:
		return Tag{Number: int(number), Value: value}, nil
	case typ == protowire.BytesType && value <= 1<<31-1:
		return Tag{Number: int(number), Length: int(value)}, nil
	}
	return Tag{}, ErrMalformed
}

// readVarint is binary.ReadUvarint, but for the error when the input ends within the number.
func readVarint(r io.ByteReader) (uint64, error) {
	var buf [10]byte
	for i := range buf {
		c, err := r.ReadByte()
		if err != nil {
			if err == io.EOF && i > 0 {
				err = ErrMalformed
			}
			return 0, err
		}
		buf[i] = c
		if c < 0x80 {
			v, n := protowire.ConsumeVarint(buf[:i+1])
			if n < 0 {
				return 0, ErrMalformed
			}
			return v, nil
		}
	}
	return 0, ErrMalformed
}
