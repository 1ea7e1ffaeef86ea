package ptarread_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

// maxPeak is the memory that reading any file may take, all of the process.
const maxPeak = 256 << 20

// readEverything names the file that the test's own process reads, in one of its two ways, when it is run again.
const readEverything = "PTARREAD_TEST_READ"

func TestMain(m *testing.M) {
	if path := os.Getenv(readEverything); path != "" {
		fmt.Println(readFile(path))
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s\n", status)
		return
	}
	os.Exit(m.Run())
}

// readFile reads all of a file: what a verification and an extraction do for a package, what a listing and a restore do
// for an archive.
func readFile(path string) error {
	ctx := context.Background()
	if filepath.Base(path) == "package" {
		pkg, err := ptarread.Open(ctx, path)
		if err != nil {
			return err
		}
		_, problems, err := pkg.Check(ctx)
		if err == nil && len(problems) > 0 {
			err = &problems[0]
		}
		return err
	}
	data, err := ptarread.OpenArchive(ctx, path, ptarread.Options{})
	if err != nil {
		return err
	}
	defer data.Close()
	_, problems, err := data.Check(ctx)
	if err == nil && len(problems) > 0 {
		err = &problems[0]
	}
	return errors.Join(err, readContents(ctx, data))
}

var peak = regexp.MustCompile(`VmHWM:\s*(\d+) kB`)

