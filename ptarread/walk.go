package ptarread

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
)

// ErrNoEntry is the error for a path that the snapshot does not have.
var ErrNoEntry = errors.New("is not in it")

// Entry returns the entry at an absolute path. It follows no links.
func (s *Snapshot) Entry(ctx context.Context, name string) (*vfs.Entry, error) {
	mac, err := s.search().find(ctx, name)
	if err != nil {
		return nil, err
	}
	e, _, err := s.archive.readEntry(ctx, name, mac, maxNodeElements)
	return e, err
}

// Walk visits the entry at an absolute path and all that is below it, each folder before what is in it and its content
// before its neighbours, up to the first error of visit. An entry that cannot be read is visited as an error; what is below
// it is not visited, nor is what is below a folder for which visit returns fs.SkipDir. Memory does not grow with the number of
// entries, some of which are read ahead on all processors.
//
// A walk from "/" that has not come by every entry of the tree ends with a *Problem: some are in no folder.
func (s *Snapshot) Walk(ctx context.Context, from string, visit func(name string, e *vfs.Entry, err error) error) error {
	w := walk{s: s, search: s.search(), visit: visit}
	mac, err := w.search.find(ctx, from)
	if err != nil {
		return err
	}
	if err := w.below(ctx, &found{name: from, mac: mac}); err != nil || from != "/" || w.skipped {
		return err
	}
	entries, err := s.countEntries(ctx)
	if err == nil && w.visited < entries {
		err = problemf(Inconsistent, regionTree, nowhere, "%d of %d entries are in no folder", entries-w.visited, entries)
	}
	return err
}

type walk struct {
	s       *Snapshot
	search  *treeSearch
	visit   func(name string, e *vfs.Entry, err error) error
	visited int
	skipped bool // something was left out
	// ahead is how many bytes there are of what was read and is not visited yet.
	ahead atomic.Int64
}

// found is an entry that the tree has. It is read already, or not.
type found struct {
	name  string
	mac   objects.MAC
	entry *vfs.Entry
	size  int64
	err   error
}

// level is a folder that a walk is in.
type level struct {
	length int     // of the folder's path
	ready  []found // what comes next
	next   place   // of what comes then
	ended  bool    // nothing comes then
}

// below visits an entry and all that is below it.
func (w *walk) below(ctx context.Context, top *found) error {
	dir, err := w.step(ctx, top)
	if err != nil || !dir {
		return err
	}
	// The path of a folder is the beginning of those of the folders in it, so that one path stands for all levels.
	folder := top.name
	levels := []level{{length: len(folder)}}
	if levels[0].next, err = w.search.seek(ctx, below(folder)); err != nil {
		return err
	}
	for len(levels) > 0 {
		l := &levels[len(levels)-1]
		folder = folder[:l.length]
		if len(l.ready) == 0 {
			if l.ended {
				levels = levels[:len(levels)-1]
				continue
			}
			if err := w.read(ctx, folder, l); err != nil {
				return err
			}
			continue
		}
		f := &l.ready[0]
		l.ready = l.ready[1:]
		dir, err := w.step(ctx, f)
		if err != nil {
			return err
		}
		if dir {
			folder = f.name
			first, err := w.search.seek(ctx, below(folder))
			if err != nil {
				return err
			}
			levels = append(levels, level{length: len(folder), next: first})
		}
	}
	return nil
}

// step visits one entry and says whether it is a folder.
func (w *walk) step(ctx context.Context, f *found) (bool, error) {
	w.visited++
	if f.entry == nil && f.err == nil {
		w.decode(ctx, f)
	}
	w.ahead.Add(-f.size)
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	dir := f.err == nil && f.entry.IsDir()
	err := w.visit(f.name, f.entry, f.err)
	if errors.Is(err, fs.SkipDir) {
		w.skipped = true
		return false, nil
	}
	return dir, err
}

func (w *walk) decode(ctx context.Context, f *found) {
	var size int
	f.entry, size, f.err = w.s.archive.readEntry(ctx, f.name, f.mac, maxNodeElements)
	f.size += int64(size) + entrySize
	w.ahead.Add(int64(size) + entrySize)
}

// entrySize is about how many bytes of memory an entry takes beside its texts.
const entrySize = 1 << 10

// read finds what comes next in a folder, and reads it if there is room.
func (w *walk) read(ctx context.Context, folder string, l *level) error {
	l.ready = nil // what was in it is not visited again
	for len(l.ready) < maxReadAhead && (len(l.ready) == 0 || w.ahead.Load() < maxWalkAhead) {
		name, mac, next, err := w.search.at(ctx, l.next)
		if err != nil {
			return err
		}
		if name == folder { // the root is next to what is in it
			l.next = next
			continue
		}
		if rest, inside := strings.CutPrefix(name, below(folder)); !inside || strings.Contains(rest, "/") {
			l.ended = true
			break
		}
		l.next = next
		l.ready = append(l.ready, found{name: name, mac: mac, size: int64(len(name))})
		w.ahead.Add(int64(len(name)))
	}
	if len(l.ready) < minReadAhead {
		return nil
	}
	var group sync.WaitGroup
	for part := range slices.Chunk(l.ready, (len(l.ready)-1)/workers()+1) {
		group.Go(func() {
			for i := range part {
				if w.ahead.Load() >= maxWalkAhead {
					return
				}
				w.decode(ctx, &part[i])
			}
		})
	}
	group.Wait()
	return nil
}

