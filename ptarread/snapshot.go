package ptarread

import (
	"context"
	"path"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"
)

// readSnapshot finds the one snapshot and decodes its header.
func (p *Package) readSnapshot(ctx context.Context) (err error) {
	p.used, p.lengths = make([]bool, p.index.count), make([]uint32, p.index.count)
	snapshots := p.index.snapshots
	if len(snapshots) != 1 {
		return problemf(Snapshots, regionSnapshot, nowhere,
			"the package holds %d snapshots; plakar installs one with exactly 1", len(snapshots))
	}
	p.snapshot = snapshots[0]
	if p.header, err = p.readHeader(ctx, p.snapshot); err != nil {
		return err
	}
	if n := len(p.header.Sources); n != 1 {
		return problemf(Inconsistent, regionSnapshot, nowhere, "has %d sources; one is needed", n)
	}
	p.root = p.source().Importer.Directory
	n, _, signed, err := p.index.lookup(blobID{resources.RT_SIGNATURE, p.snapshot})
	if signed {
		p.used[n] = true
	}
	return err
}

func (p *Package) source() *header.Source { return &p.header.Sources[0] }

// readHeader decodes a snapshot's header, which has a source, and absolute paths where its sources begin.
func (s *store) readHeader(ctx context.Context, id objects.MAC) (*header.Header, error) {
	h, err := readAs(ctx, s, blobID{resources.RT_SNAPSHOT, id}, maxEntryElements, header.NewFromBytes)
	if err != nil {
		return nil, err
	}
	if h.Identifier != id {
		return nil, problemf(Inconsistent, regionSnapshot, nowhere, "calls itself %x but is stored as %x", h.Identifier[:4], id[:4])
	}
	if len(h.Sources) == 0 {
		return nil, problemf(Inconsistent, regionSnapshot, nowhere, "has 0 sources; one is needed")
	}
	for _, source := range h.Sources {
		if root := source.Importer.Directory; !path.IsAbs(root) || path.Clean(root) != root || len(root) > maxArchivePath {
			return nil, problemf(Inconsistent, regionSnapshot, nowhere, "its root directory %.80q is not an absolute path", root)
		}
	}
	return h, nil
}