// TestPeak reads forged files, each as a package and as an archive, in a process of its own: whatever a file unpacks to or
// claims, the process stays small.
func TestPeak(t *testing.T) {
	raced.Skip(t, "it measures memory")
	if testing.Short() {
		t.Skip("reads the largest files that there may be")
	}
	zeros := make([]byte, ptarread.MaxBlob)
	const many = 30
	for _, test := range []struct {
		name  string
		forge func(*forgery)
	}{
		{"as many blobs as a package may have", func(f *forgery) {
			*f = *ptartest.NewForgery(t, "", nil)
			for i := range ptarread.MaxBlobs - 100 {
				f.Put(resources.RT_CHUNK, binary.BigEndian.AppendUint64(nil, uint64(i)))
			}
		}},
		{"listing of one chunk many times", func(f *forgery) {
			f.Header = func(h *header.Header) {
				h.Sources[0].Indexes[0].Value = f.PutTree(resources.RT_BTREE_ROOT, resources.RT_BTREE_NODE, &treeNode{
					Keys: []string{"/"}, Values: []objects.MAC{f.PutObject(slices.Repeat([][]byte{zeros}, many)...)},
				})
			}
		}},
		{"listing of one frame of 4 GiB", func(f *forgery) {
			f.Header = func(h *header.Header) {
				h.Sources[0].Indexes[0].Value = f.PutTree(resources.RT_BTREE_ROOT, resources.RT_BTREE_NODE, &treeNode{
					Keys: []string{"/"}, Values: []objects.MAC{f.PutObject([]byte{2, 0xff, 0xff, 0xff, 0xff}, zeros)},
				})
			}
		}},
		{"names of users of 8 MiB", func(f *forgery) {
			for i := range many {
				e := ptartest.NewEntry("/"+strconv.Itoa(i), fs.ModeDir|0o755)
				e.FileInfo.Lusername = string(bytes.Repeat([]byte{'a' + byte(i%26)}, ptarread.MaxBlob-4096))
				f.Entries = append(f.Entries, e)
			}
		}},
		{"links just below the limit", func(f *forgery) {
			for i := range 2 * many {
				e := ptartest.NewEntry("/"+strconv.Itoa(i), fs.ModeSymlink|0o777)
				e.SymlinkTarget = string(bytes.Repeat([]byte{byte(i)}, 1<<20-4096))
				f.Entries = append(f.Entries, e)
			}
		}},
		{"errors of 8 MiB", func(f *forgery) {
			f.Header = func(h *header.Header) {
				leaf := &treeNode{}
				for i := range many {
					leaf.Keys = append(leaf.Keys, fmt.Sprintf("/%02d", i))
					leaf.Values = append(leaf.Values, f.PutValue(resources.RT_ERROR_ENTRY,
						vfs.NewErrorItem(leaf.Keys[i], string(bytes.Repeat([]byte{byte(i)}, ptarread.MaxBlob-4096)))))
				}
				h.Sources[0].VFS.Errors = f.PutTree(resources.RT_ERROR_BTREE, resources.RT_ERROR_NODE, leaf)
			}
		}},
		{"nodes that each have one key of megabytes", func(f *forgery) {
			f.Header = func(h *header.Header) {
				mac := f.PutValue(resources.RT_ERROR_NODE, &treeNode{})
				for i := range many {
					mac = f.PutValue(resources.RT_ERROR_NODE, &treeNode{
						Keys: []string{string(bytes.Repeat([]byte{'a' + byte(i)}, 2<<20-4096))}, Pointers: []objects.MAC{mac, mac},
					})
				}
				h.Sources[0].VFS.Errors = f.PutRoot(resources.RT_ERROR_BTREE, mac)
			}
		}},
		{"a file of one chunk many times", func(f *forgery) {
			e := f.Add(ptartest.File{Path: "zeros", Mode: 0o644})
			e.Object = f.PutObject(slices.Repeat([][]byte{zeros}, many)...)
			e.FileInfo.Lsize = many * ptarread.MaxBlob
		}},
		{"a list of 400,000 chunks", func(f *forgery) {
			e := f.Add(ptartest.File{Path: "long", Mode: 0o644})
			e.Object, e.FileInfo.Lsize = putLong(f, objects.MAC{1}, longPart{[]byte("aa"), 200_000}, longPart{[]byte("b"), 200_000})
		}},
		{"a chunk of 1 GiB", func(f *forgery) {
			f.PutAs(resources.RT_CHUNK, objects.MAC{7}, bombOfGiB(f))
			object := objects.NewObject()
			chunk := objects.NewChunk()
			chunk.ContentMAC, chunk.Length = objects.MAC{7}, ptarread.MaxBlob
			object.Chunks = append(object.Chunks, *chunk)
			e := f.Add(ptartest.File{Path: "zeros", Mode: 0o644})
			e.Object = f.PutValue(resources.RT_OBJECT, object)
			e.FileInfo.Lsize = ptarread.MaxBlob
		}},
		{"an object of 4 billion chunks", func(f *forgery) {
			entry(f, "/manifest.yaml").Object = f.Put(resources.RT_OBJECT,
				slices.Concat([]byte{0x81, 0xa6}, []byte("chunks"), []byte{0xdd, 0xff, 0xff, 0xff, 0xff}))
		}},
		{"a node of 134 million pointers", func(f *forgery) {
			f.Header = func(h *header.Header) {
				h.Sources[0].VFS.Root = f.PutRoot(resources.RT_VFS_BTREE, f.Put(resources.RT_VFS_NODE,
					slices.Concat([]byte{0x81, 0xa8}, []byte("pointers"), []byte{0xdd, 0x08, 0, 0, 0})))
			}
		}},
	} {
		f := ptartest.NewForgery(t, "LZ4", small()[:1])
		test.forge(f)
		data := f.Bytes()
		for _, kind := range []string{"package", "archive"} {
			t.Run(test.name+"/"+kind, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), kind)
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
				cmd := exec.CommandContext(t.Context(), os.Args[0])
				cmd.Env = append(os.Environ(), readEverything+"="+path)
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v: %.2000s", err, out)
				}
				said, _, _ := bytes.Cut(out, []byte("\n"))
				kib, err := strconv.Atoi(string(peak.FindSubmatch(out)[1]))
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%d MiB: %.200s", kib>>10, said)
				if kib<<10 > maxPeak {
					t.Errorf("it took %d MiB of memory", kib>>10)
				}
			})
		}
	}
}

// bombOfGiB is 1 GiB of zeros, compressed as the forgery's blobs are.
func bombOfGiB(f *forgery) []byte { return f.EncodeFrom(io.LimitReader(zeroReader{}, 1<<30)) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
