package ptarbuild

import (
	"fmt"
	"slices"

	"github.com/PlakarKorp/kloset/btree"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/vmihailenco/msgpack/v5"
)

// backwardIndex writes a B+tree whose keys come in their order, the last one first: every leaf then knows the one behind it, to
// which it links, and no more than a node for each level is in memory.
type backwardIndex struct {
	blobs      keyedBlobs
	root, node resources.Type
	compare    func(a, b string) int
	last       string // the key added last
	begun      bool
	next       *objects.MAC // the leaf behind
	leaf       []child
	levels     [][]child // the nodes below each level that are in no node yet
}

// child is a key and its value, or the first key of a node below and its MAC.
type child struct {
	key string
	mac objects.MAC
}

// nodeChildren is how many values or children a node has. kloset's own have up to indexOrder.
const nodeChildren = 40

func newBackwardIndex(blobs keyedBlobs, root, node resources.Type, compare func(a, b string) int) *backwardIndex {
	return &backwardIndex{blobs: blobs, root: root, node: node, compare: compare}
}

// add adds a pair. One whose key has just been added is left out.
func (x *backwardIndex) add(key string, mac objects.MAC) error {
	if x.begun && key == x.last {
		return nil
	}
	if x.begun && x.compare(key, x.last) > 0 { // in which nobody would find anything
		return fmt.Errorf("write an index: %q comes after %q", key, x.last)
	}
	x.last, x.begun = key, true
	x.leaf = append(x.leaf, child{key, mac})
	if len(x.leaf) < nodeChildren {
		return nil
	}
	return x.endLeaf()
}

func (x *backwardIndex) endLeaf() error {
	slices.Reverse(x.leaf)
	n := &node{Next: x.next}
	for _, c := range x.leaf {
		n.Keys, n.Values = append(n.Keys, c.key), append(n.Values, c.mac)
	}
	first := ""
	if len(x.leaf) > 0 {
		first = x.leaf[0].key
	}
	x.leaf = x.leaf[:0]
	mac, err := x.put(n)
	if err != nil {
		return err
	}
	x.next = &mac
	return x.lift(0, child{first, mac})
}

// lift adds a node to the level above it. Two are always left for the last node of a level, which needs a key.
func (x *backwardIndex) lift(level int, c child) error {
	if level == len(x.levels) {
		x.levels = append(x.levels, nil)
	}
	x.levels[level] = append(x.levels[level], c)
	if len(x.levels[level]) < nodeChildren+2 {
		return nil
	}
	return x.endNode(level, nodeChildren)
}

// endNode makes a node of the first children of a level, which are the last of the tree's.
func (x *backwardIndex) endNode(level, count int) error {
	children := slices.Clone(x.levels[level][:count])
	x.levels[level] = slices.Delete(x.levels[level], 0, count)
	slices.Reverse(children)
	n := &node{}
	for i, c := range children {
		if i > 0 {
			n.Keys = append(n.Keys, c.key)
		}
		n.Pointers = append(n.Pointers, c.mac)
	}
	mac, err := x.put(n)
	if err != nil {
		return err
	}
	return x.lift(level+1, child{children[0].key, mac})
}

func (x *backwardIndex) put(n *node) (objects.MAC, error) {
	serialized, err := msgpack.Marshal(n)
	if err != nil {
		return objects.MAC{}, fmt.Errorf("write an index: %w", err)
	}
	return x.blobs.put(x.node, serialized)
}

// finish writes what is left and returns the MAC of the tree's description.
func (x *backwardIndex) finish() (objects.MAC, error) {
	if len(x.leaf) > 0 || len(x.levels) == 0 {
		if err := x.endLeaf(); err != nil {
			return objects.MAC{}, err
		}
	}
	for level := 0; level < len(x.levels)-1 || len(x.levels[level]) > 1; level++ {
		if err := x.endNode(level, len(x.levels[level])); err != nil {
			return objects.MAC{}, err
		}
	}
	top := x.levels[len(x.levels)-1][0]
	serialized, err := msgpack.Marshal(&btree.BTree[string, objects.MAC, objects.MAC]{Order: indexOrder, Root: top.mac})
	if err != nil {
		return objects.MAC{}, fmt.Errorf("write an index: %w", err)
	}
	return x.blobs.put(x.root, serialized)
}
