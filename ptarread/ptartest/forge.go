package ptartest

import (
	"bytes"
	"encoding/binary"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/btree"
	"github.com/PlakarKorp/kloset/compression"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/hashing"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/packfile"
	"github.com/PlakarKorp/kloset/repository/state"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
	"github.com/PlakarKorp/kloset/versioning"
	"github.com/google/uuid"
	"github.com/vmihailenco/msgpack/v5"
)

var version = versioning.FromString("1.0.0")

// Forgery is a package in the making whose MACs will all be right, as anyone can compute them, whatever it says. What it
// says without a change is a good package of its files. Each function field that is set changes what is written next.
type Forgery struct {
	t testing.TB
	// Config is the store's configuration. What has been put is compressed by then.
	Config *storage.Configuration
	// Entries are the snapshot's, without "/".
	Entries []*vfs.Entry

	// Listing changes the entries that the dirpack index lists for a directory.
	Listing func(dir string, entries []*vfs.Entry) []*vfs.Entry
	// Tree changes keys and entries of the file tree.
	Tree func(*btree.Node[string, objects.MAC, objects.MAC])
	// Header changes the snapshot, when all it refers to has been put.
	Header func(*header.Header)
	// Snapshot changes the serialized header.
	Snapshot func([]byte) []byte
	// Index, Footer and FooterLength change the packfile's table of contents; State the state, before it is compressed.
	Index        func([]packfile.Blob) []packfile.Blob
	Footer       func(*packfile.PackfileInMemoryFooter)
	FooterLength func(uint32) uint32
	State        func([]byte) []byte
	// Trailer changes offsets and lengths of the three regions.
	Trailer func([]int64)

	blobs  bytes.Buffer
	index  []packfile.Blob
	stored map[objects.MAC]map[resources.Type]bool
}

// NewForgery begins a package of the files, compressed as named: "LZ4", "GZIP", or "" for not at all.
func NewForgery(t testing.TB, algorithm string, files []File) *Forgery {
	config := storage.NewConfiguration()
	config.Encryption = nil
	config.RepositoryID = uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
	if config.Compression.Algorithm = algorithm; algorithm == "" {
		config.Compression = nil
	}
	f := &Forgery{t: t, Config: config, stored: map[objects.MAC]map[resources.Type]bool{}}
	for _, file := range files {
		f.Add(file)
	}
	return f
}

// Add puts a file and its folders.
func (f *Forgery) Add(file File) *vfs.Entry {
	name := path.Join("/", file.Path)
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		if !slices.ContainsFunc(f.Entries, func(e *vfs.Entry) bool { return e.Path() == dir }) {
			f.Entries = append(f.Entries, NewEntry(dir, fs.ModeDir|0o755))
		}
	}
	e := NewEntry(name, file.Mode)
	e.SymlinkTarget = file.Target
	if file.Mode.IsRegular() {
		e.FileInfo.Lsize = int64(len(file.Content))
		e.Object = f.PutObject(file.Content)
	}
	f.Entries = append(f.Entries, e)
	return e
}

// NewEntry is an entry at an absolute path, of an empty file or something else without content.
func NewEntry(name string, mode fs.FileMode) *vfs.Entry {
	info := objects.NewFileInfo(path.Base(name), 0, mode, time.Unix(0, 0), 0, 0, 0, 0, 1)
	return vfs.NewEntry(path.Dir(name), &connectors.Record{Pathname: name, FileInfo: info})
}

// PutObject puts content made of the given chunks.
func (f *Forgery) PutObject(chunks ...[]byte) objects.MAC {
	object := objects.NewObject()
	object.ContentMAC = f.MAC(slices.Concat(chunks...))
	for _, data := range chunks {
		chunk := objects.NewChunk()
		chunk.ContentMAC = f.Put(resources.RT_CHUNK, data)
		chunk.Length = uint32(len(data))
		object.Chunks = append(object.Chunks, *chunk)
	}
	return f.PutValue(resources.RT_OBJECT, object)
}

// PutValue puts a value in msgpack.
func (f *Forgery) PutValue(typ resources.Type, value any) objects.MAC {
	data, err := msgpack.Marshal(value)
	f.must(err)
	return f.Put(typ, data)
}

// Put puts a blob, once.
func (f *Forgery) Put(typ resources.Type, data []byte) objects.MAC {
	mac := f.MAC(data)
	f.PutAs(typ, mac, f.Encode(data))
	return mac
}

