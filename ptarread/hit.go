package ptarread

import (
	"context"
	"path"
	"slices"

	"github.com/PlakarKorp/kloset/resources"
)

// FilesAt are the paths of the regular files that have a part in the blob at an offset: those that damage there hits. It
// reads what every file is made of.
func (p *Package) FilesAt(offset int64) []string {
	at := slices.IndexFunc(p.index.blobs, func(b blob) bool { return b.offset == offset })
	if at < 0 || p.index.blobs[at].typ != resources.RT_CHUNK {
		return nil
	}
	mac := p.index.blobs[at].mac
	var files []string
	for _, e := range p.entries {
		if !e.Mode.IsRegular() {
			continue
		}
		l, err := p.readList(context.Background(), e.object)
		if err == nil && slices.ContainsFunc(l.parts, func(c part) bool { return c.mac == mac }) {
			files = append(files, e.Path)
		}
	}
	return files
}

// Somewhere tells whether an entry of that name stands anywhere in the snapshot, be it outside of what is installed.
func (p *Package) Somewhere(name string) bool {
	for entry := range p.tree {
		if path.Base(entry) == name {
			return true
		}
	}
	return false
}
