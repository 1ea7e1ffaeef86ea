package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/PlakarKorp/kpkg/internal/ptar"
	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

type (
	forgery  = ptartest.Forgery
	treeNode = btree.Node[string, objects.MAC, objects.MAC]
)

// maxReport is the most that a command may print: 1 MiB of findings, and what JSON and the lines around them take. A listing is
// as long as what it lists, of whose names each is cut.
const maxReport = 5 << 19

// A forged file is one that no writer made.
type forged struct {
	name string
	// archive tells that an archive may be so, though no package may: whoever reads archives may take it.
	archive bool
	forge   func(t *testing.T, f *forgery)
	// bytes changes the file as a whole.
	bytes func([]byte) []byte
}

func put(f *forgery, name string, mode fs.FileMode, content string) *vfs.Entry {
	return f.Add(ptartest.File{Path: name, Mode: mode, Content: []byte(content)})
}

func setRoot(f *forgery, node []byte) {
	f.Header = func(h *header.Header) {
		h.Sources[0].VFS.Root = f.PutRoot(resources.RT_VFS_BTREE, f.Put(resources.RT_VFS_NODE, node))
	}
}

var forgedFiles = []forged{
	// What no ptar is.
	{name: "nothing", bytes: func([]byte) []byte { return nil }},
	{name: "the magic alone", bytes: func([]byte) []byte { return []byte(ptar.Magic) }},
	{name: "half of it", bytes: func(x []byte) []byte { return x[:len(x)/2] }},
	{name: "a byte more", bytes: func(x []byte) []byte { return append(x, 0) }},
	{name: "text", bytes: func([]byte) []byte { return []byte(strings.Repeat("\x1b]0;owned\a", 1000)) }},
	{name: "zeros", bytes: func([]byte) []byte { return make([]byte, 1<<20) }},

	// Lengths and counts.
	{name: "a footer of 4 GiB", forge: func(_ *testing.T, f *forgery) { f.FooterLength = func(uint32) uint32 { return math.MaxUint32 } }},
	{name: "4 billion blobs", forge: func(_ *testing.T, f *forgery) {
		f.Footer = func(x *packfile.PackfileInMemoryFooter) { x.Count = math.MaxUint32 }
	}},
	{name: "a blob of 4 GiB in index and state", forge: func(_ *testing.T, f *forgery) {
		f.Index = func(x []packfile.Blob) []packfile.Blob { x[2].Length = math.MaxUint32; return x }
	}},
	{name: "a trailer that overflows", forge: func(_ *testing.T, f *forgery) { f.Trailer = func(x []int64) { x[3] = math.MaxInt64 } }},
	{name: "a chunk under another's MAC", forge: func(t *testing.T, f *forgery) {
		object := objects.NewObject()
		object.Chunks = []objects.Chunk{{ContentMAC: objects.MAC{7}, Length: 5}}
		f.PutAs(resources.RT_CHUNK, objects.MAC{7}, f.Encode([]byte("other")))
		e := put(f, "x", 0o644, "")
		e.Object, e.FileInfo.Lsize = f.PutValue(resources.RT_OBJECT, object), 5
	}},
	{name: "an object of 4 billion chunks", forge: func(_ *testing.T, f *forgery) {
		e := put(f, "x", 0o644, "")
		e.Object = f.Put(resources.RT_OBJECT, slices.Concat([]byte{0x81, 0xa6}, []byte("chunks"), []byte{0xdd, 0xff, 0xff, 0xff, 0xff}))
	}},
	{name: "a node of 134 million pointers", forge: func(_ *testing.T, f *forgery) {
		setRoot(f, slices.Concat([]byte{0x81, 0xa8}, []byte("pointers"), []byte{0xdd, 0x08, 0, 0, 0}))
	}},
	{name: "a node nested beyond the stack", forge: func(_ *testing.T, f *forgery) {
		setRoot(f, append(bytes.Repeat([]byte{0x91}, 1<<20), 0xc0))
	}},
	{name: "a node that points to itself", forge: func(t *testing.T, f *forgery) {
		data, err := msgpack.Marshal(&treeNode{Pointers: []objects.MAC{{7}}})
		if err != nil {
			t.Fatal(err)
		}
		f.PutAs(resources.RT_VFS_NODE, objects.MAC{7}, f.Encode(data))
		f.Header = func(h *header.Header) { h.Sources[0].VFS.Root = f.PutRoot(resources.RT_VFS_BTREE, objects.MAC{7}) }
	}},

	// What unpacks to more than it should.
	{name: "a chunk of 300 MiB", forge: func(t *testing.T, f *forgery) {
		*f = *ptartest.NewForgery(t, "GZIP", nil)
		put(f, "manifest.yaml", 0o644, "name: x\n")
		var bomb bytes.Buffer
		w := gzip.NewWriter(&bomb)
		for range 75 {
			w.Write(make([]byte, 4<<20))
		}
		w.Close()
		f.PutAs(resources.RT_CHUNK, objects.MAC{7}, bomb.Bytes())
		object := objects.NewObject()
		object.Chunks = []objects.Chunk{{ContentMAC: objects.MAC{7}, Length: ptarread.MaxBlob}}
		e := put(f, "x", 0o644, "")
		e.Object, e.FileInfo.Lsize = f.PutValue(resources.RT_OBJECT, object), ptarread.MaxBlob
	}},
	{name: "a file of one chunk many times", archive: true, forge: func(_ *testing.T, f *forgery) {
		e := put(f, "x", 0o644, "")
		e.Object = f.PutObject(slices.Repeat([][]byte{make([]byte, ptarread.MaxBlob)}, 9)...)
		e.FileInfo.Lsize = 9 * ptarread.MaxBlob
	}},
	{name: "a listing of one chunk many times", forge: func(_ *testing.T, f *forgery) {
		f.Header = func(h *header.Header) {
			h.Sources[0].Indexes[0].Value = f.PutTree(resources.RT_BTREE_ROOT, resources.RT_BTREE_NODE, &treeNode{
				Keys: []string{"/"}, Values: []objects.MAC{f.PutObject(slices.Repeat([][]byte{make([]byte, ptarread.MaxBlob)}, 30)...)},
			})
		}
	}},
	{name: "a listing with a frame of 4 GiB", forge: func(_ *testing.T, f *forgery) {
		f.Header = func(h *header.Header) {
			h.Sources[0].Indexes[0].Value = f.PutTree(resources.RT_BTREE_ROOT, resources.RT_BTREE_NODE, &treeNode{
				Keys: []string{"/"}, Values: []objects.MAC{f.PutObject([]byte{2, 0xff, 0xff, 0xff, 0xff}, make([]byte, 1<<20))},
			})
		}
	}},
	{name: "names of users of 8 MiB", forge: func(_ *testing.T, f *forgery) {
		for i := range 6 {
			e := put(f, strconv.Itoa(i), 0o644, "")
			e.FileInfo.Lusername = strings.Repeat(string(rune('a'+i)), ptarread.MaxBlob-4096)
		}
	}},
	{name: "targets of links of 1 MiB", archive: true, forge: func(_ *testing.T, f *forgery) {
		for i := range 20 {
			e := ptartest.NewEntry("/"+strconv.Itoa(i), fs.ModeSymlink|0o777)
			e.SymlinkTarget = strings.Repeat(string(rune('a'+i)), 1<<20-4096)
			f.Entries = append(f.Entries, e)
		}
	}},
	{name: "errors of 1 MiB", archive: true, forge: func(_ *testing.T, f *forgery) {
		f.Header = func(h *header.Header) {
			leaf := &treeNode{}
			for i := range 20 {
				leaf.Keys = append(leaf.Keys, fmt.Sprintf("/%02d", i))
				leaf.Values = append(leaf.Values, f.PutValue(resources.RT_ERROR_ENTRY,
					vfs.NewErrorItem(leaf.Keys[i], strings.Repeat("\x1b", 1<<20-4096))))
			}
			h.Sources[0].VFS.Errors = f.PutTree(resources.RT_ERROR_BTREE, resources.RT_ERROR_NODE, leaf)
		}
	}},
	{name: "a thousand folders of odd names", archive: true, forge: func(_ *testing.T, f *forgery) {
		for i := range 1000 {
			f.Entries = append(f.Entries, ptartest.NewEntry(fmt.Sprintf("/%05d%s", i, strings.Repeat("\u202e", 50)), fs.ModeDir|0o755))
		}
	}},

	// Names, and kinds of files.
	{name: "a name that leads out", forge: func(_ *testing.T, f *forgery) { put(f, "a", 0o644, "x").FileInfo.Lname = "../../evil" }},
	{name: "a parent that leads out", forge: func(_ *testing.T, f *forgery) { put(f, "a", 0o644, "x").ParentPath = "/../.." }},
	{name: "a name that commands the terminal", archive: true, forge: func(_ *testing.T, f *forgery) {
		put(f, "\x1b]0;owned\a\x1b[2J\u009b1m", 0o644, "x")
	}},
	{name: "a link out, and a file below it", forge: func(_ *testing.T, f *forgery) {
		e := ptartest.NewEntry("/out", fs.ModeSymlink|0o777)
		e.SymlinkTarget = "../.."
		f.Entries = append(f.Entries, e)
		f.Entries = append(f.Entries, ptartest.NewEntry("/out/evil", fs.ModeDir|0o755))
	}},
	{name: "a device and a program of root", archive: true, forge: func(_ *testing.T, f *forgery) {
		f.Entries = append(f.Entries, ptartest.NewEntry("/dev", fs.ModeDevice|0o666))
		put(f, "root", 0o755|fs.ModeSetuid, "x")
	}},
	{name: "a path twice", forge: func(_ *testing.T, f *forgery) { put(f, "manifest.yaml", 0o644, "name: y\n") }},
	{name: "a file of 2^50 bytes", archive: true, forge: func(_ *testing.T, f *forgery) { put(f, "x", 0o644, "x").FileInfo.Lsize = 1 << 50 }},

	// What is said of the whole.
	{name: "a key that takes 4 TiB to derive", forge: func(_ *testing.T, f *forgery) {
		f.Config.Encryption = encryption.NewDefaultConfiguration()
		f.Config.Encryption.KDFParams.Argon2idParams.Memory = math.MaxUint32
	}},
	{name: "chunks of 4 GiB, by its configuration", archive: true, forge: func(_ *testing.T, f *forgery) {
		f.Config.Chunking.MaxSize = math.MaxUint32
	}},
	{name: "a compression that plakar never uses", forge: func(_ *testing.T, f *forgery) {
		f.Config.Compression = &compression.Configuration{Algorithm: "ZSTD"}
	}},
	{name: "a header that commands the terminal", archive: true, forge: func(_ *testing.T, f *forgery) {
		f.Header = func(h *header.Header) {
			h.Name, h.Tags = "\x1b[2J", []string{"\u009b1m\a"}
			h.Sources[0].Importer.Origin, h.Sources[0].Importer.Type = "\x1b]0;owned\a", "\x1b[2J"
		}
	}},

	// Manifests.
	{name: "a manifest of unknown keys", archive: true, forge: func(t *testing.T, f *forgery) {
		var text strings.Builder
		for i := range 500 {
			fmt.Fprintf(&text, "\"k%d\\e[2J%s\": x\n", i, strings.Repeat("x", 1000))
		}
		*f = *ptartest.NewForgery(t, "LZ4", nil)
		put(f, "manifest.yaml", 0o644, text.String())
	}},
}

