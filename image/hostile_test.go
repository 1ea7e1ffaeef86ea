package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/internal/raced"
)

// forgery is an archive of one image with sums and sizes that are right: what is wrong with it is elsewhere.
type forgery struct {
	layers [][]byte // as tars
	zipped bool     // with gzip
	repeat int      // how often the layers are the image's, beyond once

	// These change what describes the image, in their order.
	config, manifest, index func(map[string]any)
	extra                   []tarEntry
}

type tarEntry struct {
	name    string
	content []byte
}

func descriptor(content []byte) map[string]any {
	return map[string]any{"digest": fmt.Sprintf("sha256:%x", sha256.Sum256(content)), "size": len(content), "mediaType": "x"}
}

// file writes the archive and returns its path.
func (f forgery) file(t testing.TB) string {
	t.Helper()
	var entries []tarEntry
	blob := func(content []byte) map[string]any {
		entries = append(entries, tarEntry{fmt.Sprintf("blobs/sha256/%x", sha256.Sum256(content)), content})
		return descriptor(content)
	}
	document := func(value map[string]any, change func(map[string]any)) []byte {
		if change != nil {
			change(value)
		}
		written, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return written
	}
	layers, sums := []any{}, []any{}
	for _, layer := range f.layers {
		sum := descriptor(layer)["digest"]
		if f.zipped {
			var zipped bytes.Buffer
			w := gzip.NewWriter(&zipped)
			w.Write(layer)
			w.Close()
			layer = zipped.Bytes()
		}
		described := blob(layer)
		for range 1 + f.repeat {
			layers, sums = append(layers, described), append(sums, sum)
		}
	}
	config := document(map[string]any{
		"os": "linux", "architecture": "amd64", "rootfs": map[string]any{"type": "layers", "diff_ids": sums},
		"config": map[string]any{"Entrypoint": []any{"/program"}},
	}, f.config)
	manifest := document(map[string]any{"schemaVersion": 2, "config": blob(config), "layers": layers}, f.manifest)
	index := document(map[string]any{"schemaVersion": 2, "manifests": []any{blob(manifest)}}, f.index)
	entries = append(append(entries, tarEntry{"index.json", index}), f.extra...)

	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		if err := w.WriteHeader(&tar.Header{Name: e.name, Size: int64(len(e.content)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		w.Write(e.content)
	}
	w.Close()
	path := filepath.Join(t.TempDir(), "forged.oci.tar")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// layer is a tar with entries, each with the content "x" if it is a file.
func layer(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range headers {
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Typeflag == tar.TypeReg {
			h.Size = 1
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			w.Write([]byte("x"))
		}
	}
	w.Close()
	return out.Bytes()
}

// unpacked reads an archive and unpacks its image, and fails if anything is outside of the folder, or no file or folder.
func unpacked(t testing.TB, path string) error {
	t.Helper()
	archive, err := Read(t.Context(), path)
	if err != nil {
		return err
	}
	defer archive.Close()
	around := t.TempDir()
	root := filepath.Join(around, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	program, err := os.Create(filepath.Join(around, "program"))
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	_, programErr := archive.Program(t.Context(), archive.Images[0], program)
	err = archive.Unpack(t.Context(), archive.Images[0], root)
	if err == nil && programErr != nil && !strings.Contains(programErr.Error(), "entry point") {
		t.Errorf("it is unpacked, but for its program: %v", programErr)
	}
	if beside, err := os.ReadDir(around); err != nil || len(beside) != 2 {
		t.Errorf("beside the folder are %v, %v", beside, err)
	}
	filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			t.Error(err)
			return nil
		}
		info, err := entry.Info()
		if err != nil || info.Mode()&^fs.ModePerm&^fs.ModeDir != 0 {
			t.Errorf("%s is %v, %v", path, info.Mode(), err)
		}
		return nil
	})
	return err
}

// TestHostileArchive refuses archives that are right in their sums, and hostile otherwise.
func TestHostileArchive(t *testing.T) {
	good := layer(t, tar.Header{Name: "program", Mode: 0o755})
	one := func(headers ...tar.Header) forgery { return forgery{layers: [][]byte{layer(t, headers...)}} }
	set := func(key string, value any) func(map[string]any) {
		return func(into map[string]any) { into[key] = value }
	}
	many := func(n int, value any) []any {
		all := make([]any, n)
		for i := range all {
			all[i] = value
		}
		return all
	}
	first := func(list string, key string, value any) func(map[string]any) {
		return func(into map[string]any) { into[list].([]any)[0].(map[string]any)[key] = value }
	}
	long := make([]tarEntry, maxEntries)
	for i := range long {
		long[i].name = fmt.Sprint(i)
	}
	none := "sha256:" + strings.Repeat("0", 64)
	for name, test := range map[string]struct {
		forged forgery
		want   string // "" if it is unpacked
	}{
		"good":             {forgery{layers: [][]byte{good}}, ""},
		"compressed":       {forgery{layers: [][]byte{good}, zipped: true}, ""},
		"two layers":       {forgery{layers: [][]byte{good, layer(t, tar.Header{Name: "program", Mode: 0o700})}}, ""},
		"absolute name":    {one(tar.Header{Name: "/program"}), ""},
		"setuid":           {one(tar.Header{Name: "program", Mode: 0o6755}), ""},
		"no rights":        {one(tar.Header{Name: "d/", Typeflag: tar.TypeDir}, tar.Header{Name: "d/program"}), ""},
		"above":            {one(tar.Header{Name: "../program"}), "escapes"},
		"above in between": {one(tar.Header{Name: "a/../../program"}), "escapes"},
		"two slashes":      {one(tar.Header{Name: "//program"}), "escapes"},
		"link":             {one(tar.Header{Name: "program", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}), "neither a file"},
		"through a link":   {one(tar.Header{Name: "a", Typeflag: tar.TypeSymlink, Linkname: ".."}, tar.Header{Name: "a/program"}), "neither a file"},
		"hard link":        {one(tar.Header{Name: "program", Typeflag: tar.TypeLink, Linkname: "../../etc/passwd"}), "neither a file"},
		"device":           {one(tar.Header{Name: "program", Typeflag: tar.TypeBlock, Devmajor: 8}), "neither a file"},
		"pipe":             {one(tar.Header{Name: "program", Typeflag: tar.TypeFifo}), "neither a file"},
		"whiteout":         {one(tar.Header{Name: "etc/.wh.passwd"}), "removes a file"},
		"opaque folder":    {one(tar.Header{Name: "etc/.wh..wh..opq"}), "removes a file"},
		"file as folder":   {one(tar.Header{Name: "a"}, tar.Header{Name: "a/program"}), "mkdirat a"},
		"folder as file":   {one(tar.Header{Name: "a/program"}, tar.Header{Name: "a"}), "is a directory"},
		"long name":        {one(tar.Header{Name: strings.Repeat("a/", maxName/2) + "program"}), "the beginning of a name"},
		"no tar":           {forgery{layers: [][]byte{bytes.Repeat([]byte("hello"), 1000)}}, "a layer is no tar"},
		"cut short":        {forgery{layers: [][]byte{good[:512]}}, "unexpected EOF"},
		"bytes after it":   {forgery{layers: [][]byte{append(bytes.Clone(good), "more"...)}, zipped: true}, ""},
		"holes":            {forgery{layers: [][]byte{sparse(t, 1<<40)}}, "unpacks to more than"},

		"layer's digest":   {forgery{layers: [][]byte{good}, manifest: first("layers", "digest", none)}, "no file"},
		"layer's size":     {forgery{layers: [][]byte{good}, manifest: first("layers", "size", 7)}, "not 7 as it is said"},
		"strange digest":   {forgery{layers: [][]byte{good}, manifest: first("layers", "digest", "md5:00")}, "unsupported hash"},
		"digest as a path": {forgery{layers: [][]byte{good}, manifest: first("layers", "digest", "sha256:../../x")}, "no such JSON"},
		"no digest":        {forgery{layers: [][]byte{good}, manifest: set("layers", []any{map[string]any{}})}, "no SHA-256"},
		"manifest's size":  {forgery{layers: [][]byte{good}, index: first("manifests", "size", 7)}, "not 7 as it is said"},
		"other content": {
			forgery{layers: [][]byte{good}, config: set("rootfs", map[string]any{"diff_ids": []any{none}})}, "which its configuration names",
		},
		"missing layer": {forgery{layers: [][]byte{good}, manifest: set("layers", nil)}, "0 layers, and the sums of 1"},
		"many layers":   {forgery{layers: [][]byte{good}, repeat: maxLayers}, "128 layers"},
		"many images":   {forgery{layers: [][]byte{good}, index: set("manifests", many(maxImages+1, map[string]any{}))}, "101 images"},
		"no images":     {forgery{layers: [][]byte{good}, index: set("manifests", nil)}, "0 images"},
		"large index":   {forgery{layers: [][]byte{good}, index: set("manifests", many(maxJSON/3, map[string]any{}))}, "bytes, more than"},
		"large configuration": {
			forgery{layers: [][]byte{good}, config: set("x", strings.Repeat("x", maxJSON))}, "bytes, more than",
		},
		"one large image a hundred times": {
			forgery{layers: [][]byte{good}, config: set("x", strings.Repeat("x", maxJSON/2)), index: func(index map[string]any) {
				index["manifests"] = many(maxImages, index["manifests"].([]any)[0])
			}}, "describes its images in more than",
		},
		"another image for docker": {
			forgery{layers: [][]byte{good}, extra: []tarEntry{{"manifest.json", []byte(`[{"Config":"blobs/sha256/00","Layers":[]}]`)}}},
			"its manifest.json has an image",
		},
		"many files": {forgery{layers: [][]byte{good}, extra: long}, "more than 1000 files"},
	} {
		err := unpacked(t, test.forged.file(t))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// sparse is a layer with a file that is a hole of this size but for its end, in GNU's format 1.0, which tar writers of Go do not write.
func sparse(t testing.TB, size int64) []byte {
	t.Helper()
	var out bytes.Buffer
	record := func(key, value string) string {
		text := fmt.Sprintf(" %s=%s\n", key, value)
		length := len(text) + 2
		return fmt.Sprintf("%d%s", length, text)
	}
	pax := record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0") + record("GNU.sparse.name", "program") +
		record("GNU.sparse.realsize", fmt.Sprint(size))
	entry := func(kind byte, content []byte) {
		var h [512]byte
		copy(h[:], "program")
		copy(h[100:], "0000755\x00")
		copy(h[108:], "0000000\x00")
		copy(h[116:], "0000000\x00")
		copy(h[124:], fmt.Sprintf("%011o\x00", len(content)))
		copy(h[136:], "00000000000\x00")
		copy(h[148:], "        ")
		h[156] = kind
		copy(h[257:], "ustar\x0000")
		sum := 0
		for _, b := range h {
			sum += int(b)
		}
		copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
		out.Write(h[:])
		out.Write(content)
		out.Write(make([]byte, (512-len(content)%512)%512))
	}
	entry('x', []byte(pax))
	list := make([]byte, 512)
	copy(list, fmt.Sprintf("1\n%d\n1\n", size-1))
	entry('0', append(list, 'x'))
	out.Write(make([]byte, 1024))
	return out.Bytes()
}

// TestBombs ends what would unpack to more files, or more bytes, than there is reason for, in a bounded time.
func TestBombs(t *testing.T) {
	raced.Skip(t, "it unpacks gigabytes")
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	for i := range maxFiles + 1 {
		w.WriteHeader(&tar.Header{Name: fmt.Sprint("d/", i%10), Typeflag: tar.TypeDir, Mode: 0o755})
	}
	w.Close()
	err := unpacked(t, forgery{layers: [][]byte{files.Bytes()}, zipped: true}.file(t))
	if err == nil || !strings.Contains(err.Error(), "more than 100000 files") {
		t.Error(err)
	}
}

// TestReadEnds ends reading and unpacking with its context.
func TestReadEnds(t *testing.T) {
	path := forgery{layers: [][]byte{layer(t, tar.Header{Name: "program"})}}.file(t)
	archive, err := Read(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	ctx, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	if _, err := Read(ctx, path); ctx.Err() == nil || err == nil {
		t.Error("reading goes on")
	}
	if err := archive.Unpack(ctx, archive.Images[0], t.TempDir()); err == nil {
		t.Error("unpacking goes on")
	}
}

// FuzzUnpack unpacks archives whose sums are right. Each text takes the place of a part of a good one, unless it is empty; "CONFIG",
// "LAYER", "DIFF" and "MANIFEST" in it are those of the parts that it describes.
func FuzzUnpack(f *testing.F) {
	good := layer(f, tar.Header{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o755}, tar.Header{Name: "d/program", Mode: 0o755})
	f.Add(good, false, "", "", "")
	f.Add(good, true, "", "", "")
	f.Add(sparse(f, 1<<20), true, "", "", "")
	f.Add(layer(f, tar.Header{Name: "a", Typeflag: tar.TypeSymlink, Linkname: ".."}, tar.Header{Name: "../.wh.b"}), false, "", "", "")
	f.Add(good, false, `{"rootfs":{"diff_ids":["DIFF"]},"config":{"Entrypoint":["d/program"],"User":"0:0"}}`,
		`{"config":CONFIG,"layers":[LAYER]}`, `{"manifests":[MANIFEST,MANIFEST]}`)
	f.Fuzz(func(t *testing.T, layer []byte, zipped bool, config, manifest, index string) {
		if len(layer)+len(config)+len(manifest)+len(index) > 1<<16 {
			return
		}
		diff := descriptor(layer)["digest"].(string)
		if zipped {
			var out bytes.Buffer
			w := gzip.NewWriter(&out)
			w.Write(layer)
			w.Close()
			layer = out.Bytes()
		}
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		add := func(name string, content []byte) string {
			w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644})
			w.Write(content)
			described, _ := json.Marshal(descriptor(content))
			return string(described)
		}
		blob := func(text string, content []byte) string {
			if text != "" {
				content = []byte(text)
			}
			return add(fmt.Sprintf("blobs/sha256/%x", sha256.Sum256(content)), content)
		}
		layerBlob := blob("", layer)
		configBlob := blob(strings.ReplaceAll(config, "DIFF", diff),
			[]byte(`{"os":"linux","config":{"Entrypoint":["/d/program"]},"rootfs":{"diff_ids":["`+diff+`"]}}`))
		manifestBlob := blob(strings.NewReplacer("CONFIG", configBlob, "LAYER", layerBlob).Replace(manifest),
			[]byte(`{"schemaVersion":2,"config":`+configBlob+`,"layers":[`+layerBlob+`]}`))
		if index == "" {
			index = `{"manifests":[MANIFEST]}`
		}
		add("index.json", []byte(strings.ReplaceAll(index, "MANIFEST", manifestBlob)))
		w.Close()
		path := filepath.Join(t.TempDir(), "fuzzed.oci.tar")
		if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		unpacked(t, path)
	})
}

// FuzzRead reads any bytes as an archive.
func FuzzRead(f *testing.F) {
	content, err := os.ReadFile(forgery{layers: [][]byte{layer(f, tar.Header{Name: "program"})}}.file(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add(content[:len(content)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "fuzzed.oci.tar")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		unpacked(t, path)
	})
}
