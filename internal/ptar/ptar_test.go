package ptar_test

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/PlakarKorp/kpkg/internal/ptar"
)

// file is one whose regions have the given lengths.
func file(lengths ...int64) ([]byte, ptar.Layout) {
	data := ptar.AppendStart(nil)
	var l ptar.Layout
	for i, s := range []*ptar.Section{&l.Config, &l.Packfile, &l.State} {
		*s = ptar.Section{Offset: int64(len(data)), Length: lengths[i]}
		data = append(data, make([]byte, lengths[i])...)
	}
	return l.AppendTrailer(data), l
}

func TestLayout(t *testing.T) {
	smallest := ptar.Envelope
	for _, lengths := range [][]int64{{smallest, smallest, smallest}, {100, 1000, 10_000}} {
		data, want := file(lengths...)
		if got, err := ptar.ReadLayout(bytes.NewReader(data), int64(len(data))); err != nil || got != want {
			t.Errorf("read %v, %v; want %v", got, err, want)
		}
		// Not one byte more or less.
		for _, size := range []int{len(data) - 1, len(data) + 1} {
			changed := append(bytes.Clone(data), 0)[:size]
			if _, err := ptar.ReadLayout(bytes.NewReader(changed), int64(size)); !errors.Is(err, ptar.ErrIncomplete) {
				t.Errorf("%d bytes instead of %d: %v", size, len(data), err)
			}
		}
	}
	good, _ := file(100, 100, 100)
	for _, test := range []struct {
		name   string
		want   error
		change func([]byte) []byte
	}{
		{"empty", ptar.ErrNotPtar, func([]byte) []byte { return nil }},
		{"other magic", ptar.ErrNotPtar, func(b []byte) []byte { b[7]++; return b }},
		{"other magic, cut short", ptar.ErrNotPtar, func(b []byte) []byte { b[2]++; return b[:3] }},
		{"magic alone", ptar.ErrIncomplete, func(b []byte) []byte { return b[:8] }},
		{"part of the magic", ptar.ErrIncomplete, func(b []byte) []byte { return b[:3] }},
		{"other version", ptar.ErrVersion, func(b []byte) []byte { b[8]++; return b }},
		{"region too small for its envelope", ptar.ErrIncomplete, func(b []byte) []byte {
			l := ptar.Layout{
				Config: ptar.Section{Offset: ptar.Start, Length: ptar.Envelope - 1}, Packfile: ptar.Section{Offset: ptar.Start + ptar.Envelope - 1, Length: 150},
			}
			l.State = ptar.Section{Offset: l.Packfile.End(), Length: int64(len(b)) - ptar.Trailer - l.Packfile.End()}
			return l.AppendTrailer(b[:len(b)-int(ptar.Trailer)])
		}},
		{"gap", ptar.ErrIncomplete, func(b []byte) []byte {
			_, l := file(100, 100, 100)
			l.State.Offset++
			l.State.Length--
			return l.AppendTrailer(b[:len(b)-int(ptar.Trailer)])
		}},
		{"lengths that overflow", ptar.ErrIncomplete, func(b []byte) []byte {
			_, l := file(100, 100, 100)
			l.Packfile.Length = math.MaxInt64
			return l.AppendTrailer(b[:len(b)-int(ptar.Trailer)])
		}},
		{"negative length", ptar.ErrIncomplete, func(b []byte) []byte {
			_, l := file(100, 100, 100)
			l.Packfile.Length = math.MinInt64
			return l.AppendTrailer(b[:len(b)-int(ptar.Trailer)])
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := test.change(bytes.Clone(good))
			if _, err := ptar.ReadLayout(bytes.NewReader(data), int64(len(data))); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	header := append([]byte("_KLOSET_"), 3, 0, 0, 0, 0, 1, 0, 0)
	if typ, version, err := ptar.ParseHeader(header); err != nil || typ != 3 || version.String() == "" {
		t.Errorf("%v, %v, %v", typ, version, err)
	}
	header[0]++
	if _, _, err := ptar.ParseHeader(header); err == nil {
		t.Error("another magic is none")
	}
}
