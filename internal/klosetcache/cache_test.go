package klosetcache

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kloset/caching"
)

// large is more than stays in memory, by several pages of a scan.
const large = 3*pageSize + 7

// fill makes a cache with large pairs of each of two kinds, which come in no order.
func fill(t *testing.T, dir string) (*cache, map[string]string) {
	t.Helper()
	c := &cache{dir: dir, name: "scan", failed: func(err error) { t.Error(err) }, pending: map[string][]byte{}}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	pairs := map[string]string{"a:none": ""}
	padding := strings.Repeat("x", 1500)
	for i := range large {
		pairs[fmt.Sprintf("a:%d", i)] = fmt.Sprint(i, padding)
		pairs[fmt.Sprintf("b:%d", i)] = fmt.Sprint(-i, padding)
	}
	for key, value := range pairs {
		if err := c.Put([]byte(key), []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	if c.db == nil || len(c.pending) == 0 {
		t.Fatal("the test needs pairs in the table and pairs in memory")
	}
	return c, pairs
}

func TestCache(t *testing.T) {
	dir := t.TempDir()
	c, pairs := fill(t, dir)
	for key, want := range pairs {
		if value, err := c.Get([]byte(key)); err != nil || string(value) != want {
			t.Fatalf("%s: %.10q, %v, want %.10q", key, value, err, want)
		}
	}
	for key, want := range map[string]bool{"a:0": true, "a:none": true, "a:": false, "c": false} {
		if found, err := c.Has([]byte(key)); err != nil || found != want {
			t.Errorf("%s is there: %v, %v, want %v", key, found, err, want)
		}
	}
	if value, err := c.Get([]byte("c")); value != nil || err != nil {
		t.Errorf("a key that is not there: %q, %v", value, err)
	}

	batch := c.NewBatch()
	for range 2 {
		if err := batch.Put([]byte("a:0"), []byte("new")); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Commit(); err != nil || batch.Count() != 2 {
		t.Errorf("a batch of %d: %v", batch.Count(), err)
	}
	if value, err := c.Get([]byte("a:0")); err != nil || string(value) != "new" {
		t.Errorf("what was put again: %.10q, %v", value, err)
	}

	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Fatal(err)
	}
	// Whoever comes late is refused, and makes nothing that nobody removes.
	var told error
	c.failed = func(err error) { told = err }
	err := c.Put([]byte("late"), make([]byte, pendingBytes))
	if !errors.Is(err, caching.ErrClosed) || !errors.Is(told, caching.ErrClosed) {
		t.Errorf("a late put: %v, told of %v", err, told)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestScan(t *testing.T) {
	c, pairs := fill(t, t.TempDir())
	all := slices.Sorted(maps.Keys(pairs))
	only := func(prefix string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(key string) bool { return !strings.HasPrefix(key, prefix) })
	}
	for _, prefix := range []string{"", "a:", "b:", "b:3", "c:"} {
		for _, reverse := range []bool{false, true} {
			want := only(prefix)
			if reverse {
				slices.Reverse(want)
			}
			var got []string
			for key, value := range c.Scan([]byte(prefix), reverse) {
				got = append(got, string(key))
				if string(value) != pairs[string(key)] {
					t.Fatalf("%s: %.10q", key, value)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q, reverse %v: %d keys, want %d", prefix, reverse, len(got), len(want))
			}
		}
	}

	// Whatever is seen is deleted, and something else put.
	n := 0
	for key := range c.Scan([]byte("a:"), false) {
		n++
		if err := c.Delete(bytes.Clone(key)); err != nil {
			t.Fatal(err)
		}
		if err := c.Put(append([]byte("c:"), key...), nil); err != nil {
			t.Fatal(err)
		}
	}
	for key := range c.Scan([]byte("a:"), false) {
		t.Errorf("%s is still there", key)
	}
	if want := len(only("a:")); n != want {
		t.Errorf("%d keys were seen, want %d", n, want)
	}
	n = 0
	for range c.Scan([]byte("c:"), false) {
		if n++; n == 2 {
			break
		}
	}
	if found, err := c.Has([]byte("c:a:0")); err != nil || !found || n != 2 {
		t.Errorf("after a scan that ended early: %d, %v, %v", n, found, err)
	}
}

// An error that kloset drops is told all the same.
func TestFailure(t *testing.T) {
	var told error
	m := NewManager(filepath.Join(t.TempDir(), "missing"), func(err error) { told = err })
	scan, err := m.Scan([32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	if err := scan.PutFile(0, "/small", nil); err != nil {
		t.Fatal(err)
	}
	for range scan.GetDeltas() {
		t.Error("a delta from nowhere")
	}
	if told == nil || !strings.HasPrefix(told.Error(), "keep kloset's scan cache in a temporary folder: ") {
		t.Errorf("told of %v", told)
	}
}
