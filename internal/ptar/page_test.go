package ptar_test

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/pierrec/lz4/v4"
	"github.com/vmihailenco/msgpack/v5"
	"github.com/zeebo/blake3"

	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

// Packages are read here by the tables of docs/ptar.md alone, as somebody would who has nothing else: each structure is taken
// apart by its table, and whatever the table does not say of it is an error.

// page is the tables of docs/ptar.md by their headings: rows of cells, as they are written.
type page map[string][][]string

func readPage(t *testing.T) page {
	t.Helper()
	text, err := os.ReadFile("../../docs/ptar.md")
	if err != nil {
		t.Fatal(err)
	}
	p := page{}
	heading := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "### "); ok {
			heading = name
		}
		if inner, ok := strings.CutPrefix(line, "| "); ok {
			var cells []string
			for cell := range strings.SplitSeq(strings.TrimSuffix(inner, "|"), "|") {
				cells = append(cells, strings.TrimSpace(cell))
			}
			p[heading] = append(p[heading], cells)
		}
	}
	return p
}

// rows are those of a table, without its title, which must be the one given.
func (p page) rows(t *testing.T, heading, title string) [][]string {
	t.Helper()
	table := p[heading]
	if len(table) < 2 || table[0][0] != title {
		t.Fatalf("the page has no table of %s under %q", title, heading)
	}
	return table[1:]
}

func unquote(cell string) string { return strings.Split(cell, "`")[1] }

// bytes takes binary data apart by a table of bytes.
func (p page) bytes(t *testing.T, heading string, data []byte) map[string][]byte {
	t.Helper()
	rows := p.rows(t, heading, "bytes")
	fixed := 0
	for _, row := range rows {
		n, _ := strconv.Atoi(row[0])
		fixed += n
	}
	fields := map[string][]byte{}
	for _, row := range rows {
		n, err := strconv.Atoi(row[0])
		if err != nil {
			n = len(data) - fixed // the one of open length
		} else {
			fixed -= n
		}
		if n < 0 || n > len(data) {
			t.Fatalf("%s: %s has no room", heading, row[1])
		}
		fields[unquote(row[1])] = data[:n]
		data = data[n:]
	}
	if len(data) > 0 {
		t.Fatalf("%s: %d bytes are in no field", heading, len(data))
	}
	return fields
}

// width is how many bytes the structure of a table has.
func (p page) width(t *testing.T, heading string) int {
	sum := 0
	for _, row := range p.rows(t, heading, "bytes") {
		n, err := strconv.Atoi(row[0])
		if err != nil {
			t.Fatalf("%s has no fixed length", heading)
		}
		sum += n
	}
	return sum
}

func number(b []byte) uint64 {
	return binary.LittleEndian.Uint64(append(slices.Clone(b), make([]byte, 8-len(b))...))
}

// unpack decodes a value of MessagePack and holds it to the table of keys.
func (p page) unpack(t *testing.T, heading string, data []byte) map[string]any {
	t.Helper()
	d := msgpack.NewDecoder(bytes.NewReader(data))
	value, err := d.DecodeInterface()
	if err != nil {
		t.Fatalf("%s: %v", heading, err)
	}
	if _, err := d.PeekCode(); err != io.EOF {
		t.Errorf("%s: bytes follow it", heading)
	}
	p.check(t, heading, "map "+heading, value)
	return value.(map[string]any)
}

func (p page) check(t *testing.T, where, kind string, value any) {
	t.Helper()
	kind, nilable := strings.CutSuffix(kind, ", nil")
	if nilable && value == nil {
		return
	}
	ok := false
	switch first, rest, _ := strings.Cut(kind, " "); first {
	case "any":
		ok = true
	case "string":
		_, ok = value.(string)
	case "bool":
		_, ok = value.(bool)
	case "time":
		_, ok = value.(time.Time)
	case "number":
		ok = regexp.MustCompile(`^u?int(8|16|32|64)?$|^float(32|64)$`).MatchString(fmt.Sprintf("%T", value))
	case "bytes":
		var b []byte
		b, ok = value.([]byte)
		ok = ok && (rest == "" || rest == strconv.Itoa(len(b)))
	case "array":
		var all []any
		all, ok = value.([]any)
		for _, one := range all {
			p.check(t, where, rest, one)
		}
	case "map":
		var got map[string]any
		if got, ok = value.(map[string]any); !ok || rest == "" {
			break
		}
		known := map[string]bool{}
		for _, row := range p.rows(t, rest, "key") {
			key, optional := strings.CutSuffix(unquote(row[0]), "?")
			known[key] = true
			if one, present := got[key]; present {
				p.check(t, where+"."+key, row[1], one)
			} else if !optional {
				t.Errorf("%s has no %s", where, key)
			}
		}
		for key := range got {
			if !known[key] {
				t.Errorf("%s has %s, of which the page says nothing", where, key)
			}
		}
	}
	if !ok {
		t.Errorf("%s is %T and not %s", where, value, kind)
	}
}

