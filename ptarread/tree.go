package ptarread

import (
	"bytes"
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
	p        *Package
	nodeType resources.Type
	compare  func(a, b string) int
	visit    func(key string, value objects.MAC) error

	// seen refuses a node with two parents, with which a few nodes make a tree of any size.
	seen map[objects.MAC]bool
	// nextLeaf is what the leaf before links to.
	nextLeaf *objects.MAC
	leaves   int
}

// walkTree visits the tree whose description is the blob root.
func (p *Package) walkTree(root objects.MAC, rootType, nodeType resources.Type, compare func(a, b string) int,
	visit func(key string, value objects.MAC) error) error {
	data, err := p.readValue(rootType, root, 16)
	if err != nil {
		return err
	}
	var tree btree.BTree[string, objects.MAC, objects.MAC]
	if err := msgpack.NewDecoder(bytes.NewReader(data)).Decode(&tree); err != nil {
		return p.malformed(blobID{rootType, root}, err)
	}
	// plakar takes the order for the size of a cache.
	if tree.Order < 3 || tree.Order > 1<<16 {
		return p.malformed(blobID{rootType, root}, fmt.Errorf("has order %d", tree.Order))
	}
	w := treeWalk{p: p, nodeType: nodeType, compare: compare, visit: visit, seen: map[objects.MAC]bool{}}
	if err := w.node(tree.Root, nil, nil, 0); err != nil {
		return err
	}
	if w.nextLeaf != nil {
		return w.malformed(tree.Root, "has a last leaf that links to another")
	}
	return nil
}

// node visits the node mac, all keys of which lie in [low, high); nil is no bound.
func (w *treeWalk) node(mac objects.MAC, low, high *string, depth int) error {
	if depth > maxDepth || w.seen[mac] {
		return problemf(Inconsistent, regionTree, nowhere, "%v stands where no node of a tree can", blobID{w.nodeType, mac})
	}
	w.seen[mac] = true
	data, err := w.p.readValue(w.nodeType, mac, 1<<16)
	if err != nil {
		return err
	}
	n, err := vfs.NodeFromBytes(data)
	if err != nil {
		return w.malformed(mac, "%v", err)
	}
	leaf := len(n.Pointers) == 0
	if leaf && len(n.Values) != len(n.Keys) || !leaf && (len(n.Pointers) != len(n.Keys)+1 || len(n.Values) > 0) {
		return w.malformed(mac, "has %d keys, %d values and %d children", len(n.Keys), len(n.Values), len(n.Pointers))
	}
	for i := range n.Keys {
		key := &n.Keys[i]
		if i > 0 && w.compare(n.Keys[i-1], *key) >= 0 || low != nil && w.compare(*low, *key) > 0 ||
			high != nil && w.compare(*key, *high) >= 0 {
			return w.malformed(mac, "has key %q out of order or twice", *key)
		}
	}
	if leaf {
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
		if err := w.node(child, childLow, childHigh, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *treeWalk) leaf(mac objects.MAC, n *btree.Node[string, objects.MAC, objects.MAC]) error {
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
	return w.p.malformed(blobID{w.nodeType, mac}, fmt.Errorf(format, args...))
}
