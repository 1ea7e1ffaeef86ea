package ptarread_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"

	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

// FuzzOpen reads any bytes as a package. The MACs stop most of what fuzzing comes up with; FuzzForged goes behind them.
func FuzzOpen(f *testing.F) {
	raced.Skip(f, "other tests run the same code, this one again and again")
	for _, data := range packages(f) {
		f.Add(data)
	}
	f.Add(ptartest.Kpkg(f, small()))
	f.Add(ptartest.NewForgery(f, "GZIP", small()).Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		archiveErr := readArchive(context.Background(), data)
		pkg, err := ptarread.New(context.Background(), bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		if _, problems, err := pkg.Check(context.Background()); err != nil || len(problems) > 0 {
			return
		}
		// What passes can be read to the end.
		for _, e := range pkg.Entries() {
			if !e.Mode.IsRegular() {
				continue
			}
			content, err := pkg.OpenEntry(e.Path)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, content); err != nil || n != e.Size {
				t.Errorf("%s: %d bytes of %d, %v", e.Path, n, e.Size, err)
			}
		}
		// And as an archive, which is allowed more.
		if archiveErr != nil {
			t.Errorf("a good package is no archive: %v", archiveErr)
		}
	})
}

// FuzzForged puts any bytes in the place of one part of a package, with the MACs that belong to them.
func FuzzForged(f *testing.F) {
	raced.Skip(f, "other tests run the same code, this one again and again")
	parts := []func(*forgery, []byte){
		func(f *forgery, data []byte) { f.Snapshot = func([]byte) []byte { return data } },
		func(f *forgery, data []byte) { f.State = func([]byte) []byte { return data } },
		func(f *forgery, data []byte) { f.Put(resources.RT_CHUNK, data) },
		func(f *forgery, data []byte) { entry(f, "/manifest.yaml").Object = f.Put(resources.RT_OBJECT, data) },
		func(f *forgery, data []byte) {
			f.Tree = func(n *treeNode) { n.Values[1] = f.Put(resources.RT_VFS_ENTRY, data) }
		},
		func(f *forgery, data []byte) {
			f.Header = func(h *header.Header) {
				h.Sources[0].VFS.Root = f.PutRoot(resources.RT_VFS_BTREE, f.Put(resources.RT_VFS_NODE, data))
			}
		},
		func(f *forgery, data []byte) {
			f.Header = func(h *header.Header) { h.Sources[0].VFS.Errors = f.Put(resources.RT_ERROR_BTREE, data) }
		},
		func(f *forgery, data []byte) {
			f.Header = func(h *header.Header) {
				h.Sources[0].Indexes[0].Value = f.PutTree(resources.RT_BTREE_ROOT, resources.RT_BTREE_NODE, &treeNode{
					Keys: []string{"/"}, Values: []objects.MAC{f.PutObject(data)},
				})
			}
		},
		func(f *forgery, data []byte) { f.PutAs(resources.RT_CHUNK, f.MAC(data), data) },
	}
	for part := range parts {
		f.Add(uint8(part), []byte{0x80})
		f.Add(uint8(part), []byte{0x81, 0xa4, 'k', 'e', 'y', 's', 0x91, 0xa1, '/'})
	}
	f.Fuzz(func(t *testing.T, part uint8, data []byte) {
		forged := ptartest.NewForgery(t, "LZ4", small())
		parts[int(part)%len(parts)](forged, data)
		all := forged.Bytes()
		if found := problems(t, all); len(found) > 0 {
			readArchive(context.Background(), all)
		} else if err := readArchive(context.Background(), all); err != nil {
			t.Errorf("a good package is no archive: %v", err)
		} else if err := checkArchive(all); err != nil {
			t.Errorf("a good package is a bad archive: %v", err)
		}
	})
}

// FuzzArchive reads and checks any bytes as an archive, encrypted or not.
func FuzzArchive(f *testing.F) {
	raced.Skip(f, "other tests run the same code, this one again and again")
	for _, archive := range []ptartest.Archive{
		{Snapshots: several()}, {Snapshots: several()[:1], Passphrase: passphrase}, {Snapshots: several()[1:], Configure: uncompressed},
	} {
		f.Add(archive.Bytes(f))
	}
	f.Add(ptartest.NewForgery(f, "GZIP", small()).Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		if checkArchive(data) == nil {
			if err := readArchive(context.Background(), data); err != nil {
				t.Errorf("a good archive cannot be read: %v", err)
			}
		}
	})
}

func checkArchive(data []byte) error {
	a, err := ptarread.NewArchive(context.Background(), bytes.NewReader(data), int64(len(data)), asked(passphrase))
	if err != nil {
		return err
	}
	defer a.Close()
	_, problems, err := a.Check(context.Background())
	if err == nil && len(problems) > 0 {
		err = &problems[0]
	}
	return err
}