// reader is a file on its way.
type reader struct {
	t    *testing.T
	page page

	compression string
	keyed       func() hash.Hash
	body        []byte // of the packfile
	index       map[string]map[string][]byte
	types       map[string]uint64 // by name
	seen        map[string]bool   // the blobs that were read
}

func (r *reader) mac(data []byte) []byte {
	h := r.keyed()
	h.Write(data)
	return h.Sum(nil)
}

func (r *reader) decode(data []byte) []byte {
	r.t.Helper()
	var in io.Reader = bytes.NewReader(data)
	var err error
	switch r.compression {
	case "GZIP":
		in, err = gzip.NewReader(in)
	case "LZ4":
		in = lz4.NewReader(in)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	decoded, err := io.ReadAll(in)
	if err != nil {
		r.t.Fatal(err)
	}
	return decoded
}

// region returns the body of a region.
func (r *reader) region(data []byte, name string) []byte {
	r.t.Helper()
	f := r.page.bytes(r.t, "A region", data)
	if string(f["magic"]) != "_KLOSET_" || number(f["type"]) != r.types[name] {
		r.t.Fatalf("the region of the %s begins with %q", name, data[:16])
	}
	sum := r.mac
	if name == "configuration" { // the key is inside
		sum = func(data []byte) []byte {
			h := blake3.Sum256(data)
			return h[:]
		}
	}
	if !bytes.Equal(sum(data[:len(data)-len(f["mac"])]), f["mac"]) {
		r.t.Errorf("the MAC of the %s differs", name)
	}
	return f["body"]
}

// open reads all but the blobs.
func (r *reader) open(data []byte) {
	t := r.t
	for _, row := range r.page.rows(t, "Resource types", "number") {
		n, err := strconv.Atoi(row[0])
		if err != nil {
			t.Fatal(err)
		}
		r.types[unquote(row[1])] = uint64(n)
	}
	file := r.page.bytes(t, "The file", data)
	if string(file["magic"]) != "_PLATAR_" || number(file["version"]) != 0x10000 {
		t.Fatalf("it begins with %q", data[:12])
	}
	trailer := r.page.bytes(t, "The trailer", file["trailer"])
	next := uint64(12)
	part := func(name string) []byte {
		offset, length := number(trailer[name+"_offset"]), number(trailer[name+"_length"])
		if offset != next {
			t.Fatalf("the %s begins at byte %d, not %d", name, offset, next)
		}
		next += length
		return data[offset:next]
	}

	config := r.page.unpack(t, "Configuration", r.region(part("configuration"), "configuration"))
	if compression, ok := config["Compression"].(map[string]any); ok {
		r.compression = compression["Algorithm"].(string)
	}
	algorithm := config["Hashing"].(map[string]any)["Algorithm"]
	var h hash.Hash = blake3.New()
	if algorithm == "SHA256" {
		h = sha256.New()
	}
	h.Write(config["RepositoryID"].([]byte))
	key := h.Sum(nil)
	r.keyed = func() hash.Hash {
		if algorithm == "SHA256" {
			return hmac.New(sha256.New, key)
		}
		keyed, err := blake3.NewKeyed(key)
		if err != nil {
			t.Fatal(err)
		}
		return keyed
	}

	r.body = r.region(part("packfile"), "packfile")
	body := r.page.bytes(t, "Body of the packfile", r.body)
	footerAt := len(body["encoded"]) - int(number(body["footer_length"]))
	footer := r.page.bytes(t, "Footer", r.decode(body["encoded"][footerAt:]))
	index := r.decode(r.body[number(footer["index_offset"]):footerAt])
	if !bytes.Equal(r.mac(index), footer["index_mac"]) {
		t.Error("the MAC of the index differs")
	}
	width := r.page.width(t, "Record of the index")
	if len(index) != width*int(number(footer["count"])) {
		t.Errorf("the index has %d bytes for %d records", len(index), number(footer["count"]))
	}
	for ; len(index) > 0; index = index[width:] {
		record := r.page.bytes(t, "Record of the index", index[:width])
		r.index[blobKey(number(record["type"]), record["mac"])] = record
	}

	state := part("state")
	version := number(r.page.bytes(t, "A region", state)["version"])
	r.state(r.decode(r.region(state, "state")), version)
	if next != uint64(len(data)-len(file["trailer"])) {
		t.Errorf("the regions end at byte %d", next)
	}
}

func blobKey(typ uint64, mac []byte) string { return fmt.Sprintf("%d %x", typ, mac) }

// state compares the state with the index.
func (r *reader) state(data []byte, version uint64) {
	t := r.t
	if version == 0x10100 {
		data = data[r.page.width(t, "Parent of the state"):]
	}
	head := r.page.width(t, "Item of the state")
	located := 0
	for data[0] != 1 {
		item := r.page.bytes(t, "Item of the state", data[:head])
		body := data[head:][:number(item["length"])]
		data = data[head+len(body):]
		switch number(item["kind"]) {
		case 2:
			located++
			location := r.page.bytes(t, "Location", body)
			record := r.index[blobKey(number(location["type"]), location["mac"])]
			if !bytes.Equal(location["offset"], record["offset"]) || !bytes.Equal(location["length"], record["length"]) {
				t.Errorf("the state has a blob of type %d elsewhere", location["type"])
			}
		case 4:
			r.page.bytes(t, "Packfile item", body)
		default:
			t.Errorf("the state has an item of kind %d", item["kind"])
		}
	}
	r.page.bytes(t, "Metadata of the state", data)
	if located != len(r.index) {
		t.Errorf("the state has %d of %d blobs", located, len(r.index))
	}
}

// blob reads a blob, whose MAC must be its own unless it goes by the snapshot's identifier.
func (r *reader) blob(name string, mac []byte) []byte {
	r.t.Helper()
	key := blobKey(r.types[name], mac)
	record, ok := r.index[key]
	if !ok {
		r.t.Fatalf("there is no %s %x", name, mac)
	}
	r.seen[key] = true
	offset := number(record["offset"])
	data := r.decode(r.body[offset:][:number(record["length"])])
	if name != "snapshot" && !bytes.Equal(r.mac(data), mac) {
		r.t.Errorf("the MAC of a %s differs", name)
	}
	return data
}

// tree visits the leaves of a tree in their order.
func (r *reader) tree(root, node string, mac []byte, visit func(key string, value []byte)) {
	r.t.Helper()
	top := r.page.unpack(r.t, "Root of a tree", r.blob(root, mac))
	var walk func(mac []byte)
	walk = func(mac []byte) {
		n := r.page.unpack(r.t, "Node", r.blob(node, mac))
		keys, _ := n["keys"].([]any)
		pointers, _ := n["pointers"].([]any)
		values, _ := n["values"].([]any)
		if leaf := len(pointers) == 0; leaf && len(values) != len(keys) || !leaf && len(pointers) != len(keys)+1 {
			r.t.Errorf("a node has %d keys, %d pointers and %d values", len(keys), len(pointers), len(values))
		}
		for _, pointer := range pointers {
			walk(pointer.([]byte))
		}
		for i, value := range values {
			visit(keys[i].(string), value.([]byte))
		}
	}
	walk(top["Root"].([]byte))
}

// content reads an object.
func (r *reader) content(mac []byte) []byte {
	r.t.Helper()
	object := r.page.unpack(r.t, "Object", r.blob("object", mac))
	var content []byte
	for _, one := range object["chunks"].([]any) {
		chunk := one.(map[string]any)
		data := r.blob("chunk", chunk["contentMAC"].([]byte))
		if fmt.Sprint(chunk["length"]) != strconv.Itoa(len(data)) {
			r.t.Errorf("a chunk has %d bytes, not %v", len(data), chunk["length"])
		}
		content = append(content, data...)
	}
	if !bytes.Equal(r.mac(content), object["contentMAC"].([]byte)) {
		r.t.Error("the MAC of a content differs")
	}
	return content
}

// readByPage lists the entries of a file, each with its mode and content.
func readByPage(t *testing.T, data []byte) (entries map[string]string, failures []string) {
	r := &reader{t: t, page: readPage(t), index: map[string]map[string][]byte{}, types: map[string]uint64{}, seen: map[string]bool{}}
	r.open(data)
	modes := map[uint64]string{}
	for _, row := range r.page.rows(t, "Modes", "bit") {
		bit, err := strconv.Atoi(row[0])
		if err != nil {
			t.Fatal(err)
		}
		modes[1<<bit] = unquote(row[1])
	}
	entries = map[string]string{}
	for key, record := range r.index {
		if number(record["type"]) != r.types["snapshot"] {
			continue
		}
		snapshot := r.page.unpack(t, "Snapshot", r.blob("snapshot", record["mac"]))
		if blobKey(r.types["snapshot"], snapshot["identifier"].([]byte)) != key {
			t.Error("the snapshot calls itself otherwise")
		}
		for _, one := range snapshot["sources"].([]any) {
			source := one.(map[string]any)
			trees := source["root"].(map[string]any)
			r.tree("vfs-btree", "vfs-node", trees["root"].([]byte), func(key string, mac []byte) {
				entry := r.page.unpack(t, "Entry", r.blob("vfs-entry", mac))
				info := entry["file_info"].(map[string]any)
				mode, err := strconv.ParseUint(fmt.Sprint(info["mode"]), 10, 32)
				if err != nil {
					t.Fatal(err)
				}
				kind := "file"
				for bit, name := range modes {
					if mode&bit != 0 {
						kind = name
					}
				}
				text := fmt.Sprintf("%s %o", kind, mode&0o777)
				if kind == "file" {
					text += " " + string(r.content(entry["object"].([]byte)))
				}
				if target, ok := entry["symlink_target"]; ok {
					text += " " + target.(string)
				}
				entries[key] = text
			})
			r.tree("xattr-btree", "xattr-node", trees["xattrs"].([]byte), func(_ string, mac []byte) {
				r.page.unpack(t, "Attribute", r.blob("xattr-entry", mac))
			})
			r.tree("error-btree", "error-node", trees["errors"].([]byte), func(key string, mac []byte) {
				failures = append(failures, key+": "+r.page.unpack(t, "Error", r.blob("error-entry", mac))["error"].(string))
			})
			for _, one := range source["indexes"].([]any) {
				index := one.(map[string]any)
				r.tree("btree-root", "btree-node", index["value"].([]byte), func(key string, mac []byte) {
					switch index["name"] {
					case "content-type":
						r.blob("vfs-entry", mac)
					case "summary":
						r.page.unpack(t, "Summary", r.blob("vfs-summary", mac))
					case "dirpack":
						r.dirpack(mac)
					default:
						t.Errorf("there is an index %v", index["name"])
					}
				})
			}
		}
	}
	for key := range r.index {
		if !r.seen[key] {
			t.Errorf("nothing leads to the blob %s", key)
		}
	}
	return entries, failures
}

func (r *reader) dirpack(mac []byte) {
	head := r.page.width(r.t, "Frame of a dirpack")
	for data := r.content(mac); len(data) > 0; {
		frame := r.page.bytes(r.t, "Frame of a dirpack", data[:head])
		rest := data[head:][:number(frame["length"])]
		data = data[head+len(rest):]
		entry := rest[:len(rest)-32]
		r.page.unpack(r.t, "Entry", entry)
		if !bytes.Equal(r.mac(entry), rest[len(entry):]) {
			r.t.Error("the MAC in a dirpack differs")
		}
	}
}

func TestPageReadsPackages(t *testing.T) {
	raced.Skip(t, "it does one thing after another")
	// Enough files for trees of more than one level, and one of several chunks.
	files := []ptartest.File{
		{Path: "manifest.yaml", Mode: 0o644, Content: []byte("name: words\n")},
		{Path: "program", Mode: 0o755, Content: bytes.Repeat([]byte("\x00\x01\x02"), 100)},
		{Path: "empty", Mode: 0o644},
	}
	want := map[string]string{}
	for i := range 120 {
		files = append(files, ptartest.File{Path: fmt.Sprintf("folder/%03d", i), Mode: 0o644, Content: fmt.Append(nil, i)})
	}
	for _, f := range files {
		want["/"+f.Path] = fmt.Sprintf("file %o %s", f.Mode, f.Content)
	}
	folders := func(mode fs.FileMode) map[string]string {
		all := maps.Clone(want)
		for _, name := range []string{"/", "/folder"} {
			all[name] = fmt.Sprintf("folder %o", mode)
		}
		return all
	}

	t.Run("kpkg's", func(t *testing.T) {
		got, failures := readByPage(t, ptartest.Kpkg(t, files))
		if !maps.Equal(got, folders(0o755)) || failures != nil {
			t.Errorf("it reads as %v, failures %v", got, failures)
		}
	})
	for name, configure := range map[string]func(*storage.Configuration){
		"plakar's": nil,
		"SHA-256":  func(c *storage.Configuration) { c.Hashing.Algorithm = "SHA256" },
		"gzip":     func(c *storage.Configuration) { c.Compression.Algorithm = "GZIP" },
		"none":     func(c *storage.Configuration) { c.Compression = nil },
	} {
		t.Run(name, func(t *testing.T) {
			more := append(slices.Clone(files),
				ptartest.File{Path: "link", Mode: fs.ModeSymlink | 0o777, Target: "program"},
				ptartest.File{Path: "secret", Err: errors.New("permission denied")},
			)
			expected := folders(0o700)
			expected["/link"] = "symbolic link 777 program"
			got, failures := readByPage(t, ptartest.Upstream(t, more, configure))
			if !maps.Equal(got, expected) || !slices.Equal(failures, []string{"/secret: permission denied"}) {
				t.Errorf("it reads as %v, failures %v", got, failures)
			}
		})
	}
}