// countEntries counts what the file tree holds, and makes sure that it is a tree.
func (s *Snapshot) countEntries(ctx context.Context) (entries int, err error) {
	err = s.archive.walkTree(ctx, s.trees().Root, resources.RT_VFS_BTREE, resources.RT_VFS_NODE, vfs.PathCmp,
		func(key string, _ objects.MAC) error {
			entries++
			return checkKey(key)
		})
	return entries, err
}

// below is what the paths of all that is in a folder begin with.
func below(folder string) string { return strings.TrimSuffix(folder, "/") + "/" }

// treeSearch looks keys up in the file tree, of which it reads no more than it needs: whatever that may be, each search ends.
// It is for one goroutine.
type treeSearch struct {
	s    *store
	typ  resources.Type // of its nodes
	root objects.MAC
	// cache holds the nodes used last, the last one first; size is their decoded bytes together.
	cache []cachedNode
	size  int
}

type cachedNode struct {
	mac  objects.MAC
	node *treeNode
	size int
}

// place is that of a key in a leaf; a place behind the last key of a leaf is that of the first one of the next.
type place struct {
	leaf objects.MAC
	at   int
}

func (s *Snapshot) search() *treeSearch {
	return &treeSearch{s: &s.archive.store, typ: resources.RT_VFS_NODE, root: s.root}
}

func (t *treeSearch) node(ctx context.Context, mac objects.MAC) (*treeNode, error) {
	if i := slices.IndexFunc(t.cache, func(c cachedNode) bool { return c.mac == mac }); i >= 0 {
		hit := t.cache[i]
		copy(t.cache[1:i+1], t.cache[:i])
		t.cache[0] = hit
		return hit.node, nil
	}
	n, size, err := t.s.readNode(ctx, t.typ, mac)
	if err != nil {
		return nil, err
	}
	t.cache = slices.Insert(t.cache, 0, cachedNode{mac, n, size})
	for t.size += size; t.size > maxCachedNodes && len(t.cache) > 1; {
		last := len(t.cache) - 1
		t.size -= t.cache[last].size
		t.cache = slices.Delete(t.cache, last, last+1)
	}
	return n, nil
}

// seek returns the place of the first key that is not before the given one.
func (t *treeSearch) seek(ctx context.Context, key string) (place, error) {
	mac := t.root
	for depth := 0; ; depth++ {
		if depth == maxTreeDepth {
			return place{}, problemf(Inconsistent, regionTree, nowhere, "it has more than %d levels", maxTreeDepth)
		}
		n, err := t.node(ctx, mac)
		if err != nil {
			return place{}, err
		}
		if len(n.Pointers) == 0 {
			return place{mac, sort.Search(len(n.Keys), func(i int) bool { return vfs.PathCmp(n.Keys[i], key) >= 0 })}, nil
		}
		mac = n.Pointers[sort.Search(len(n.Keys), func(i int) bool { return vfs.PathCmp(n.Keys[i], key) > 0 })]
	}
}

// at returns what is at a place, and the place behind it; the key is "" behind the last one.
func (t *treeSearch) at(ctx context.Context, p place) (key string, value objects.MAC, next place, err error) {
	for {
		n, err := t.node(ctx, p.leaf)
		if err != nil {
			return "", value, p, err
		}
		if p.at < len(n.Keys) {
			if err := checkKey(n.Keys[p.at]); err != nil && t.typ == resources.RT_VFS_NODE {
				return "", value, p, err
			}
			return n.Keys[p.at], n.Values[p.at], place{p.leaf, p.at + 1}, nil
		}
		if n.Next == nil {
			return "", value, p, nil
		}
		next, err := t.node(ctx, *n.Next)
		if err != nil {
			return "", value, p, err
		}
		// Only the one leaf of an empty tree has no keys. That they grow is what ends a walk from leaf to leaf.
		if len(next.Pointers) > 0 || len(next.Keys) == 0 || len(n.Keys) > 0 && vfs.PathCmp(n.Keys[len(n.Keys)-1], next.Keys[0]) >= 0 {
			return "", value, p, problemf(Inconsistent, regionTree, nowhere, "a leaf links to what cannot be the next one")
		}
		p = place{leaf: *n.Next}
	}
}

// find returns the value of a key.
func (t *treeSearch) find(ctx context.Context, key string) (objects.MAC, error) {
	p, err := t.seek(ctx, key)
	if err != nil {
		return objects.MAC{}, err
	}
	found, value, _, err := t.at(ctx, p)
	if err == nil && found != key {
		err = fmt.Errorf("%.80q %w", key, ErrNoEntry)
	}
	return value, err
}
