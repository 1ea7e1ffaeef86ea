package ptarread

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
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
// Of a store it reads what blobs cover, and problems are at no offset: they say in which packfile they are.
//
// The MAC of a whole file, which is one over its chunks', is left to those who read it.
func (a *Archive) Check(ctx context.Context) (_ Checked, _ []Problem, err error) {
	k := archiveCheck{a: a}
	if k.lengths, err = a.index.newLengths(); err != nil {
		return Checked{}, nil, err
	}
	defer func() { err = errors.Join(err, k.lengths.close()) }()
	c := &checker{s: &a.store, content: k.content, long: k.long}
	err = c.run(ctx)
	if err == nil {
		// A header that could be read when a store was opened may not be any more.
		err = c.record(k.trees(ctx, c))
	}
	if err = stopped(err); err == nil {
		err = k.place(ctx, c.problems)
	}
	problems := c.sorted()
	for i := range problems {
		if a.joined != nil {
			problems[i] = a.joined.placed(problems[i])
		}
	}
	return c.checked, problems, err
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
		l, err := k.a.decodeList(b.mac, data)
		if err != nil {
			return err
		}
		for _, c := range l.parts {
			if err := k.length(blobID{resources.RT_CHUNK, c.mac}, c.length); err != nil {
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

// long checks a list of chunks that is read as it comes, and counts its bytes.
func (k *archiveCheck) long(ctx context.Context, b blob) (int64, error) {
	l, err := k.a.readLong(ctx, b)
	if err != nil {
		return 0, err
	}
	err = k.a.eachPart(ctx, b.mac, func(c part) error { return k.length(blobID{resources.RT_CHUNK, c.mac}, c.length) })
	return l.bytes, err
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
	type pair struct{ tree, files blobID }
	walked := map[pair]bool{}
	return k.eachTree(ctx, func(_ string, t tree) error {
		which := pair{tree: t.root}
		if t.index == dirpack {
			which.files = t.files
		}
		if walked[which] {
			return nil
		}
		walked[which] = true
		var err error
		if t.index == dirpack {
			err = k.listings(ctx, t)
		} else {
			err = k.walk(ctx, t, func(key string, _ objects.MAC) error {
				if t.root == t.files {
					return checkKey(key)
				}
				return nil
			})
		}
		if c.knows(err) {
			return nil
		}
		return c.record(err)
	})
}

func (k *archiveCheck) walk(ctx context.Context, t tree, visit func(key string, mac objects.MAC) error) error {
	return k.a.walkTree(ctx, t.root.mac, t.root.typ, nodes[t.root.typ].node, t.compare, visit)
}

// listings holds the listings of folders, from which plakar restores, against the file tree: each lists the entries that the tree
// has in that folder, and together they list all.
func (k *archiveCheck) listings(ctx context.Context, t tree) error {
	root, err := k.a.readRoot(ctx, t.files.mac, t.files.typ)
	if err != nil {
		return err
	}
	listed, entries := 1, 0 // the root is in no folder
	search := &treeSearch{s: &k.a.store, typ: resources.RT_VFS_NODE, root: root}
	err = k.walk(ctx, t, func(folder string, mac objects.MAC) error {
		n, err := k.listing(ctx, search, folder, mac)
		listed += n
		return err
	})
	if err != nil {
		return err
	}
	files := tree{root: t.files, compare: vfs.PathCmp}
	err = k.walk(ctx, files, func(string, objects.MAC) error {
		entries++
		return nil
	})
	if err == nil && listed != entries {
		err = problemf(Inconsistent, regionTree, nowhere, "the listings of folders list %d entries of %d", listed, entries)
	}
	return err
}

// listing compares a listing with the file tree, and counts its entries.
func (k *archiveCheck) listing(ctx context.Context, search *treeSearch, folder string, mac objects.MAC) (int, error) {
	l, err := k.a.readList(ctx, mac)
	if err != nil {
		return 0, err
	}
	content, err := k.a.reader(ctx, l)
	if err != nil {
		return 0, err
	}
	// Sums are the same whatever the order; what an entry adds to them is random in every run.
	seed := maphash.MakeSeed()
	var inTree, inListing uint64
	n, left := 0, 0
	frames := frameReader{in: bufio.NewReader(content)}
	for {
		serialized, named, err := frames.next()
		if err == io.EOF {
			break
		}
		if errors.Is(err, errFrame) || err == nil && k.a.key.Sum(serialized) != named {
			return n, problemf(Inconsistent, regionTree, nowhere, "the listing of %.80q is malformed", folder)
		}
		if err != nil {
			return n, err
		}
		inListing += maphash.Comparable(seed, named)
		n++
	}
	at, err := search.seek(ctx, below(folder))
	if err != nil {
		return n, err
	}
	for left = n; ; left-- {
		name, entry, next, err := search.at(ctx, at)
		if err != nil {
			return n, err
		}
		at = next
		if name == folder {
			left++
			continue
		}
		if rest, inside := strings.CutPrefix(name, below(folder)); !inside || strings.Contains(rest, "/") {
			break
		}
		inTree += maphash.Comparable(seed, entry)
	}
	if left != 0 || inTree != inListing {
		return n, problemf(Inconsistent, regionTree, nowhere, "the listing of %.80q is not what the file tree has there", folder)
	}
	return n, nil
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
	files   blobID // the file tree of the same source
	index   string // the name of a named index
	compare func(a, b string) int
}

// dirpack is the name of the index of what is in each folder.
const dirpack = "dirpack"

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
	files := blobID{resources.RT_VFS_BTREE, source.VFS.Root}
	trees := []tree{
		{files, files, "", vfs.PathCmp},
		{blobID{resources.RT_ERROR_BTREE, source.VFS.Errors}, files, "", strings.Compare},
		{blobID{resources.RT_XATTR_BTREE, source.VFS.Xattrs}, files, "", vfs.PathCmp},
	}
	for _, x := range source.Indexes {
		if x.Type == "btree" {
			trees = append(trees, tree{blobID{resources.RT_BTREE_ROOT, x.Value}, files, x.Name, strings.Compare})
		}
	}
	return trees
}
