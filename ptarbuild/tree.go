package ptarbuild

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/btree"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
	"github.com/vmihailenco/msgpack/v5"
)

// tree is the file system of the snapshot: an entry for every file and folder, found through btrees.
type tree struct {
	at        time.Time
	entries   map[string]*vfs.Entry   // by absolute path
	summaries map[string]*vfs.Summary // of folders
}

func newTree(at time.Time) *tree {
	t := &tree{at: at, entries: map[string]*vfs.Entry{}, summaries: map[string]*vfs.Summary{}}
	t.addFolder("/")
	return t
}

func (t *tree) addFolder(pathname string) {
	if t.entries[pathname] != nil {
		return
	}
	if pathname != "/" {
		t.addFolder(path.Dir(pathname))
	}
	t.entries[pathname] = entryOf(pathname, fileInfo(path.Base(pathname), 0, fs.ModeDir|0o755, t.at))
	t.summaries[pathname] = &vfs.Summary{}
}

func (t *tree) addFile(f File, c content, object objects.MAC) {
	pathname := "/" + f.Name
	folder := path.Dir(pathname)
	t.addFolder(folder)
	entry := entryOf(pathname, fileInfo(path.Base(pathname), c.size, f.mode(), t.at))
	entry.Object = object
	entry.ContentType = c.object.ContentType
	entry.Chunks = uint64(len(c.object.Chunks))
	t.entries[pathname] = entry
	t.summaries[folder].Directory.Children++
	t.summaries[folder].UpdateWithFileSummary(&vfs.FileSummary{
		Size: uint64(c.size), Objects: 1, Chunks: entry.Chunks, Mode: f.mode(), ModTime: t.at.Unix(), ContentType: entry.ContentType,
	})
}

// write puts the entries and indexes and returns the snapshot's source, which names their roots. There is no "dirpack"
// index: it repeats every entry, and readers do without it.
func (t *tree) write(pack *packfile) (header.Source, error) {
	source := header.NewSource()
	source.Importer = header.Importer{Type: "kpkg", Directory: "/"}

	entries := map[string]objects.MAC{}
	types := map[string]objects.MAC{}
	for _, pathname := range slices.Sorted(maps.Keys(t.entries)) {
		entry := t.entries[pathname]
		serialized, err := entry.ToBytes()
		if err != nil {
			return source, fmt.Errorf("write the entry of %s: %w", pathname, err)
		}
		if entries[pathname], err = pack.put(resources.RT_VFS_ENTRY, serialized); err != nil {
			return source, err
		}
		if !entry.IsDir() {
			mime, _, _ := strings.Cut(entry.ContentType, ";")
			types["/"+mime+pathname] = entries[pathname]
		}
	}
	summaries, err := t.writeSummaries(pack, &source)
	if err != nil {
		return source, err
	}

	var byType, bySummary objects.MAC
	for _, index := range []struct {
		root       *objects.MAC
		rootType   resources.Type
		nodeType   resources.Type
		compare    func(a, b string) int
		everything map[string]objects.MAC
	}{
		{&source.VFS.Root, resources.RT_VFS_BTREE, resources.RT_VFS_NODE, vfs.PathCmp, entries},
		{&source.VFS.Xattrs, resources.RT_XATTR_BTREE, resources.RT_XATTR_NODE, vfs.PathCmp, nil},
		{&source.VFS.Errors, resources.RT_ERROR_BTREE, resources.RT_ERROR_NODE, strings.Compare, nil},
		{&byType, resources.RT_BTREE_ROOT, resources.RT_BTREE_NODE, strings.Compare, types},
		{&bySummary, resources.RT_BTREE_ROOT, resources.RT_BTREE_NODE, strings.Compare, summaries},
	} {
		*index.root, err = writeIndex(pack, index.rootType, index.nodeType, index.compare, index.everything)
		if err != nil {
			return source, err
		}
	}
	source.Indexes = []header.Index{
		{Name: "content-type", Type: "btree", Value: byType},
		{Name: "summary", Type: "btree", Value: bySummary},
	}
	return source, nil
}

// writeSummaries counts up from the deepest folders, so that each summary includes those below it.
func (t *tree) writeSummaries(pack *packfile, source *header.Source) (map[string]objects.MAC, error) {
	macs := map[string]objects.MAC{}
	folders := slices.SortedFunc(maps.Keys(t.summaries), func(a, b string) int { return vfs.PathCmp(b, a) })
	// PathCmp counts slashes, of which the root has as many as its children.
	folders = append(slices.DeleteFunc(folders, func(f string) bool { return f == "/" }), "/")
	for _, folder := range folders {
		summary := t.summaries[folder]
		summary.UpdateAverages()
		serialized, err := summary.ToBytes()
		if err != nil {
			return nil, fmt.Errorf("write the summary of %s: %w", folder, err)
		}
		if macs[folder], err = pack.put(resources.RT_VFS_SUMMARY, serialized); err != nil {
			return nil, err
		}
		if folder != "/" {
			parent := t.summaries[path.Dir(folder)]
			parent.Directory.Children++
			parent.Directory.Directories++
			parent.UpdateBelow(summary)
		}
	}
	source.Summary = *t.summaries["/"]
	return macs, nil
}

// indexOrder is the number of keys of a node, the one kloset uses for its own indexes.
const indexOrder = 50

func writeIndex(
	pack *packfile, rootType, nodeType resources.Type, compare func(a, b string) int, values map[string]objects.MAC,
) (objects.MAC, error) {
	index, err := btree.New(&btree.InMemoryStore[string, objects.MAC]{}, compare, indexOrder)
	if err != nil {
		return objects.MAC{}, fmt.Errorf("write an index: %w", err)
	}
	for _, key := range slices.SortedFunc(maps.Keys(values), compare) {
		if err := index.Insert(key, values[key]); err != nil {
			return objects.MAC{}, fmt.Errorf("write an index: %w", err)
		}
	}
	keep := func(mac objects.MAC) (objects.MAC, error) { return mac, nil }
	root, err := btree.Persist(index, nodeStore{pack, nodeType}, keep)
	if err != nil {
		return objects.MAC{}, fmt.Errorf("write an index: %w", err)
	}
	serialized, err := msgpack.Marshal(&btree.BTree[string, objects.MAC, objects.MAC]{Order: indexOrder, Root: root})
	if err != nil {
		return objects.MAC{}, fmt.Errorf("write an index: %w", err)
	}
	return pack.put(rootType, serialized)
}

// nodeStore receives the nodes of an index from btree.Persist, which only ever puts.
type nodeStore struct {
	pack     *packfile
	nodeType resources.Type
}

type node = btree.Node[string, objects.MAC, objects.MAC]

var errWriteOnly = errors.New("the store of a package being written only takes nodes")

func (s nodeStore) Get(objects.MAC) (*node, error)  { return nil, errWriteOnly }
func (s nodeStore) Update(objects.MAC, *node) error { return errWriteOnly }
func (s nodeStore) Close() error                    { return nil }

func (s nodeStore) Put(n *node) (objects.MAC, error) {
	serialized, err := msgpack.Marshal(n)
	if err != nil {
		return objects.MAC{}, err
	}
	return s.pack.put(s.nodeType, serialized)
}
