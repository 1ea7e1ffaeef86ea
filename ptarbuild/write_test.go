package ptarbuild_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/snapshot"
	"github.com/google/go-cmp/cmp"

	"github.com/PlakarKorp/kpkg/internal/klosettest"
	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarbuild"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// noise is the same incompressible bytes for the same seed, on every machine.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, seed))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// words is the same compressible text for the same seed, on every machine.
func words(seed uint64, n int) []byte {
	var b bytes.Buffer
	r := rand.New(rand.NewPCG(seed, seed))
	for b.Len() < n {
		fmt.Fprintf(&b, "%x ", r.Uint32N(5000))
	}
	return b.Bytes()[:n]
}

// sample has what packages have: a big executable, two that share most of it, small texts, folders, an empty file.
func sample() []ptarbuild.File {
	executable := func(name string, content []byte) ptarbuild.File {
		f := ptarbuild.FromBytes(name, content)
		f.Executable = true
		return f
	}
	shared := append(noise(1, 300<<10), words(1, 900<<10)...)
	return []ptarbuild.File{
		ptarbuild.FromBytes("manifest.yaml", []byte("name: sample\nconnectors: []\n")),
		executable("importer", append(noise(2, 100<<10), shared...)),
		executable("bin/exporter", append(noise(3, 50<<10), shared...)),
		ptarbuild.FromBytes("bin/exporter.json", []byte(`{"type": "object"}`)),
		ptarbuild.FromBytes("assets/deep/er/icon.svg", []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")),
		ptarbuild.FromBytes("empty", nil),
		ptarbuild.FromBytes("LICENSE", bytes.Repeat([]byte("permission is granted\n"), 1000)),
	}
}

func write(t testing.TB, files []ptarbuild.File, opts ptarbuild.Options) (string, int64) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sample.ptar")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := ptarbuild.Write(context.Background(), f, files, opts)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() != size {
		t.Errorf("Write returns %d, the file has %d bytes", size, info.Size())
	}
	return path, size
}

