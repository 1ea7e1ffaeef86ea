package ptarread

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
)

// Check reads all of the archive and compares every byte with what it should be: the packfile's MAC, the MAC of each blob, that
// blobs are what their types say and that all they refer to is there, and that the trees of all snapshots are trees. What
// opening it has compared is the rest. What it finds comes as problems, the first 100 in the order of the file, with the
// files that they hit; the error is a failure to read it, or ctx's.
//
// The MAC of a whole file, which is one over its chunks', is left to those who read it.
func (a *Archive) Check(ctx context.Context) (_ Checked, _ []Problem, err error) {
	k := archiveCheck{a: a}
	if k.lengths, err = a.index.newLengths(); err != nil {
		return Checked{}, nil, err
	}
	defer func() { err = errors.Join(err, k.lengths.close()) }()
	c := &checker{s: &a.store, content: k.content}
	err = c.run(ctx)
	if err == nil {
		err = k.trees(ctx, c)
	}
	if err = stopped(err); err == nil {
		err = k.place(ctx, c.problems)
	}
	return c.checked, c.sorted(), err
}

type archiveCheck struct {
	a       *Archive
	lengths *lengths
}

// nodes are the types of the nodes and values of trees, by the type of their descriptions. What the values of named indexes are
// goes by the index.
var nodes = map[resources.Type]struct{ node, value resources.Type }{
	resources.RT_VFS_BTREE:   {resources.RT_VFS_NODE, resources.RT_VFS_ENTRY},
	resources.RT_XATTR_BTREE: {resources.RT_XATTR_NODE, resources.RT_XATTR_ENTRY},
	resources.RT_ERROR_BTREE: {resources.RT_ERROR_NODE, resources.RT_ERROR_ENTRY},
	resources.RT_BTREE_ROOT:  {resources.RT_BTREE_NODE, 0},
}

// content checks what a blob says.
func (k *archiveCheck) content(b blob, data []byte) error {
	id := b.id()
	switch b.typ {
	case resources.RT_CHUNK:
		return k.length(id, uint32(len(data)))
	case resources.RT_OBJECT:
		object, err := k.a.decodeObject(b.mac, data)
		if err != nil {
			return err
		}
		for _, c := range object.Chunks {
			if err := k.length(blobID{resources.RT_CHUNK, c.ContentMAC}, c.Length); err != nil {
				return err
			}
		}
		return nil
	case resources.RT_VFS_ENTRY:
		e, err := decodeAs(&k.a.store, id, data, maxNodeElements, vfs.EntryFromBytes)
		if err != nil || !e.HasObject() {
			return err
		}
		return k.refers(resources.RT_OBJECT, e.Object)
	case resources.RT_XATTR_ENTRY:
		x, err := decodeAs(&k.a.store, id, data, 16, vfs.XattrFromBytes)
		if err != nil {
			return err
		}
		return k.refers(resources.RT_OBJECT, x.Object)
	case resources.RT_ERROR_ENTRY:
		_, err := decodeAs(&k.a.store, id, data, 16, vfs.ErrorItemFromBytes)
		return err
	case resources.RT_VFS_SUMMARY:
		_, err := decodeAs(&k.a.store, id, data, 64, vfs.SummaryFromBytes)
		return err
	}
	if _, root := nodes[b.typ]; root {
		top, err := k.a.decodeRoot(id, data)
		if err != nil {
			return err
		}
		return k.refers(nodes[b.typ].node, top)
	}
	for _, tree := range nodes {
		if tree.node == b.typ {
			return k.node(b.typ, tree.value, id, data)
		}
	}
	return nil
}

