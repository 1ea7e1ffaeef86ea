package ptarread

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

var errElements = errors.New("holds more elements than allowed")

var errShort = errors.New("does not decode: a value is cut short")

// checkShape walks one msgpack value without decoding it and refuses what would make a decoder take memory or stack out
// of proportion: lengths beyond the data, more than maxElements array elements in all, and deep nesting. The decoder
// that kloset uses allocates a slice of structures from its declared length alone.
func checkShape(data []byte, maxElements int) error {
	s := shape{data: data, elements: maxElements}
	if err := s.value(0); err != nil {
		return err
	}
	if len(s.data) > 0 {
		return fmt.Errorf("does not decode: %d bytes follow its value", len(s.data))
	}
	return nil
}

type shape struct {
	data     []byte
	elements int
}

// value consumes one value and all that it holds.
func (s *shape) value(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("does not decode: nested more than %d deep", maxDepth)
	}
	if len(s.data) == 0 {
		return errShort
	}
	c := s.data[0]
	s.data = s.data[1:]
	switch {
	case msgpcode.IsFixedNum(c), c == msgpcode.Nil, c == msgpcode.False, c == msgpcode.True:
		return nil
	case msgpcode.IsFixedMap(c):
		return s.values(2*int(c&msgpcode.FixedMapMask), depth)
	case msgpcode.IsFixedArray(c):
		return s.array(int(c&msgpcode.FixedArrayMask), depth)
	case msgpcode.IsFixedString(c):
		return s.skip(int(c & msgpcode.FixedStrMask))
	}
	switch c {
	case msgpcode.Uint8, msgpcode.Int8:
		return s.skip(1)
	case msgpcode.Uint16, msgpcode.Int16, msgpcode.FixExt1:
		return s.skip(2)
	case msgpcode.FixExt2:
		return s.skip(3)
	case msgpcode.Uint32, msgpcode.Int32, msgpcode.Float:
		return s.skip(4)
	case msgpcode.FixExt4:
		return s.skip(5)
	case msgpcode.Uint64, msgpcode.Int64, msgpcode.Double:
		return s.skip(8)
	case msgpcode.FixExt8:
		return s.skip(9)
	case msgpcode.FixExt16:
		return s.skip(17)
	case msgpcode.Str8, msgpcode.Bin8:
		return s.sized(1, 0)
	case msgpcode.Str16, msgpcode.Bin16:
		return s.sized(2, 0)
	case msgpcode.Str32, msgpcode.Bin32:
		return s.sized(4, 0)
	case msgpcode.Ext8:
		return s.sized(1, 1)
	case msgpcode.Ext16:
		return s.sized(2, 1)
	case msgpcode.Ext32:
		return s.sized(4, 1)
	case msgpcode.Array16, msgpcode.Array32:
		n, err := s.length(2 << (c - msgpcode.Array16))
		if err != nil {
			return err
		}
		return s.array(n, depth)
	case msgpcode.Map16, msgpcode.Map32:
		n, err := s.length(2 << (c - msgpcode.Map16))
		if err != nil {
			return err
		}
		return s.values(2*n, depth)
	}
	return fmt.Errorf("does not decode: unknown code %#x", c)
}

func (s *shape) array(n, depth int) error {
	if n > s.elements {
		return errElements
	}
	s.elements -= n
	return s.values(n, depth)
}

func (s *shape) values(n, depth int) error {
	if n > len(s.data) {
		return errShort
	}
	for range n {
		if err := s.value(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

// sized consumes a length of the given width, that many bytes and extra ones.
func (s *shape) sized(width, extra int) error {
	n, err := s.length(width)
	if err != nil {
		return err
	}
	return s.skip(n + extra)
}

func (s *shape) length(width int) (int, error) {
	if len(s.data) < width {
		return 0, errShort
	}
	var wide [8]byte
	copy(wide[8-width:], s.data)
	s.data = s.data[width:]
	n := binary.BigEndian.Uint64(wide[:])
	// Every element takes a byte at least.
	if n > uint64(len(s.data)) {
		return 0, errShort
	}
	return int(n), nil
}

func (s *shape) skip(n int) error {
	if n > len(s.data) {
		return errShort
	}
	s.data = s.data[n:]
	return nil
}