// raw is what no command may send to a terminal, other than the ends of lines and tabs.
var raw = regexp.MustCompile("[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u202a-\u202e\u2066-\u2069]|goroutine \\d+ \\[")

// TestForgedFiles gives each forged file to every command that reads such files. None may take it for good that must not,
// none panics, and all stay within their memory and what they may print.
func TestForgedFiles(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	t.Parallel()
	base := t.TempDir()
	name := "app_v1.0.0_" + runtime.GOOS + "_" + runtime.GOARCH + ".ptar"
	source := filepath.Join(base, "app")
	forgedIntegration(t, source)
	must := func(args ...string) {
		t.Helper()
		cmd := exec.Command("kpkg", args...)
		cmd.Dir = base
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("kpkg %q: %v\n%s", args, err, out)
		}
	}
	must("keygen", "acme", "--no-passphrase")
	release := []string{"release", source, "v1.0.0", "--skip-test", "importer:app", "--skip-test", "exporter:app", "--allow", "release-commit",
		"--repository", "https://example.org/app", "--out-dir", "dist"}
	must(append(release, "--key", "acme.sec")...)
	good := filepath.Join(base, "dist", name)
	released, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(base, "acme.sec")

	// Those that must refuse every one.
	ofPackages := [][]string{
		{"verify", name},
		{"verify", name, "--format", "json"},
		{"verify", name, "--format", "junit"},
		{"verify", name, "--format", "sarif"},
		{"install", name, "--root", "root"},
		{"test", name},
		{"try", "backup", name, "app://x", "-o", "data.ptar"},
	}
	ofArchives := [][]string{
		{"inspect", name, "--layout", "-v"},
		{"inspect", name, "--format", "json"},
		{"inspect", name, "--html", "page.html"},
		{"ls", name, "-lR", "--snapshot", "latest"},
		{"ls", name, "--digest", "--format", "json", "--snapshot", "latest"},
		{"extract", name, "-C", "extracted", "--snapshot", "latest"},
		{"extract", name, "--tar", "x.tar", "--snapshot", "latest"},
		{"extract", name, "--zip", "x.zip", "--snapshot", "latest"},
		{"check", name},
		{"check", name, "--format", "json"},
		{"diff", name, good, "--content"},
		{"diff", good, name, "--format", "json"},
		{"pack", ".", "--exclude", "/*/", "-o", "../packed.ptar", "--force"},
		{"serve", name},
		{"cat", name, "manifest.yaml", "--snapshot", "latest"},
		{"try", "ls", name},
		{"try", "restore", good, "app://x", name},
	}
	for _, forged := range append(forgedFiles, forged{name: "none"}) {
		t.Run(forged.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "w")
			if err := os.CopyFS(filepath.Join(dir, "dist"), os.DirFS(filepath.Join(base, "dist"))); err != nil {
				t.Fatal(err)
			}
			f := ptartest.NewForgery(t, "LZ4", []ptartest.File{{Path: "manifest.yaml", Mode: 0o644, Content: []byte("name: app\n")}})
			if forged.forge != nil {
				forged.forge(t, f)
			}
			data := f.Bytes()
			if forged.bytes != nil {
				data = forged.bytes(data)
			}
			for _, file := range []string{name, "dist/" + name} {
				if err := os.WriteFile(filepath.Join(dir, file), data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			// A registry takes what its own maker has signed, and is no less careful then.
			lines := slices.Concat(ofPackages, [][]string{
				{"sign", "dist/" + name, "--key", key},
				{"index", "dist", "--out-dir", "tree", "--key", key},
			}, ofArchives, [][]string{slices.Concat(release, []string{"--key", key})})
			all := each(t, dir, lines)
			for i, r := range all {
				refuses := i < len(ofPackages) || r.Args[0] == "index" ||
					r.Args[0] == "check" && !forged.archive && forged.name != "none"
				checkForged(t, r, refuses)
			}
			// A release takes over no file that it has not made.
			if made, err := os.ReadFile(filepath.Join(dir, "dist", name)); all[len(all)-1].Status == exitOK && !bytes.Equal(made, released) {
				t.Errorf("the package of the release is another one: %v", err)
			}
			if at := slices.IndexFunc(all, func(r ran) bool { return r.Peak > maxPeak }); at >= 0 {
				t.Errorf("kpkg %q took %d MiB of memory", all[at].Args, all[at].Peak>>10)
			}
			left, err := filepath.Glob(filepath.Join(dir, "..", "*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range left {
				if base := filepath.Base(path); base != "w" && base != "packed.ptar" {
					t.Errorf("%s is written outside of where it should be", base)
				}
			}
		})
	}
}

