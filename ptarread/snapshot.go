package ptarread

import (
	"path"

	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"
)

// readSnapshot finds the one snapshot and decodes its header.
func (p *Package) readSnapshot() error {
	p.used, p.lengths = make([]bool, len(p.index.blobs)), make([]uint32, len(p.index.blobs))
	var snapshots []blobID
	for _, b := range p.index.blobs {
		if b.id.typ == resources.RT_SNAPSHOT {
			snapshots = append(snapshots, b.id)
		}
	}
	if len(snapshots) != 1 {
		return problemf(Snapshots, regionSnapshot, nowhere, "the package holds %d snapshots; plakar installs one with exactly 1",
			len(snapshots))
	}
	id := snapshots[0]
	data, err := p.readValue(id.typ, id.mac, 256)
	if err != nil {
		return err
	}
	if p.header, err = header.NewFromBytes(data); err != nil {
		return p.malformed(id, err)
	}
	p.snapshot = id.mac
	if p.header.Identifier != id.mac {
		return problemf(Inconsistent, regionSnapshot, nowhere, "calls itself %x but is stored as %x",
			p.header.Identifier[:4], id.mac[:4])
	}
	if len(p.header.Sources) != 1 {
		return problemf(Inconsistent, regionSnapshot, nowhere, "has %d sources; plakar installs the first and needs one",
			len(p.header.Sources))
	}
	if i, ok := p.index.at[blobID{resources.RT_SIGNATURE, id.mac}]; ok {
		p.used[i] = true
	}
	p.root = p.source().Importer.Directory
	if !path.IsAbs(p.root) || path.Clean(p.root) != p.root {
		return problemf(Inconsistent, regionSnapshot, nowhere, "its root directory %q is not an absolute path", p.root)
	}
	return nil
}

func (p *Package) source() *header.Source { return &p.header.Sources[0] }
