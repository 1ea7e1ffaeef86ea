package ptarread_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"golang.org/x/sync/errgroup"

	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

// sample is what packages hold: texts, an executable of several chunks, a folder, an empty file.
func sample() []ptartest.File {
	return []ptartest.File{
		{Path: "manifest.yaml", Mode: 0o644, Content: []byte("name: sample\nconnectors: []\n")},
		{Path: "importer", Mode: 0o755, Content: noise(3 << 20)},
		{Path: "schema/importer.json", Mode: 0o644, Content: []byte(`{"type": "object"}`)},
		{Path: "schema/empty", Mode: 0o644},
	}
}

// noise is n incompressible bytes.
func noise(n int) []byte {
	data := make([]byte, n)
	x := uint32(2463534242)
	for i := range data {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		data[i] = byte(x)
	}
	return data
}

// packages are the sample in every form in which released clients read it.
func packages(t testing.TB) map[string][]byte {
	compression := func(algorithm string) func(*storage.Configuration) {
		return func(c *storage.Configuration) { c.Compression.Algorithm = algorithm }
	}
	return map[string][]byte{
		"kpkg":          ptartest.Kpkg(t, sample()),
		"upstream":      ptartest.Upstream(t, sample(), nil),
		"upstream gzip": ptartest.Upstream(t, sample(), compression("GZIP")),
		"upstream none": ptartest.Upstream(t, sample(), func(c *storage.Configuration) { c.Compression = nil }),
		"upstream sha256": ptartest.Upstream(t, sample(), func(c *storage.Configuration) {
			c.Hashing.Algorithm = "SHA256"
		}),
	}
}

func open(t testing.TB, data []byte) *ptarread.Package {
	t.Helper()
	pkg, err := ptarread.New(context.Background(), bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}

func TestReadsWhatWritersWrite(t *testing.T) {
	for name, data := range packages(t) {
		t.Run(name, func(t *testing.T) {
			pkg := open(t, data)
			checked, problems, err := pkg.Check(context.Background())
			if err != nil || len(problems) > 0 {
				t.Fatalf("check: %v, %v", problems, err)
			}
			if checked.Blobs != pkg.Blobs() {
				t.Errorf("checked %+v of %d blobs", checked, pkg.Blobs())
			}
			for _, want := range sample() {
				e, ok := pkg.Entry(want.Path)
				if !ok || e.Mode != want.Mode || e.Size != int64(len(want.Content)) {
					t.Errorf("%s: %+v, %v", want.Path, e, ok)
					continue
				}
				content, err := pkg.OpenEntry(want.Path)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(content); err != nil || !bytes.Equal(got, want.Content) {
					t.Errorf("%s: read %d bytes, %v", want.Path, len(got), err)
				}
			}
			if got, want := len(pkg.Entries()), len(sample())+2; got != want {
				t.Errorf("%d entries, not %d", got, want)
			}
		})
	}
}

// TestLargeTrees reads trees of several levels, which no package of a few files has.
func TestLargeTrees(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	var files []ptartest.File
	for i := range 3000 {
		files = append(files, ptartest.File{Path: fmt.Sprintf("%d/%d", i%70, i), Mode: 0o644, Content: []byte("same")})
	}
	for name, data := range map[string][]byte{
		"kpkg": ptartest.Kpkg(t, files), "upstream": ptartest.Upstream(t, files, nil),
	} {
		t.Run(name, func(t *testing.T) {
			pkg := open(t, data)
			if _, problems, err := pkg.Check(context.Background()); err != nil || len(problems) > 0 {
				t.Errorf("check: %v, %v", problems, err)
			}
			if got, want := len(pkg.Entries()), 1+70+len(files); got != want {
				t.Errorf("%d entries, not %d", got, want)
			}
		})
	}
}

// TestRootBelow reads a snapshot of a folder somewhere on the builder's disk, whose path plakar strips.
func TestRootBelow(t *testing.T) {
	f := ptartest.NewForgery(t, "LZ4", small())
	f.Header = func(h *header.Header) { h.Sources[0].Importer.Directory = "/bin" }
	pkg := open(t, f.Bytes())
	if _, ok := pkg.Entry("importer"); !ok || len(pkg.Entries()) != 2 {
		t.Errorf("entries: %+v", pkg.Entries())
	}
	if got := pkg.Outside(); got != 1 {
		t.Errorf("%d entries outside, not 1", got)
	}
}

func TestReadAt(t *testing.T) {
	want := sample()[1].Content
	pkg := open(t, ptartest.Kpkg(t, sample()))
	content, err := pkg.OpenEntry("importer")
	if err != nil {
		t.Fatal(err)
	}
	var group errgroup.Group
	for i := range 200 {
		offset, length := int64(i*15_331), i*977
		group.Go(func() error {
			got := make([]byte, length)
			n, err := content.ReadAt(got, offset)
			rest := want[offset:]
			if n != min(length, len(rest)) || n < length && err != io.EOF || !bytes.Equal(got[:n], rest[:n]) {
				return fmt.Errorf("%d bytes at %d: %d, %v", length, offset, n, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if n, err := content.ReadAt(make([]byte, 1), int64(len(want))); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
}

func TestOrigin(t *testing.T) {
	if origin := open(t, ptartest.Kpkg(t, sample())).Origin(); len(origin) > 0 {
		t.Errorf("kpkg records %v", origin)
	}
	origin := open(t, ptartest.Upstream(t, sample(), nil)).Origin()
	for _, want := range []ptarread.Recorded{{Name: "Hostname", Value: "builder.example"}, {Name: "MachineID", Value: "0123-4567"}} {
		if !slices.Contains(origin, want) {
			t.Errorf("%v is not in %v", want, origin)
		}
	}
}

func TestOpenFailures(t *testing.T) {
	if _, err := ptarread.Open(context.Background(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, not that it does not exist", err)
	}
	var problem *ptarread.Problem
	if _, err := ptarread.Open(context.Background(), t.TempDir()); !errors.As(err, &problem) || problem.Kind != ptarread.NotPackage {
		t.Errorf("%v, not that a directory is no package", err)
	}
	pkg := open(t, ptartest.Kpkg(t, small()))
	for _, name := range []string{"none", "bin", "../bin/importer"} {
		if _, err := pkg.OpenEntry(name); err == nil {
			t.Errorf("%s opens", name)
		}
	}
}