// PutAs puts a blob under any MAC, already compressed.
func (f *Forgery) PutAs(typ resources.Type, mac objects.MAC, stored []byte) {
	if f.stored[mac][typ] {
		return
	}
	if f.stored[mac] == nil {
		f.stored[mac] = map[resources.Type]bool{}
	}
	f.stored[mac][typ] = true
	f.index = append(f.index, packfile.Blob{
		Type: typ, Version: version, MAC: mac, Offset: uint64(f.blobs.Len()), Length: uint32(len(stored)),
	})
	f.blobs.Write(stored)
}

// PutTree puts a tree of one leaf.
func (f *Forgery) PutTree(root, node resources.Type, leaf *btree.Node[string, objects.MAC, objects.MAC]) objects.MAC {
	return f.PutRoot(root, f.PutValue(node, leaf))
}

// PutRoot puts the description of a tree.
func (f *Forgery) PutRoot(root resources.Type, node objects.MAC) objects.MAC {
	return f.PutValue(root, &btree.BTree[string, objects.MAC, objects.MAC]{Order: 50, Root: node})
}

// MAC is the MAC of the store.
func (f *Forgery) MAC(data []byte) objects.MAC {
	key := hashing.GetHasher(f.Config.Hashing.Algorithm)
	key.Write(f.Config.RepositoryID[:])
	mac := hashing.GetMACHasher(f.Config.Hashing.Algorithm, key.Sum(nil))
	mac.Write(data)
	return objects.MAC(mac.Sum(nil))
}

// Bytes completes the package.
func (f *Forgery) Bytes() []byte {
	f.putSnapshot()
	if f.Index != nil {
		f.index = f.Index(f.index)
	}
	config, err := f.Config.ToBytes()
	f.must(err)
	wrapped, err := storage.Serialize(hashing.GetHasher(storage.DEFAULT_HASHING_ALGORITHM), resources.RT_CONFIG, version,
		bytes.NewReader(config))
	f.must(err)
	sealedConfig, err := io.ReadAll(wrapped)
	f.must(err)

	out := bytes.NewBufferString("_PLATAR_")
	f.must(binary.Write(out, binary.LittleEndian, version))
	var trailer []int64
	for _, region := range [][]byte{
		sealedConfig, f.seal(resources.RT_PACKFILE, f.packfile()), f.seal(resources.RT_STATE, f.Encode(f.state())),
	} {
		trailer = append(trailer, int64(out.Len()), int64(len(region)))
		out.Write(region)
	}
	if f.Trailer != nil {
		f.Trailer(trailer)
	}
	f.must(binary.Write(out, binary.LittleEndian, trailer))
	return out.Bytes()
}

func (f *Forgery) putSnapshot() {
	entries := append([]*vfs.Entry{NewEntry("/", fs.ModeDir|0o755)}, f.Entries...)
	slices.SortFunc(entries, func(a, b *vfs.Entry) int { return vfs.PathCmp(a.Path(), b.Path()) })
	tree := &btree.Node[string, objects.MAC, objects.MAC]{}
	for _, e := range entries {
		tree.Keys = append(tree.Keys, e.Path())
		tree.Values = append(tree.Values, f.PutValue(resources.RT_VFS_ENTRY, e))
	}
	if f.Tree != nil {
		f.Tree(tree)
	}
	empty := &btree.Node[string, objects.MAC, objects.MAC]{}
	source := header.NewSource()
	source.Importer = header.Importer{Type: "forge", Directory: "/"}
	source.VFS = header.VFS{
		Root:   f.PutTree(resources.RT_VFS_BTREE, resources.RT_VFS_NODE, tree),
		Xattrs: f.PutTree(resources.RT_XATTR_BTREE, resources.RT_XATTR_NODE, empty),
		Errors: f.PutTree(resources.RT_ERROR_BTREE, resources.RT_ERROR_NODE, empty),
	}
	source.Indexes = []header.Index{{Name: "dirpack", Type: "btree", Value: f.putDirpack(entries)}}
	h := header.NewHeader("forged", objects.MAC{1, 2, 3})
	h.Timestamp = time.Unix(0, 0)
	h.Sources = []header.Source{source}
	if f.Header != nil {
		f.Header(h)
	}
	data, err := h.Serialize()
	f.must(err)
	if f.Snapshot != nil {
		data = f.Snapshot(data)
	}
	f.PutAs(resources.RT_SNAPSHOT, objects.MAC{1, 2, 3}, f.Encode(data))
}

