package ptarread_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kloset/packfile"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"

	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

// noTemporary fails the test unless the temporary folder is empty when it ends.
func noTemporary(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Cleanup(func() {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
}

// TestIndexOnDisk reads an archive whose index does not stay in memory as it reads any other.
func TestIndexOnDisk(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	var files []ptartest.File
	for i := range 3000 {
		files = append(files, ptartest.File{Path: fmt.Sprintf("%d/%d", i%70, i), Mode: 0o644, Content: []byte(fmt.Sprint("of ", i))})
	}
	data := ptartest.Upstream(t, files, nil)
	want := walked(t, openArchive(t, data), "/")

	noTemporary(t)
	ptarread.KeepInMemory(t, 100)
	a, err := ptarread.NewArchive(t.Context(), bytes.NewReader(data), int64(len(data)), ptarread.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := a.Snapshot(t.Context(), "latest")
	if err != nil {
		t.Fatal(err)
	}
	if got := walked(t, s, "/"); !slices.Equal(got, want) {
		t.Errorf("%d entries, not the %d", len(got), len(want))
	}
	if err := readSnapshot(t.Context(), s); err != nil {
		t.Error(err)
	}
	if checked, problems, err := a.Check(t.Context()); err != nil || len(problems) > 0 || checked.Blobs < 9000 {
		t.Errorf("checked %+v: %v, %v", checked, problems, err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// TestForgedIndexOnDisk holds that an index on disk is believed no more than one in memory, and is removed when it is refused.
func TestForgedIndexOnDisk(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	small := func(t *testing.T) *forgery {
		f := ptartest.NewForgery(t, "LZ4", small())
		for i := range 300 {
			f.Put(resources.RT_CHUNK, binary.BigEndian.AppendUint64(nil, uint64(i)))
		}
		return f
	}
	for _, test := range []struct {
		name, want string
		forge      func(*forgery)
	}{
		{"nothing", "", func(*forgery) {}},
		{"twice", "twice", func(f *forgery) {
			f.Index = func(blobs []packfile.Blob) []packfile.Blob {
				blobs[7].MAC, blobs[7].Type = blobs[250].MAC, blobs[250].Type
				return blobs
			}
		}},
		{"overlap", "overlap the blob before it", func(f *forgery) {
			f.Index = func(blobs []packfile.Blob) []packfile.Blob { blobs[7].Offset--; return blobs }
		}},
		{"other place in the state", "other blobs than the index, or elsewhere", func(f *forgery) {
			f.State = func(state []byte) []byte { state[5+1+4+32+32]++; return state } // the first blob's offset
		}},
		{"other blob in the state", "other blobs than the index, or elsewhere", func(f *forgery) {
			f.State = func(state []byte) []byte { state[5+1+4]++; return state }
		}},
		{"MACs that begin alike", "", func(f *forgery) {
			for i := range 600 {
				mac := [32]byte{1, 2, 3, 4, 5, 6, 7, 8}
				binary.BigEndian.PutUint64(mac[20:], uint64(i))
				f.PutAs(resources.RT_SIGNATURE, mac, f.Encode(nil))
			}
		}},
		{"missing", "missing", func(f *forgery) {
			f.Header = func(h *header.Header) { h.Sources[0].VFS.Root[3]++ }
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := small(t)
			test.forge(f)
			data := f.Bytes()
			noTemporary(t)
			ptarread.KeepInMemory(t, 100)
			err := readArchive(t.Context(), data)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}