func checkForged(t *testing.T, r ran, refuses bool) {
	t.Helper()
	// What is no package at all is given to try by mistake, as far as it knows.
	mistaken := r.Status == exitUsage && r.Args[0] == "try"
	if r.Status != exitOK && r.Status != exitFindings && r.Status != exitFailed && !mistaken {
		t.Errorf("kpkg %q: exit status %d\n%.2000s", r.Args, r.Status, r.Out)
	}
	if refuses && r.Status == exitOK {
		t.Errorf("kpkg %q: exit status 0\n%.2000s", r.Args, r.Out)
	}
	if r.Status != exitOK && strings.TrimSpace(r.Out) == "" {
		t.Errorf("kpkg %q: exit status %d, and no word", r.Args, r.Status)
	}
	// To list in JSON is to give all of each name and target, as they are.
	if listing := r.Args[0] == "ls" && slices.Contains(r.Args, "json"); r.Printed > maxReport && !listing {
		t.Errorf("kpkg %q printed %d bytes", r.Args, r.Printed)
	}
	if r.Served > 64<<20 {
		t.Errorf("kpkg %q served %d bytes", r.Args, r.Served)
	}
	if at := raw.FindStringIndex(r.Out); at != nil {
		t.Errorf("kpkg %q prints %q", r.Args, r.Out[max(0, at[0]-100):min(len(r.Out), at[1]+100)])
	}
	if testing.Verbose() {
		t.Logf("kpkg %q: %d after %v, %d bytes: %.300s", r.Args, r.Status, r.Took, r.Printed, r.Out)
	}
}

// forgedIntegration is one that a release takes whose executable is a script, so that nothing is built.
func forgedIntegration(t *testing.T, dir string) {
	t.Helper()
	for name, content := range map[string]string{
		"run":         "#!/bin/sh\nexit 3\n",
		"schema.json": `{"type": "object", "properties": {"location": {"type": "string"}}}`,
		"README.md":   "# App\n", "LICENSE": "free\n", "go.mod": "module example.org/app\n\ngo 1.26\n",
		"manifest.yaml": "name: app\ndisplay_name: App\ndescription: connectors that are a script\nhomepage: https://example.org/app\n" +
			"license: ISC\napi_version: v1.1.0\nconnectors:\n" +
			"- {type: importer, class: service, executable: run, protocols: [app], validator: schema.json}\n" +
			"- {type: exporter, class: service, executable: run, protocols: [app], validator: schema.json}\n" +
			"build: {platforms: [" + runtime.GOOS + "/" + runtime.GOARCH + "]}\n",
	} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
