package ptarread

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

// TestReadAhead holds that one content is decoded on several processors, and what comes of it in whatever pieces it is read.
func TestReadAhead(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	f := ptartest.NewForgery(t, "LZ4", nil)
	var chunks [][]byte
	for i := range 20 { // some of them twice, some three times
		chunks = append(chunks, bytes.Repeat(fmt.Append(nil, i*2/3), 1000+i*2/3))
	}
	e := ptartest.NewEntry("/x", 0o644)
	e.Object = f.PutObject(chunks...)
	f.Entries = []*vfs.Entry{e}
	data := f.Bytes()
	a, err := NewArchive(t.Context(), bytes.NewReader(data), int64(len(data)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := a.readList(t.Context(), e.Object)
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Join(chunks, nil)
	for _, piece := range []int{1, 999, 5000, len(want)} {
		in, err := a.reader(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.Read(make([]byte, 0)); err != nil {
			t.Fatal(err)
		}
		var got []byte
		for buffer := make([]byte, piece); ; {
			n, err := in.Read(buffer)
			got = append(got, buffer[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(in.ahead) > maxAhead {
				t.Fatalf("%d parts are read ahead", len(in.ahead))
			}
		}
		if !bytes.Equal(got, want) {
			t.Errorf("in pieces of %d it is another", piece)
		}
		if again, err := in.Read(make([]byte, 1)); again != 0 || err != io.EOF {
			t.Errorf("behind its end: %d, %v", again, err)
		}
	}

	in, err := a.reader(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	decoding := 0
	for _, u := range in.ahead {
		if u.decoded != nil {
			decoding++
		}
	}
	if decoding < 2 {
		t.Errorf("%d of %d parts are being decoded ahead", decoding, len(in.ahead))
	}
}
