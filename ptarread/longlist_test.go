package ptarread_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

// paddedChunk makes a list long that has few chunks.
type paddedChunk struct {
	objects.Chunk
	Padding []byte `msgpack:"padding,omitempty"`
}

var padding = make([]byte, 600)

// putLong puts a content of the given parts, one after another, each as often as it says.
func putLong(f *forgery, mac objects.MAC, parts ...longPart) (objects.MAC, int64) {
	var object struct {
		ContentMAC  objects.MAC   `msgpack:"contentMAC"`
		Chunks      []paddedChunk `msgpack:"chunks"`
		ContentType string        `msgpack:"content_type"`
	}
	object.ContentMAC, object.ContentType = mac, "application/x-long"
	var size int64
	for _, p := range parts {
		chunk := paddedChunk{Chunk: *objects.NewChunk()}
		chunk.ContentMAC, chunk.Length = f.Put(resources.RT_CHUNK, p.content), uint32(len(p.content))
		if p.times < 20_000 {
			chunk.Padding = padding
		}
		object.Chunks = append(object.Chunks, slices.Repeat([]paddedChunk{chunk}, p.times)...)
		size += int64(p.times) * int64(len(p.content))
	}
	return f.PutValue(resources.RT_OBJECT, object), size
}

type longPart struct {
	content []byte
	times   int
}

