package ptarread_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io/fs"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/PlakarKorp/kloset/btree"
	"github.com/PlakarKorp/kloset/compression"
	"github.com/PlakarKorp/kloset/encryption"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/packfile"
	"github.com/PlakarKorp/kloset/repository/state"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

type (
	forgery  = ptartest.Forgery
	treeNode = btree.Node[string, objects.MAC, objects.MAC]
)

// small is a package as forgeries begin.
func small() []ptartest.File {
	return []ptartest.File{
		{Path: "manifest.yaml", Mode: 0o644, Content: []byte("name: sample\nconnectors: []\n")},
		{Path: "bin/importer", Mode: 0o755, Content: []byte("#!/bin/sh\n")},
	}
}

// problems are all that is found in a package.
func problems(t testing.TB, data []byte) []ptarread.Problem {
	t.Helper()
	pkg, err := ptarread.New(context.Background(), bytes.NewReader(data), int64(len(data)))
	var problem *ptarread.Problem
	if errors.As(err, &problem) {
		return []ptarread.Problem{*problem}
	}
	if err != nil {
		t.Fatalf("a forged package must be a problem, not an error of reading: %v", err)
	}
	_, found, err := pkg.Check(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestUnforgedForgery(t *testing.T) {
	data := ptartest.NewForgery(t, "LZ4", small()).Bytes()
	if found := problems(t, data); len(found) > 0 {
		t.Error(found)
	}
	if _, ok := open(t, data).Entry("bin/importer"); !ok {
		t.Error("bin/importer is missing")
	}
}

// TestManyProblems holds that a check goes on after a problem, and ends with the hundredth.
func TestManyProblems(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	for damaged, want := range map[int]int{3: 3, 99: 99, 100: 100, 150: 100} {
		f := ptartest.NewForgery(t, "LZ4", small())
		for i := range damaged {
			f.PutAs(resources.RT_CHUNK, objects.MAC{7, byte(i)}, f.Encode([]byte("other")))
		}
		found := slices.DeleteFunc(problems(t, f.Bytes()), func(p ptarread.Problem) bool { return p.Kind == ptarread.Unused })
		if len(found) != want {
			t.Errorf("of %d damaged blobs %d are found", damaged, len(found))
		}
	}
}

func gzipped(data []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(data)
	w.Close()
	return out.Bytes()
}

// entry is the forgery's entry at a path.
func entry(f *forgery, name string) *vfs.Entry {
	i := slices.IndexFunc(f.Entries, func(e *vfs.Entry) bool { return e.Path() == name })
	return f.Entries[i]
}

// TestForged holds that a package whose MACs are all right, as anyone can make them, is refused for what it says, and
// that finding out costs little memory, whatever lengths it claims.
func TestForged(t *testing.T) {
	raced.Skip(t, "it measures memory")
	// claim is msgpack of an array of 2^32-1 elements that are not there.
	claim := []byte{0xdd, 0xff, 0xff, 0xff, 0xff}
	bigObject := slices.Concat([]byte{0x81, 0xa6}, []byte("chunks"), claim)
	root := func(f *forgery, h *header.Header, data []byte) {
		h.Sources[0].VFS.Root = f.PutRoot(resources.RT_VFS_BTREE, f.Put(resources.RT_VFS_NODE, data))
	}
	rootNode := func(f *forgery, h *header.Header, node *treeNode) {
		h.Sources[0].VFS.Root = f.PutTree(resources.RT_VFS_BTREE, resources.RT_VFS_NODE, node)
	}
	for _, test := range []struct {
		name  string
		kind  ptarread.Kind
		want  string
		forge func(*forgery)
	}{
		// Lengths, offsets and counts.
		{"footer of 4 GiB", ptarread.Damaged, "claims to be 4294967295 bytes", func(f *forgery) {
			f.FooterLength = func(uint32) uint32 { return math.MaxUint32 }
		}},
		{"footer of nothing", ptarread.Damaged, "footer", func(f *forgery) {
			f.FooterLength = func(uint32) uint32 { return 0 }
		}},
		{"index behind itself", ptarread.Damaged, "behind itself", func(f *forgery) {
			f.Footer = func(x *packfile.PackfileInMemoryFooter) { x.IndexOffset = math.MaxUint64 - 7 }
		}},
		{"4 billion blobs", ptarread.TooLarge, "counts 4294967295 blobs", func(f *forgery) {
			f.Footer = func(x *packfile.PackfileInMemoryFooter) { x.Count = math.MaxUint32 }
		}},
		{"fewer blobs", ptarread.Damaged, "more than allowed", func(f *forgery) {
			f.Footer = func(x *packfile.PackfileInMemoryFooter) { x.Count-- }
		}},
		{"index of another MAC", ptarread.Damaged, "does not match the MAC in the footer", func(f *forgery) {
			f.Footer = func(x *packfile.PackfileInMemoryFooter) { x.IndexMAC[0]++ }
		}},
		{"blob of 4 GiB", ptarread.Damaged, "outside of the blobs", func(f *forgery) {
			f.Index = func(x []packfile.Blob) []packfile.Blob { x[2].Length = math.MaxUint32; return x }
		}},
		{"blob at the end of the numbers", ptarread.Damaged, "outside of the blobs", func(f *forgery) {
			f.Index = func(x []packfile.Blob) []packfile.Blob { x[2].Offset = math.MaxUint64; return x }
		}},
		{"overlapping blobs", ptarread.Inconsistent, "overlap", func(f *forgery) {
			f.Index = func(x []packfile.Blob) []packfile.Blob { x[1].Length++; return x }
		}},
		{"blob twice", ptarread.Inconsistent, "twice", func(f *forgery) {
			f.Index = func(x []packfile.Blob) []packfile.Blob { x[2].Type, x[2].MAC = x[1].Type, x[1].MAC; return x }
		}},
		{"gap between blobs", ptarread.Unused, "1 bytes and 0 of", func(f *forgery) {
			f.PutAs(resources.RT_RANDOM, objects.MAC{9}, []byte{0})
			f.Index = func(x []packfile.Blob) []packfile.Blob {
				return slices.DeleteFunc(x, func(b packfile.Blob) bool { return b.Type == resources.RT_RANDOM })
			}
		}},
		{"unknown type of blob", ptarread.Unsupported, "of type random", func(f *forgery) {
			f.Put(resources.RT_RANDOM, nil)
		}},
		{"unknown version of a blob", ptarread.Unsupported, "of version v9", func(f *forgery) {
			f.Index = func(x []packfile.Blob) []packfile.Blob { x[0].Version = 9 << 16; return x }
		}},
		{"trailer with negative lengths", ptarread.Damaged, "do not make up the file", func(f *forgery) {
			f.Trailer = func(x []int64) { x[1], x[3] = math.MinInt64, x[3]-math.MinInt64 }
		}},
		{"trailer with lengths that overflow", ptarread.Damaged, "do not make up the file", func(f *forgery) {
			f.Trailer = func(x []int64) { x[3] = math.MaxInt64 }
		}},
		{"blob too near to the end", ptarread.Inconsistent, "before the end of the file", func(f *forgery) {
			f.Header = func(*header.Header) { f.Put(resources.RT_CHUNK, noise(ptarread.MaxBlob)) }
		}},
		{"blob under another's MAC", ptarread.Damaged, "does not match its MAC", func(f *forgery) {
			f.PutAs(resources.RT_CHUNK, objects.MAC{7}, f.Encode([]byte("other")))
		}},

		// What decodes to more than it should.
		{"gzip bomb", ptarread.TooLarge, "decompresses to more than allowed", func(f *forgery) {
			*f = *ptartest.NewForgery(t, "GZIP", small())
			f.PutAs(resources.RT_CHUNK, objects.MAC{7}, gzipped(make([]byte, 64<<20)))
		}},
		{"chunks of nothing but zeros", ptarread.TooLarge, "decode to more than", func(f *forgery) {
			for i := range 9 {
				f.Put(resources.RT_CHUNK, bytes.Repeat([]byte{byte(i)}, ptarread.MaxBlob))
			}
		}},
		{"one chunk many times", ptarread.TooLarge, "unpacks to more than", func(f *forgery) {
			zeros := make([]byte, ptarread.MaxBlob)
			e := f.Add(ptartest.File{Path: "zeros", Mode: 0o644})
			e.Object = f.PutObject(slices.Repeat([][]byte{zeros}, 9)...)
			e.FileInfo.Lsize = 9 * ptarread.MaxBlob
		}},
		{"one file many times", ptarread.TooLarge, "unpacks to more than", func(f *forgery) {
			for i := range 9 {
				f.Add(ptartest.File{Path: strconv.Itoa(i), Mode: 0o644, Content: make([]byte, ptarread.MaxBlob)})
			}
		}},
		{"object of 4 billion chunks", ptarread.Inconsistent, "cut short", func(f *forgery) {
			entry(f, "/manifest.yaml").Object = f.Put(resources.RT_OBJECT, bigObject)
		}},
		{"object of a million nils", ptarread.TooLarge, "more elements than allowed", func(f *forgery) {
			nils := slices.Concat([]byte{0x81, 0xa6}, []byte("chunks"), []byte{0xdd, 0, 0x10, 0, 0},
				bytes.Repeat([]byte{0xc0}, 1<<20))
			entry(f, "/manifest.yaml").Object = f.Put(resources.RT_OBJECT, nils)
		}},
		{"node of 4 billion keys", ptarread.Inconsistent, "cut short", func(f *forgery) {
			f.Header = func(h *header.Header) { root(f, h, slices.Concat([]byte{0x81, 0xa4}, []byte("keys"), claim)) }
		}},
		{"nested beyond the stack", ptarread.Inconsistent, "nested more than", func(f *forgery) {
			f.Header = func(h *header.Header) { root(f, h, append(bytes.Repeat([]byte{0x91}, 1<<20), 0xc0)) }
		}},
		{"state of an entry of 4 GiB", ptarread.Inconsistent, "entry of type 5", func(f *forgery) {
			f.State = func(x []byte) []byte {
				return append([]byte{byte(state.ET_CONFIGURATION), 0xff, 0xff, 0xff, 0xff}, x[5+state.DeltaEntrySerializedSize:]...)
			}
		}},

		// Configurations.
		{"encrypted", ptarread.Unsupported, "encrypted", func(f *forgery) { f.Config.Encryption = encryption.NewDefaultConfiguration() }},
		{"zstd", ptarread.Unsupported, `"ZSTD"`, func(f *forgery) {
			f.Config.Compression = &compression.Configuration{Algorithm: "ZSTD"}
		}},
		{"configuration of more than plakar reads", ptarread.TooLarge, "at most 32768", func(f *forgery) {
			f.Config.Chunking.Algorithm = strings.Repeat("x", 40<<10)
		}},

		// States that say something else than the index.
		{"state without a blob", ptarread.Inconsistent, "of the index's", func(f *forgery) {
			f.State = func(x []byte) []byte { return x[5+state.DeltaEntrySerializedSize:] }
		}},
		{"state with another place", ptarread.Inconsistent, "elsewhere", func(f *forgery) {
			f.State = func(x []byte) []byte { x[5+1+4+32+32]++; return x }
		}},
		{"state of two packfiles", ptarread.Inconsistent, "several packfiles", func(f *forgery) {
			f.State = func(x []byte) []byte { x[5+1+4+32]++; return x }
		}},
		{"state that hides a snapshot", ptarread.Inconsistent, "entry of type 3", func(f *forgery) {
			f.State = func(x []byte) []byte {
				hide := state.ColouredEntry{Type: resources.RT_SNAPSHOT, Blob: objects.MAC{1, 2, 3}}
				return slices.Concat([]byte{byte(state.ET_COLOURED), state.ColouredEntrySerializedSize, 0, 0, 0}, hide.ToBytes(),
					x[5+state.DeltaEntrySerializedSize:])
			}
		}},
		{"state with more after it", ptarread.Inconsistent, "more than the", func(f *forgery) {
			f.State = func(x []byte) []byte { return append(x, make([]byte, 100)...) }
		}},

		// Snapshots.
		{"two snapshots", ptarread.Snapshots, "2 snapshots", func(f *forgery) {
			f.PutAs(resources.RT_SNAPSHOT, objects.MAC{7}, f.Encode([]byte{0x80}))
		}},
		{"no snapshot", ptarread.Snapshots, "0 snapshots", func(f *forgery) {
			f.Index = func(x []packfile.Blob) []packfile.Blob { return x[:len(x)-1] }
		}},
		{"snapshot of another name", ptarread.Inconsistent, "calls itself", func(f *forgery) {
			f.Header = func(h *header.Header) { h.Identifier[0]++ }
		}},
		{"no source", ptarread.Inconsistent, "has 0 sources", func(f *forgery) {
			f.Header = func(h *header.Header) { h.Sources = nil }
		}},
		{"two sources", ptarread.Inconsistent, "has 2 sources", func(f *forgery) {
			f.Header = func(h *header.Header) { h.Sources = append(h.Sources, h.Sources[0]) }
		}},
		{"root elsewhere", ptarread.Inconsistent, "not in it", func(f *forgery) {
			f.Header = func(h *header.Header) { h.Sources[0].Importer.Directory = "/elsewhere" }
		}},
		{"root that is a file", ptarread.Inconsistent, "not in it", func(f *forgery) {
			f.Header = func(h *header.Header) { h.Sources[0].Importer.Directory = "/manifest.yaml" }
		}},
		{"root above", ptarread.Inconsistent, "not an absolute path", func(f *forgery) {
			f.Header = func(h *header.Header) { h.Sources[0].Importer.Directory = "/bin/../.." }
		}},
		{"unknown index", ptarread.Inconsistent, `index "other"`, func(f *forgery) {
			f.Header = func(h *header.Header) { h.Sources[0].Indexes[0].Name = "other" }
		}},

		// Trees that are none.
		{"node with two parents", ptarread.Inconsistent, "no node of a tree", func(f *forgery) {
			f.Header = func(h *header.Header) {
				leaf := f.PutValue(resources.RT_VFS_NODE, &treeNode{})
				rootNode(f, h, &treeNode{Keys: []string{"/a"}, Pointers: []objects.MAC{leaf, leaf}})
			}
		}},
		{"tree as deep as a chain", ptarread.Inconsistent, "no node of a tree", func(f *forgery) {
			f.Header = func(h *header.Header) {
				mac := f.PutValue(resources.RT_VFS_NODE, &treeNode{})
				for range 100 {
					mac = f.PutValue(resources.RT_VFS_NODE, &treeNode{Pointers: []objects.MAC{mac}})
				}
				h.Sources[0].VFS.Root = f.PutRoot(resources.RT_VFS_BTREE, mac)
			}
		}},
		{"leaf that links to another", ptarread.Inconsistent, "links to another", func(f *forgery) {
			f.Tree = func(n *treeNode) { n.Next = &objects.MAC{1} }
		}},
		{"node that points to itself", ptarread.Damaged, "does not match its MAC", func(f *forgery) {
			f.Header = func(h *header.Header) {
				self := objects.MAC{7}
				data, err := msgpack.Marshal(&treeNode{Pointers: []objects.MAC{self}})
				if err != nil {
					t.Fatal(err)
				}
				f.PutAs(resources.RT_VFS_NODE, self, f.Encode(data))
				h.Sources[0].VFS.Root = f.PutRoot(resources.RT_VFS_BTREE, self)
			}
		}},
		{"missing node", ptarread.Inconsistent, "missing", func(f *forgery) {
			f.Header = func(h *header.Header) { h.Sources[0].VFS.Root[0]++ }
		}},
		{"values for other keys", ptarread.Inconsistent, "calls itself", func(f *forgery) {
			f.Tree = func(n *treeNode) { n.Values[1], n.Values[2] = n.Values[2], n.Values[1] }
		}},
		{"fewer values than keys", ptarread.Inconsistent, "keys", func(f *forgery) {
			f.Tree = func(n *treeNode) { n.Values = n.Values[:1] }
		}},
		{"keys out of order", ptarread.Inconsistent, "out of order or twice", func(f *forgery) {
			f.Tree = func(n *treeNode) { slices.Reverse(n.Keys); slices.Reverse(n.Values) }
		}},
		{"path twice", ptarread.Inconsistent, "out of order or twice", func(f *forgery) {
			f.Add(ptartest.File{Path: "manifest.yaml", Mode: 0o644, Content: []byte("other")})
		}},
		{"tree of nothing", ptarread.Inconsistent, "not in it", func(f *forgery) {
			f.Header = func(h *header.Header) { rootNode(f, h, &treeNode{}) }
		}},
		{"cache of a billion nodes", ptarread.Inconsistent, "has order", func(f *forgery) {
			f.Header = func(h *header.Header) {
				h.Sources[0].VFS.Xattrs = f.PutValue(resources.RT_XATTR_BTREE, &btree.BTree[string, objects.MAC, objects.MAC]{Order: 1 << 30})
			}
		}},

		// Entries.
		{"name above", ptarread.Inconsistent, "bad name", func(f *forgery) {
			above := *entry(f, "/manifest.yaml")
			above.FileInfo.Lname = ".."
			f.Tree = func(n *treeNode) {
				n.Values[slices.Index(n.Keys, "/manifest.yaml")] = f.PutValue(resources.RT_VFS_ENTRY, &above)
			}
		}},
		{"name with a slash", ptarread.Inconsistent, "bad name", func(f *forgery) { entry(f, "/manifest.yaml").FileInfo.Lname = "../../x" }},
		{"parent above", ptarread.Inconsistent, "bad parent path", func(f *forgery) { entry(f, "/manifest.yaml").ParentPath = "/../.." }},
		{"name with a backslash", ptarread.Inconsistent, "no package may", func(f *forgery) {
			f.Add(ptartest.File{Path: `..\x`, Mode: 0o644})
		}},
		{"name with an escape sequence", ptarread.Inconsistent, "no package may", func(f *forgery) {
			f.Add(ptartest.File{Path: "\x1b[2J", Mode: 0o644})
		}},
		{"name of half a megabyte", ptarread.Inconsistent, "no package may", func(f *forgery) {
			f.Add(ptartest.File{Path: strings.Repeat("x", 1<<19), Mode: 0o644})
		}},
		{"file in a file", ptarread.Inconsistent, "not in a directory", func(f *forgery) {
			f.Entries = append(f.Entries, ptartest.NewEntry("/manifest.yaml/x", fs.ModeDir))
		}},
		{"file in no directory", ptarread.Inconsistent, "not in a directory", func(f *forgery) {
			f.Entries = append(f.Entries, ptartest.NewEntry("/nowhere/x", fs.ModeDir))
		}},
		{"file without content", ptarread.Inconsistent, "contradicts", func(f *forgery) {
			f.Entries = append(f.Entries, ptartest.NewEntry("/x", 0o644))
		}},
		{"directory with content", ptarread.Inconsistent, "contradicts", func(f *forgery) {
			entry(f, "/bin").Object = entry(f, "/manifest.yaml").Object
		}},
		{"file of another size", ptarread.Inconsistent, "bytes of content", func(f *forgery) {
			entry(f, "/manifest.yaml").FileInfo.Lsize = 1 << 50
		}},
		{"file of negative size", ptarread.Inconsistent, "contradicts", func(f *forgery) {
			entry(f, "/manifest.yaml").FileInfo.Lsize = math.MinInt64
		}},
		{"object of missing chunks", ptarread.Inconsistent, "missing", func(f *forgery) {
			object := objects.NewObject()
			object.Chunks = []objects.Chunk{{Length: 10}}
			entry(f, "/manifest.yaml").Object = f.PutValue(resources.RT_OBJECT, object)
		}},

		{"chunk longer than its files say", ptarread.Inconsistent, "where 1 are expected", func(f *forgery) {
			object := objects.NewObject()
			chunk := objects.Chunk{ContentMAC: f.Put(resources.RT_CHUNK, make([]byte, 1<<20)), Length: 1}
			object.Chunks = slices.Repeat([]objects.Chunk{chunk}, 1000)
			e := f.Add(ptartest.File{Path: "x", Mode: 0o644})
			e.Object, e.FileInfo.Lsize = f.PutValue(resources.RT_OBJECT, object), 1000
		}},
		{"chunk of two lengths", ptarread.Inconsistent, "for another", func(f *forgery) {
			object := objects.NewObject()
			chunk := objects.Chunk{ContentMAC: f.Put(resources.RT_CHUNK, []byte("content")), Length: 7}
			object.Chunks = []objects.Chunk{chunk, {ContentMAC: chunk.ContentMAC, Length: 8}}
			e := f.Add(ptartest.File{Path: "x", Mode: 0o644})
			e.Object, e.FileInfo.Lsize = f.PutValue(resources.RT_OBJECT, object), 15
		}},

		// Listings that show other files than the tree.
		{"listing with another mode", ptarread.Inconsistent, `lists "/" differently`, func(f *forgery) {
			f.Listing = func(dir string, entries []*vfs.Entry) []*vfs.Entry {
				if dir == "/" {
					other := *entries[1]
					other.FileInfo.Lmode = 0o777 | fs.ModeSetuid
					entries = []*vfs.Entry{entries[0], &other}
				}
				return entries
			}
		}},
		{"listing with another file", ptarread.Inconsistent, "differently", func(f *forgery) {
			other := ptartest.NewEntry("/bin/other", 0o755)
			other.Object = entry(f, "/manifest.yaml").Object
			f.Listing = func(dir string, entries []*vfs.Entry) []*vfs.Entry {
				if dir == "/bin" {
					entries = append(entries, other)
				}
				return entries
			}
		}},
		{"listing without a file", ptarread.Inconsistent, "differently", func(f *forgery) {
			f.Listing = func(_ string, entries []*vfs.Entry) []*vfs.Entry { return entries[:0] }
		}},
		{"listing with a file twice", ptarread.Inconsistent, "differently", func(f *forgery) {
			f.Listing = func(_ string, entries []*vfs.Entry) []*vfs.Entry { return append(entries, entries...) }
		}},
		{"listing of another directory", ptarread.Inconsistent, "differently", func(f *forgery) {
			f.Listing = func(dir string, entries []*vfs.Entry) []*vfs.Entry {
				if dir == "/bin" {
					return []*vfs.Entry{entry(f, "/manifest.yaml")}
				}
				return entries
			}
		}},
		{"no listing of a directory", ptarread.Inconsistent, "lacks the directory", func(f *forgery) {
			f.Header = func(h *header.Header) {
				h.Sources[0].Indexes[0].Value = f.PutTree(resources.RT_BTREE_ROOT, resources.RT_BTREE_NODE, &treeNode{})
			}
		}},
		{"unused blob", ptarread.Unused, "1 of", func(f *forgery) { f.Put(resources.RT_CHUNK, []byte("hidden")) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := ptartest.NewForgery(t, "LZ4", small())
			test.forge(f)
			data := f.Bytes()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			found := problems(t, data)
			runtime.ReadMemStats(&after)
			if !slices.ContainsFunc(found, func(p ptarread.Problem) bool {
				return p.Kind == test.kind && strings.Contains(p.Error(), test.want)
			}) {
				t.Errorf("found %v, not %v: %s", found, test.kind, test.want)
			}
			// All that was ever allocated, which the race detector doubles; the claims are of gigabytes.
			if taken := after.TotalAlloc - before.TotalAlloc; taken > 256<<20 {
				t.Errorf("took %d MiB of memory", taken>>20)
			}
		})
	}
}