func (k *archiveCheck) node(typ, value resources.Type, id blobID, data []byte) error {
	n, err := k.a.decodeNode(id, data)
	if err != nil {
		return err
	}
	for _, child := range n.Pointers {
		if err := k.refers(typ, child); err != nil {
			return err
		}
	}
	for _, v := range n.Values {
		if value != 0 {
			err = k.refers(value, v)
		} else {
			err = k.refersToAny(v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (k *archiveCheck) refers(typ resources.Type, mac objects.MAC) error {
	_, _, err := k.a.find(blobID{typ, mac})
	return err
}

// refersToAny is for a value of one of the named indexes.
func (k *archiveCheck) refersToAny(mac objects.MAC) error {
	var err error
	for _, typ := range valueTypes {
		if err = k.refers(typ, mac); err == nil {
			return nil
		}
	}
	return err
}

// length holds that a chunk is as long as all who list it say.
func (k *archiveCheck) length(id blobID, length uint32) error {
	n, _, err := k.a.find(id)
	if err != nil {
		return err
	}
	same, err := k.lengths.claim(n, length)
	if err == nil && !same {
		err = k.a.malformed(id, fmt.Errorf("is %d bytes long for some, and not for others", length))
	}
	return err
}

// lengths are how long chunks are, by the blobs' numbers: in memory if the index is there, in a file otherwise.
type lengths struct {
	mu     sync.Mutex
	memory []uint32
	file   *os.File
}

func (x *index) newLengths() (*lengths, error) {
	if x.spilled == nil {
		return &lengths{memory: make([]uint32, x.count)}, nil
	}
	file, err := os.OpenFile(filepath.Join(x.spilled.folder.Path, "lengths"), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	return &lengths{file: file}, nil
}

// claim notes the length of a blob, or compares it with the one that is known.
func (l *lengths) claim(n int, length uint32) (same bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	length++ // 0 is not known
	if l.file == nil {
		known := l.memory[n]
		l.memory[n] = length
		return known == 0 || known == length, nil
	}
	var record [4]byte
	if _, err := l.file.ReadAt(record[:], int64(n)*4); err != nil && err != io.EOF {
		return false, fmt.Errorf("read a temporary file: %w", err)
	}
	if known := binary.LittleEndian.Uint32(record[:]); known != 0 {
		return known == length, nil
	}
	binary.LittleEndian.PutUint32(record[:], length)
	if _, err := l.file.WriteAt(record[:], int64(n)*4); err != nil {
		return false, fmt.Errorf("write a temporary file: %w", err)
	}
	return true, nil
}

func (l *lengths) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// trees walks the trees of all snapshots, each once.
func (k *archiveCheck) trees(ctx context.Context, c *checker) error {
	walked := map[blobID]bool{}
	return k.eachTree(ctx, func(_ string, t tree) error {
		if walked[t.root] {
			return nil
		}
		walked[t.root] = true
		visit := func(key string, _ objects.MAC) error {
			if t.root.typ == resources.RT_VFS_BTREE {
				return checkKey(key)
			}
			return nil
		}
		err := k.a.walkTree(ctx, t.root.mac, t.root.typ, nodes[t.root.typ].node, t.compare, visit)
		if c.knows(err) {
			return nil
		}
		return c.record(err)
	})
}

// knows tells whether the problem was found before, which reading the blob again has found once more.
func (c *checker) knows(err error) bool {
	var problem *Problem
	return errors.As(err, &problem) && slices.ContainsFunc(c.problems, func(p Problem) bool {
		return p.Offset == problem.Offset && p.Message == problem.Message
	})
}

// tree is one of a snapshot's.
type tree struct {
	root    blobID
	index   string // the name of a named index
	compare func(a, b string) int
}

// eachTree visits the trees of all snapshots whose headers can be read; snapshot is what the paths of its files begin with.
func (k *archiveCheck) eachTree(ctx context.Context, visit func(snapshot string, t tree) error) error {
	for _, id := range k.a.index.snapshots {
		h, err := k.a.readHeader(ctx, id)
		if err != nil {
			return err
		}
		for i := range h.Sources {
			for _, t := range treesOf(&h.Sources[i]) {
				if err := visit(fmt.Sprintf("%x:", id[:4]), t); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func treesOf(source *header.Source) []tree {
	trees := []tree{
		{blobID{resources.RT_VFS_BTREE, source.VFS.Root}, "", vfs.PathCmp},
		{blobID{resources.RT_ERROR_BTREE, source.VFS.Errors}, "", strings.Compare},
		{blobID{resources.RT_XATTR_BTREE, source.VFS.Xattrs}, "", vfs.PathCmp},
	}
	for _, x := range source.Indexes {
		if x.Type == "btree" {
			trees = append(trees, tree{blobID{resources.RT_BTREE_ROOT, x.Value}, x.Name, strings.Compare})
		}
	}
	return trees
}