func content(t testing.TB, f ptarbuild.File) []byte {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestKlosetReadsWhatWasWritten(t *testing.T) {
	for _, compression := range ptarbuild.Compressions {
		t.Run(string(compression), func(t *testing.T) {
			at := time.Unix(1700000000, 0)
			path, _ := write(t, sample(), ptarbuild.Options{Time: at, Compression: compression})
			snapshots := klosettest.Snapshots(t, path)
			if len(snapshots) != 1 {
				t.Fatalf("kloset finds %d snapshots, want 1", len(snapshots))
			}
			snap := snapshots[0]
			if err := snap.Check("/", &snapshot.CheckOptions{}); err != nil {
				t.Errorf("kloset's check: %v", err)
			}
			fsys, err := snap.Filesystem()
			if err != nil {
				t.Fatal(err)
			}

			want := map[string]string{
				"/": "drwxr-xr-x", "/bin": "drwxr-xr-x",
				"/assets": "drwxr-xr-x", "/assets/deep": "drwxr-xr-x", "/assets/deep/er": "drwxr-xr-x",
			}
			for _, f := range sample() {
				want["/"+f.Name] = "-rw-r--r--"
				if f.Executable {
					want["/"+f.Name] = "-rwxr-xr-x"
				}
				r, err := fsys.Open("/" + f.Name)
				if err != nil {
					t.Errorf("opening %s: %v", f.Name, err)
					continue
				}
				got, err := io.ReadAll(r)
				if err != nil || !bytes.Equal(got, content(t, f)) {
					t.Errorf("%s comes back different (%d bytes, %v)", f.Name, len(got), err)
				}
			}
			got := map[string]string{}
			for pathname, err := range fsys.Pathnames() {
				if err != nil {
					t.Fatal(err)
				}
				entry, err := fsys.GetEntry(pathname)
				if err != nil {
					t.Fatal(err)
				}
				got[pathname] = entry.Stat().Mode().String()
				if !entry.Stat().ModTime().Equal(at) {
					t.Errorf("%s has time %v, want %v", pathname, entry.Stat().ModTime(), at)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}

			summary := snap.Header.GetSource(0).Summary
			if n := summary.Directory.Files + summary.Below.Files; n != uint64(len(sample())) {
				t.Errorf("the summary counts %d files, want %d", n, len(sample()))
			}
			if n := summary.Directory.Directories + summary.Below.Directories; n != 4 {
				t.Errorf("the summary counts %d folders, want 4", n)
			}
		})
	}
}

// A change of these sums means that packages change without their sources changing: raise the generation in
// fingerprint.go and run the test with -update.
func TestGoldenBytes(t *testing.T) {
	var got strings.Builder
	for _, compression := range ptarbuild.Compressions {
		opts := ptarbuild.Options{Time: time.Unix(1700000000, 0), Compression: compression}
		p, err := ptarbuild.New(context.Background(), sample(), opts)
		if err != nil {
			t.Fatal(err)
		}
		path, size := write(t, sample(), opts)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		fmt.Fprintf(&got, "%s %d %s %s\n", compression, size, p.RepositoryID, hex.EncodeToString(sum[:]))
	}
	golden := filepath.Join("testdata", "sample.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the bytes of a package changed (-want +got):\n%s", diff)
	}
}

func TestSameBytesWhateverTheOrderAndTheProcessors(t *testing.T) {
	sum := func(procs int, reverse bool) [32]byte {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		files := sample()
		if reverse {
			for i, j := 0, len(files)-1; i < j; i, j = i+1, j-1 {
				files[i], files[j] = files[j], files[i]
			}
		}
		var out bytes.Buffer
		if _, err := ptarbuild.Write(context.Background(), &out, files, ptarbuild.Options{}); err != nil {
			t.Fatal(err)
		}
		return sha256.Sum256(out.Bytes())
	}
	want := sum(1, false)
	for _, procs := range []int{1, 2, 7, 64} {
		if sum(procs, procs%2 == 0) != want {
			t.Errorf("with GOMAXPROCS=%d the bytes differ", procs)
		}
	}
}

func TestRepositoryIDFollowsEverythingThatDecidesTheBytes(t *testing.T) {
	seen := map[string]string{}
	check := func(what string, files []ptarbuild.File, opts ptarbuild.Options) {
		t.Helper()
		result, err := ptarbuild.New(context.Background(), files, opts)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[result.RepositoryID.String()]; ok {
			t.Errorf("%s and %s have the same RepositoryID", what, other)
		}
		seen[result.RepositoryID.String()] = what
	}
	with := func(change func(f *ptarbuild.File)) []ptarbuild.File {
		files := sample()
		change(&files[0])
		return files
	}
	check("the sample", sample(), ptarbuild.Options{})
	check("another time", sample(), ptarbuild.Options{Time: time.Unix(1, 0)})
	check("another compression", sample(), ptarbuild.Options{Compression: ptarbuild.LZ4})
	check("another name", with(func(f *ptarbuild.File) { f.Name = "manifest.yml" }), ptarbuild.Options{})
	check("another mode", with(func(f *ptarbuild.File) { f.Executable = true }), ptarbuild.Options{})
	check("another content", with(func(f *ptarbuild.File) { *f = ptarbuild.FromBytes(f.Name, []byte("x")) }), ptarbuild.Options{})
	check("one file less", sample()[1:], ptarbuild.Options{})
	check("nothing", nil, ptarbuild.Options{})
}

func TestRefusedFiles(t *testing.T) {
	file := func(name string) ptarbuild.File { return ptarbuild.FromBytes(name, []byte("x")) }
	changing, opened := ptarbuild.File{Name: "log"}, 0
	changing.Open = func() (io.ReadCloser, error) {
		opened++
		return io.NopCloser(strings.NewReader(fmt.Sprint("run ", opened))), nil
	}
	failing := ptarbuild.File{Name: "importer", Open: func() (io.ReadCloser, error) { return nil, fs.ErrPermission }}
	for _, test := range []struct {
		name  string
		files []ptarbuild.File
		want  string
	}{
		{"absolute", []ptarbuild.File{file("/etc/passwd")}, `cannot pack "/etc/passwd": a file's name in a package is relative`},
		{"parent", []ptarbuild.File{file("../x")}, `cannot pack "../x"`},
		{"inner parent", []ptarbuild.File{file("a/../x")}, `cannot pack "a/../x"`},
		{"empty", []ptarbuild.File{file("")}, `cannot pack ""`},
		{"backslash", []ptarbuild.File{file(`a\b`)}, `cannot pack "a\\b"`},
		{"twice", []ptarbuild.File{file("a"), file("b"), file("a")}, `cannot pack "a" twice`},
		{"file and folder", []ptarbuild.File{file("a"), file("a-b"), file("a/c")}, `cannot pack "a/c": "a" is a file, not a folder`},
		{"changing", []ptarbuild.File{changing}, "pack log: it changed while it was being packed"},
		{"unreadable", []ptarbuild.File{failing}, "read importer to pack it: permission denied"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ptarbuild.Write(context.Background(), io.Discard, test.files, ptarbuild.Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
	_, err := ptarbuild.Write(context.Background(), io.Discard, nil, ptarbuild.Options{Compression: "zstd"})
	if err == nil || !strings.Contains(err.Error(), `unknown compression "zstd": use gzip or lz4`) {
		t.Errorf("zstd: got %v", err)
	}
}

// A writer that is full at any point gives its error, not a hang and not success.
func TestFullDisk(t *testing.T) {
	raced.Skip(t, "it packs the same files again and again")
	var whole bytes.Buffer
	files := sample()[2:]
	if _, err := ptarbuild.Write(context.Background(), &whole, files, ptarbuild.Options{}); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left")
	for room := 0; room < whole.Len(); room += 1 + whole.Len()/61 {
		_, err := ptarbuild.Write(context.Background(), &disk{room: room, err: full}, files, ptarbuild.Options{})
		if !errors.Is(err, full) {
			t.Errorf("with room for %d of %d bytes: got %v", room, whole.Len(), err)
		}
	}
}

type disk struct {
	room int
	err  error
}

func (d *disk) Write(p []byte) (int, error) {
	if len(p) > d.room {
		n := d.room
		d.room = 0
		return n, d.err
	}
	d.room -= len(p)
	return len(p), nil
}

func TestCancelled(t *testing.T) {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(context.Background())
	opened := 0
	endless := ptarbuild.File{Name: "importer", Open: func() (io.ReadCloser, error) {
		if opened++; opened == 1 {
			return io.NopCloser(bytes.NewReader(noise(1, 4<<20))), nil
		}
		return io.NopCloser(io.MultiReader(bytes.NewReader(noise(1, 2<<20)), cancelling{cancel})), nil
	}}
	_, err := ptarbuild.Write(ctx, io.Discard, []ptarbuild.File{endless}, ptarbuild.Options{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}

type cancelling struct{ cancel func() }

func (c cancelling) Read(p []byte) (int, error) { c.cancel(); return len(p), nil }
