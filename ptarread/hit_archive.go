package ptarread

import (
	"context"
	"errors"
	"slices"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
)

// place finds the files that damaged blobs belong to. It reads the trees of all snapshots as far as they can be read, and what
// every file is made of, and does so only if there is damage.
func (k *archiveCheck) place(ctx context.Context, problems []Problem) error {
	p := placer{k: k, ctx: ctx, damaged: map[blobID][]*Problem{}, objects: map[objects.MAC][]*Problem{}}
	for i := range problems {
		if id := problems[i].blob; id != (blobID{}) {
			p.damaged[id] = append(p.damaged[id], &problems[i])
		}
	}
	if len(p.damaged) == 0 {
		return nil
	}
	err := k.eachTree(ctx, func(snapshot string, t tree) error {
		p.tree(snapshot, t)
		return context.Cause(ctx)
	})
	var problem *Problem
	if errors.As(err, &problem) { // of a header, which is placed where it is
		return nil
	}
	return err
}

type placer struct {
	k       *archiveCheck
	ctx     context.Context
	damaged map[blobID][]*Problem
	// objects are what is wrong with those that were read, nil for those that are sound. A bound on it costs time only.
	objects map[objects.MAC][]*Problem
}

const (
	// maxHitFiles is how many files a problem names.
	maxHitFiles = 20
	// maxPlacedObjects bounds what is remembered of objects.
	maxPlacedObjects = 1 << 16
)

func hit(problems []*Problem, name string) {
	for _, p := range problems {
		if slices.Contains(p.Files, name) {
			continue
		}
		if p.Hit++; len(p.Files) < maxHitFiles {
			p.Files = append(p.Files, name)
		}
	}
}

func (p *placer) tree(snapshot string, t tree) {
	if hits := p.damaged[t.root]; hits != nil {
		hit(hits, snapshot+"/")
		return
	}
	top, err := p.k.a.readRoot(p.ctx, t.root.mac, t.root.typ)
	if err == nil {
		p.node(snapshot, t, top, 0)
	}
}

func (p *placer) node(snapshot string, t tree, mac objects.MAC, depth int) {
	typ := nodes[t.root.typ].node
	if hits := p.damaged[blobID{typ, mac}]; hits != nil {
		hit(hits, snapshot+"/")
		return
	}
	n, _, err := p.k.a.readNode(p.ctx, typ, mac)
	if err != nil || depth == maxTreeDepth {
		return
	}
	for _, child := range n.Pointers {
		p.node(snapshot, t, child, depth+1)
	}
	for i, value := range n.Values {
		p.value(snapshot, t, n.Keys[i], value)
	}
}

// value is what a tree holds at a key.
func (p *placer) value(snapshot string, t tree, key string, mac objects.MAC) {
	typ, s := nodes[t.root.typ].value, &p.k.a.store
	if t.root.typ == resources.RT_BTREE_ROOT {
		typ = valueTypes[t.index]
	}
	if t.index != "" && t.index != dirpack {
		return // its values are entries that the file tree has too, and its keys are no paths
	}
	name := snapshot + key
	if hits := p.damaged[blobID{typ, mac}]; hits != nil {
		hit(hits, name)
		return
	}
	switch {
	case typ == resources.RT_VFS_ENTRY && t.index == "":
		if e, _, err := s.readEntry(p.ctx, key, mac, maxNodeElements); err == nil && e.HasObject() {
			hit(p.object(e.Object), name)
		}
	case typ == resources.RT_XATTR_ENTRY:
		if x, err := readAs(p.ctx, s, blobID{typ, mac}, 16, vfs.XattrFromBytes); err == nil {
			hit(p.object(x.Object), name)
		}
	case typ == resources.RT_OBJECT:
		hit(p.object(mac), name)
	}
}

// object is what is wrong with an object and its chunks.
func (p *placer) object(mac objects.MAC) []*Problem {
	known, ok := p.objects[mac]
	if ok {
		return known
	}
	problems := p.damaged[blobID{resources.RT_OBJECT, mac}]
	if problems == nil {
		err := p.k.a.eachPart(p.ctx, mac, func(c part) error {
			for _, problem := range p.damaged[blobID{resources.RT_CHUNK, c.mac}] {
				if !slices.Contains(problems, problem) {
					problems = append(problems, problem)
				}
			}
			return nil
		})
		if err != nil {
			return nil
		}
	}
	if len(p.objects) < maxPlacedObjects {
		p.objects[mac] = problems
	}
	return problems
}
