package ptarread

import (
	"bytes"
	"context"
	"fmt"

	"github.com/PlakarKorp/kloset/btree"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
	"github.com/vmihailenco/msgpack/v5"
)

// treeWalk visits one B+tree of a snapshot in the order of its keys.
//
// plakar finds a key by descending from the root and lists keys by following the leaves' links, so the walk requires
// both to tell the same: every key where a search finds it, every leaf linked to the next. kloset's own iterators
// believe what they read.
type treeWalk struct {
	s        *store
	nodeType resources.Type
	compare  func(a, b string) int
	visit    func(key string, value objects.MAC) error

	// seen refuses a node with two parents, with which a few nodes make a tree of any size. It has a bit for each blob.
	seen []uint64
	// nextLeaf is what the leaf before links to.
	nextLeaf *objects.MAC
	leaves   int
}

// walkTree visits the tree whose description is the blob root.
func (s *store) walkTree(ctx context.Context, root objects.MAC, rootType, nodeType resources.Type,
	compare func(a, b string) int, visit func(key string, value objects.MAC) error) error {
	top, err := s.readRoot(ctx, root, rootType)
	if err != nil {
		return err
	}
	w := treeWalk{s: s, nodeType: nodeType, compare: compare, visit: visit, seen: make([]uint64, s.index.count/64+1)}
	if err := w.node(ctx, top, nil, nil, 0); err != nil {
		return err
	}
	if w.nextLeaf != nil {
		return w.malformed(top, "has a last leaf that links to another")
	}
	return nil
}

type (
	treeNode = btree.Node[string, objects.MAC, objects.MAC]
	treeRoot = btree.BTree[string, objects.MAC, objects.MAC]
)

// readRoot reads the description of a tree, which names its topmost node.
func (s *store) readRoot(ctx context.Context, root objects.MAC, rootType resources.Type) (objects.MAC, error) {
	data, err := s.readMetadata(ctx, rootType, root)
	if err != nil {
		return objects.MAC{}, err
	}
	return s.decodeRoot(blobID{rootType, root}, data)
}

func (s *store) decodeRoot(id blobID, data []byte) (objects.MAC, error) {
	tree, err := decodeAs(s, id, data, 16, func(data []byte) (*treeRoot, error) {
		var tree treeRoot
		return &tree, msgpack.NewDecoder(bytes.NewReader(data)).Decode(&tree)
	})
	if err != nil {
		return objects.MAC{}, err
	}
	// plakar takes the order for the size of a cache.
	if tree.Order < 3 || tree.Order > 1<<16 {
		return objects.MAC{}, s.malformed(id, fmt.Errorf("has order %d", tree.Order))
	}
	return tree.Root, nil
}

// readNode reads a node, and how many bytes it has.
func (s *store) readNode(ctx context.Context, typ resources.Type, mac objects.MAC) (*treeNode, int, error) {
	data, err := s.readMetadata(ctx, typ, mac)
	if err != nil {
		return nil, 0, err
	}
	n, err := s.decodeNode(blobID{typ, mac}, data)
	return n, len(data), err
}

// decodeNode decodes a node, which has as many values or children as its keys call for.
func (s *store) decodeNode(id blobID, data []byte) (*treeNode, error) {
	n, err := decodeAs(s, id, data, maxNodeElements, vfs.NodeFromBytes)
	if err != nil {
		return nil, err
	}
	leaf := len(n.Pointers) == 0
	if leaf && len(n.Values) != len(n.Keys) || !leaf && (len(n.Pointers) != len(n.Keys)+1 || len(n.Values) > 0) {
		return nil, s.malformed(id, fmt.Errorf("has %d keys, %d values and %d children", len(n.Keys), len(n.Values), len(n.Pointers)))
	}
	return n, nil
}

// node visits the node mac, all keys of which lie in [low, high); nil is no bound.
func (w *treeWalk) node(ctx context.Context, mac objects.MAC, low, high *string, depth int) error {
	id := blobID{w.nodeType, mac}
	number, _, err := w.s.use(id)
	if err != nil {
		return err
	}
	if bit := uint64(1) << (number % 64); depth == maxTreeDepth || w.seen[number/64]&bit != 0 {
		return problemf(Inconsistent, regionTree, nowhere, "%v stands where no node of a tree can", id)
	} else {
		w.seen[number/64] |= bit
	}
	n, _, err := w.s.readNode(ctx, w.nodeType, mac)
	if err != nil {
		return err
	}
	for i := range n.Keys {
		key := &n.Keys[i]
		if i > 0 && w.compare(n.Keys[i-1], *key) >= 0 || low != nil && w.compare(*low, *key) > 0 ||
			high != nil && w.compare(*key, *high) >= 0 {
			return w.malformed(mac, "has key %.80q out of order or twice", *key)
		}
	}
	if len(n.Pointers) == 0 {
		return w.leaf(mac, n)
	}
	if n.Next != nil {
		return w.malformed(mac, "is no leaf but links to one")
	}
	for i, child := range n.Pointers {
		childLow, childHigh := low, high
		if i > 0 {
			childLow = &n.Keys[i-1]
		}
		if i < len(n.Keys) {
			childHigh = &n.Keys[i]
		}
		if err := w.node(ctx, child, childLow, childHigh, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *treeWalk) leaf(mac objects.MAC, n *treeNode) error {
	if w.leaves > 0 && (w.nextLeaf == nil || *w.nextLeaf != mac) {
		return w.malformed(mac, "is not what the leaf before it links to")
	}
	w.leaves++
	w.nextLeaf = n.Next
	for i, key := range n.Keys {
		if err := w.visit(key, n.Values[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *treeWalk) malformed(mac objects.MAC, format string, args ...any) error {
	return w.s.malformed(blobID{w.nodeType, mac}, fmt.Errorf(format, args...))
}
