package ptarread

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

// FuzzLongList reads any bytes as a list that comes, and holds that what it takes is what kloset decodes in one piece.
func FuzzLongList(f *testing.F) {
	object := objects.NewObject()
	object.ContentMAC, object.ContentType = objects.MAC{9}, "text/plain"
	for i := range 3 {
		chunk := objects.NewChunk()
		chunk.ContentMAC, chunk.Length = objects.MAC{byte(i)}, uint32(i+1)
		object.Chunks = append(object.Chunks, *chunk)
		data, err := msgpack.Marshal(object)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte{0x80})
	f.Add([]byte("\x81\xa6chunks\xc0"))
	f.Add([]byte("\x82\xa6chunks\x91\x80\xa6chunks\x91\x80"))
	f.Add([]byte("\x81\xa6chunks\xdd\xff\xff\xff\xff"))
	f.Add([]byte("\x81\xc4\x06chunks\x91\x81\xa6length\x01"))
	f.Add([]byte("\xd40\x80")) // an extension whose content is a map
	f.Fuzz(func(t *testing.T, data []byte) {
		forged := ptartest.NewForgery(t, "", nil)
		mac := forged.Put(resources.RT_OBJECT, data)
		file := forged.Bytes()
		a, err := NewArchive(t.Context(), bytes.NewReader(file), int64(len(file)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, b, err := a.find(blobID{resources.RT_OBJECT, mac})
		if err != nil {
			t.Fatal(err)
		}
		l, err := a.readLong(t.Context(), b)
		if err != nil {
			var problem *Problem
			if !errors.As(err, &problem) {
				t.Fatalf("it is no problem of the file: %v", err)
			}
			return
		}
		whole, err := a.decodeList(mac, data)
		if err != nil {
			t.Fatalf("only in one piece it is wrong: %v", err)
		}
		in, err := a.open(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		var parts []part
		for {
			p, err := in.next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, p)
		}
		if !slices.Equal(parts, whole.parts) || l.mac != whole.mac || l.size != whole.size || l.bytes != int64(len(data)) {
			t.Errorf("%+v with %v, in one piece %+v", l, parts, whole)
		}
	})
}
