package ptarread_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/PlakarKorp/kloset/connectors/storage"

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
	pkg, err := ptarread.New(bytes.NewReader(data), int64(len(data)))
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