// putDirpack puts the listing of every directory.
func (f *Forgery) putDirpack(entries []*vfs.Entry) objects.MAC {
	listings := map[string]objects.MAC{}
	for _, dir := range entries {
		if !dir.IsDir() {
			continue
		}
		var below []*vfs.Entry
		for _, e := range entries {
			if e.Path() != "/" && path.Dir(e.Path()) == dir.Path() {
				below = append(below, e)
			}
		}
		if f.Listing != nil {
			below = f.Listing(dir.Path(), below)
		}
		var listing bytes.Buffer
		for _, e := range below {
			data, err := e.ToBytes()
			f.must(err)
			mac := f.MAC(data)
			listing.WriteByte(2)
			f.must(binary.Write(&listing, binary.LittleEndian, uint32(len(data)+len(mac))))
			listing.Write(data)
			listing.Write(mac[:])
		}
		listings[dir.Path()] = f.PutObject(listing.Bytes())
	}
	leaf := &btree.Node[string, objects.MAC, objects.MAC]{}
	for _, dir := range slices.Sorted(maps.Keys(listings)) {
		leaf.Keys = append(leaf.Keys, dir)
		leaf.Values = append(leaf.Values, listings[dir])
	}
	return f.PutTree(resources.RT_BTREE_ROOT, resources.RT_BTREE_NODE, leaf)
}

// packfile is blobs, index, footer and the footer's length.
func (f *Forgery) packfile() []byte {
	out := bytes.NewBuffer(bytes.Clone(f.blobs.Bytes()))
	var index bytes.Buffer
	for _, b := range f.index {
		f.must(binary.Write(&index, binary.LittleEndian, b))
	}
	footer := packfile.PackfileInMemoryFooter{
		Count: uint32(len(f.index)), IndexOffset: uint64(out.Len()), IndexMAC: f.MAC(index.Bytes()),
	}
	if f.Footer != nil {
		f.Footer(&footer)
	}
	out.Write(f.Encode(index.Bytes()))
	var fields bytes.Buffer
	for _, field := range []any{footer.Timestamp, footer.Count, footer.IndexOffset, footer.IndexMAC, footer.Flags} {
		f.must(binary.Write(&fields, binary.LittleEndian, field))
	}
	stored := f.Encode(fields.Bytes())
	out.Write(stored)
	length := uint32(len(stored))
	if f.FooterLength != nil {
		length = f.FooterLength(length)
	}
	f.must(binary.Write(out, binary.LittleEndian, length))
	return out.Bytes()
}

// state repeats the index.
func (f *Forgery) state() []byte {
	var out bytes.Buffer
	entry := func(typ state.EntryType, data []byte) {
		out.WriteByte(byte(typ))
		f.must(binary.Write(&out, binary.LittleEndian, uint32(len(data))))
		out.Write(data)
	}
	pack := objects.MAC{4, 5, 6}
	for _, b := range f.index {
		delta := state.DeltaEntry{Type: b.Type, Version: b.Version, Blob: b.MAC,
			Location: state.Location{Packfile: pack, Offset: b.Offset, Length: b.Length}}
		entry(state.ET_LOCATIONS, delta.ToBytes())
	}
	entry(state.ET_PACKFILE, (&state.PackfileEntry{Packfile: pack, Timestamp: time.Unix(0, 0)}).ToBytes())
	out.WriteByte(byte(state.ET_METADATA))
	out.Write(make([]byte, 4+8+16))
	if f.State != nil {
		return f.State(out.Bytes())
	}
	return out.Bytes()
}

func (f *Forgery) seal(typ resources.Type, body []byte) []byte {
	out := bytes.NewBufferString("_KLOSET_")
	f.must(binary.Write(out, binary.LittleEndian, uint32(typ)))
	f.must(binary.Write(out, binary.LittleEndian, version))
	out.Write(body)
	mac := f.MAC(out.Bytes())
	out.Write(mac[:])
	return out.Bytes()
}

// Encode compresses a blob as the configuration says.
func (f *Forgery) Encode(data []byte) []byte {
	if f.Config.Compression == nil {
		return data
	}
	return f.EncodeFrom(bytes.NewReader(data))
}

// EncodeFrom is Encode for what need not be in memory; the configuration must have a compression.
func (f *Forgery) EncodeFrom(data io.Reader) []byte {
	stream, err := compression.DeflateStream(f.Config.Compression.Algorithm, data)
	f.must(err)
	encoded, err := io.ReadAll(stream)
	f.must(err)
	return encoded
}

func (f *Forgery) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}
