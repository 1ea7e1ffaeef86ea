package ptarread

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/PlakarKorp/kloset/resources"
)

// TestSpilled looks up blobs whose MACs begin alike, many of them, beside others, and some that are not there.
func TestSpilled(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	spill, err := newSpiller()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	var all []blob
	for i := range 5000 {
		b := blob{typ: resources.RT_CHUNK + resources.Type(i%2), offset: int64(i) * 100, length: 100}
		if i%3 > 0 {
			b.mac = [32]byte{0, 0, 0, 0, 0, 0, 0, byte(i % 3)}
		} else {
			binary.BigEndian.PutUint64(b.mac[:], random.Uint64())
		}
		binary.BigEndian.PutUint32(b.mac[28:], uint32(i/2))
		all = append(all, b)
		if err := spill.add(b); err != nil {
			t.Fatal(err)
		}
		if i%999 == 0 {
			if err := errors.Join(spill.ids.flush(), spill.places.flush()); err != nil {
				t.Fatal(err)
			}
		}
	}
	index, err := spill.finish(t.Context(), func(blob) error { return nil }, func(blob) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, b := range all {
		n, got, found, err := index.find(b.id())
		if err != nil || !found || got != b || seen[n] || n < 0 || n >= len(all) {
			t.Fatalf("%v is found as %v, number %d: %v, %v", b, got, n, found, err)
		}
		seen[n] = true
		missing := b.id()
		missing.mac[20] = 9
		if _, _, found, err := index.find(missing); found || err != nil {
			t.Fatalf("%v is found: %v", missing, err)
		}
	}
	at := 0
	err = index.each(func(b blob) error {
		if b != all[at] {
			t.Errorf("%v comes as number %d", b, at)
		}
		at++
		return nil
	})
	if err := errors.Join(err, index.close()); err != nil || at != len(all) {
		t.Errorf("%d blobs of %d: %v", at, len(all), err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