// TestLongFiles reads files of a terabyte, whose lists of chunks are longer than any other blob may be.
func TestLongFiles(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	zeros, marks := make([]byte, ptarread.MaxBlob), bytes.Repeat([]byte("mark"), 1000)
	for _, algorithm := range []string{"", "LZ4"} { // stored as long as it is, and short
		t.Run("compressed by "+algorithm, func(t *testing.T) {
			f := ptartest.NewForgery(t, algorithm, small())
			e := f.Add(ptartest.File{Path: "long", Mode: 0o644})
			want := objects.MAC{1, 2, 3}
			e.Object, e.FileInfo.Lsize = putLong(f, want, longPart{marks, 1}, longPart{zeros, 70_000}, longPart{marks, 1}, longPart{zeros, 70_000}, longPart{marks, 2})
			size, data := e.FileInfo.Lsize, f.Bytes()
			if size < 1<<40 {
				t.Fatalf("it is %d bytes long", size)
			}
			a, err := ptarread.NewArchive(t.Context(), bytes.NewReader(data), int64(len(data)), ptarread.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if checked, problems, err := a.Check(t.Context()); err != nil || len(problems) > 0 || checked.Unpacked < 8<<20 {
				t.Errorf("checked: %+v, %v, %v", checked, problems, err)
			}
			s := openArchive(t, data)
			if mac, length, err := s.ContentMAC(t.Context(), e.Object); err != nil || mac != want || length != size {
				t.Errorf("%x, %d bytes of %d, %v", mac[:3], length, size, err)
			}
			// From the beginning on, over the first chunk.
			in, err := s.Content(t.Context(), e.Object)
			if err != nil {
				t.Fatal(err)
			}
			beginning := make([]byte, len(marks)+3*len(zeros))
			if _, err := io.ReadFull(in, beginning); err != nil || !bytes.Equal(beginning, append(slices.Clone(marks), make([]byte, 3*len(zeros))...)) {
				t.Errorf("the beginning: %v", err)
			}
			// Anywhere, forwards and backwards.
			at, err := s.OpenContent(t.Context(), e.Object)
			if err != nil || at.Size() != size {
				t.Fatal(at.Size(), err)
			}
			middle := int64(len(marks)) + 70_000*int64(len(zeros))
			for _, place := range []struct {
				at   int64
				want string
			}{{middle - 3, "\x00\x00\x00mark"}, {0, "markm"}, {middle + int64(len(marks)) - 2, "rk\x00"}, {size - 5, "kmark"}, {size - int64(len(marks)) - 2, "rkma"}} {
				got := make([]byte, len(place.want))
				if _, err := at.ReadAt(got, place.at); err != nil || string(got) != place.want {
					t.Errorf("at %d: %q, %v, not %q", place.at, got, err, place.want)
				}
			}
			if n, err := at.ReadAt(make([]byte, 10), size-4); n != 4 || err != io.EOF {
				t.Errorf("at its end: %d, %v", n, err)
			}

			// A package has none.
			if _, err := ptarread.New(t.Context(), bytes.NewReader(data), int64(len(data))); err == nil {
				t.Error("a package has it, too")
			}
		})
	}
}

// TestLongReadToItsEnd reads a content of many chunks of a byte.
func TestLongReadToItsEnd(t *testing.T) {
	f := ptartest.NewForgery(t, "LZ4", small())
	e := f.Add(ptartest.File{Path: "long", Mode: 0o644})
	e.Object, e.FileInfo.Lsize = putLong(f, objects.MAC{1}, longPart{[]byte("a"), 7_000}, longPart{[]byte("b"), 7_000})
	in, err := openArchive(t, f.Bytes()).Content(t.Context(), e.Object)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(in); err != nil || string(got) != strings.Repeat("a", 7_000)+strings.Repeat("b", 7_000) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestForgedLongLists holds that damaged and forged lists are refused by all who read them, and where they are told.
func TestForgedLongLists(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	const many = 14_000
	chunk := func(f *forgery) []byte {
		c := paddedChunk{*objects.NewChunk(), padding}
		c.ContentMAC, c.Length = f.Put(resources.RT_CHUNK, []byte("z")), 1
		data, err := msgpack.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	array := []byte{0xdd, 0, 0, 0x36, 0xb0} // of 14,000
	chunks := func(f *forgery) []byte {
		return slices.Concat([]byte("\xa6chunks"), array, bytes.Repeat(chunk(f), many))
	}
	for _, test := range []struct {
		name, want string
		object     func(f *forgery) []byte
	}{
		{"as it should be", "", func(f *forgery) []byte { return slices.Concat([]byte{0x81}, chunks(f)) }},
		{"two lists", "has two lists", func(f *forgery) []byte { return slices.Concat([]byte{0x82}, chunks(f), chunks(f)) }},
		{"cut short", "EOF", func(f *forgery) []byte { c := chunks(f); return slices.Concat([]byte{0x81}, c[:len(c)-10]) }},
		{"more behind it", "bytes after its value", func(f *forgery) []byte { return slices.Concat([]byte{0x81}, chunks(f), []byte{1}) }},
		{"no map", "is no map of an object", func(f *forgery) []byte { return slices.Concat(array, bytes.Repeat(chunk(f), many)) }},
		{"a long value", "too long", func(f *forgery) []byte {
			return slices.Concat([]byte{0x82}, chunks(f), []byte("\xac"+"content_type\xdb\x00\x80\x00\x00"), make([]byte, 8<<20))
		}},
		{"4 billion chunks", "EOF", func(f *forgery) []byte {
			return slices.Concat([]byte{0x81}, []byte("\xa6chunks\xdd\xff\xff\xff\xff"), bytes.Repeat(chunk(f), many))
		}},
		{"a deep one", "more elements", func(f *forgery) []byte {
			return slices.Concat([]byte{0x82}, []byte("\xa1x"), bytes.Repeat([]byte{0x91}, 100), []byte{1}, chunks(f))
		}},
		{"a chunk that is missing", "is referred to but missing", func(f *forgery) []byte {
			c := chunk(f)
			c[bytes.Index(c, []byte{0xc4, 32})+2]++
			return slices.Concat([]byte{0x81}, chunks(f)[:len(chunks(f))-len(c)], c)
		}},
		{"an empty chunk", "empty chunk among others", func(f *forgery) []byte {
			c := objects.NewChunk()
			c.ContentMAC = f.Put(resources.RT_CHUNK, nil)
			data, err := msgpack.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			return slices.Concat([]byte{0x81}, chunks(f)[:len(chunks(f))-len(chunk(f))], data)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := ptartest.NewForgery(t, "LZ4", small())
			e := f.Add(ptartest.File{Path: "long", Mode: 0o644})
			e.Object, e.FileInfo.Lsize = f.Put(resources.RT_OBJECT, test.object(f)), many
			data := f.Bytes()
			a, err := ptarread.NewArchive(t.Context(), bytes.NewReader(data), int64(len(data)), ptarread.Options{})
			if err != nil {
				t.Fatal(err)
			}
			read := readContents(t.Context(), a)
			_, problems, err := a.Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if test.name == "as it should be" {
				if read != nil || len(problems) > 0 {
					t.Errorf("%v, %v", read, problems)
				}
				return
			}
			var problem *ptarread.Problem
			if !errors.As(read, &problem) || !strings.Contains(read.Error(), test.want) {
				t.Errorf("reading it: %v", read)
			}
			if len(problems) != 1 || !strings.Contains(problems[0].Message, test.want) || fmt.Sprint(problems[0].Files) != "[01020300:/long]" {
				t.Errorf("checking it: %v", problems)
			}
		})
	}
}

// TestDamagedLongList flips bits of a list that is stored as long as it is.
func TestDamagedLongList(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	f := ptartest.NewForgery(t, "", small())
	e := f.Add(ptartest.File{Path: "long", Mode: 0o644})
	e.Object, e.FileInfo.Lsize = putLong(f, objects.MAC{1}, longPart{[]byte("a"), 14_000})
	data := f.Bytes()
	begin := bytes.Index(data, []byte("\xa6chunks\xdc"))
	for _, at := range []int{begin - 30, begin + 7, begin + 30, begin + 4<<20 + 17, begin + 8<<20} {
		damaged := bytes.Clone(data)
		damaged[at] ^= 4
		a, err := ptarread.NewArchive(t.Context(), bytes.NewReader(damaged), int64(len(damaged)), ptarread.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, problems, err := a.Check(t.Context())
		if err != nil || len(problems) != 2 || problems[0].Region != "packfile" {
			t.Fatalf("byte %d: %v, %v", at, problems, err)
		}
		if fmt.Sprint(problems[1].Files) != "[01020300:/long]" || problems[1].Kind != ptarread.Damaged {
			t.Errorf("byte %d: %+v", at, problems[1])
		}
		if err := readContents(t.Context(), a); err == nil {
			t.Errorf("byte %d: it reads well", at)
		}
	}
}
