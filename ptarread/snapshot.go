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
	p.used, p.lengths = make([]bool, len(p.index.blobs)), make([]uint32, len(p.index.blobs))
	if p.header, p.snapshot, err = p.readHeader(ctx, "the package holds %d snapshots; plakar installs one with exactly 1"); err != nil {
		return err
	}
	if n, ok := p.index.lookup(blobID{resources.RT_SIGNATURE, p.snapshot}); ok {
		p.used[n] = true
	}
	p.root = p.source().Importer.Directory
	return nil
}

func (p *Package) source() *header.Source { return &p.header.Sources[0] }

// readHeader finds the one snapshot and decodes its header, which has one source whose root is an absolute path. several
// says what is wrong with another number of snapshots.
func (s *store) readHeader(ctx context.Context, several string) (*header.Header, objects.MAC, error) {
	var snapshots []blobID
	for _, b := range s.index.blobs {
		if b.typ == resources.RT_SNAPSHOT {
			snapshots = append(snapshots, b.id())
		}
	}
	if len(snapshots) != 1 {
		return nil, objects.MAC{}, problemf(Snapshots, regionSnapshot, nowhere, several, len(snapshots))
	}
	id := snapshots[0]
	h, err := readAs(ctx, s, id, maxEntryElements, header.NewFromBytes)
	if err != nil {
		return nil, id.mac, err
	}
	if h.Identifier != id.mac {
		return nil, id.mac, problemf(Inconsistent, regionSnapshot, nowhere, "calls itself %x but is stored as %x",
			h.Identifier[:4], id.mac[:4])
	}
	if len(h.Sources) != 1 {
		return nil, id.mac, problemf(Inconsistent, regionSnapshot, nowhere, "has %d sources; one is needed", len(h.Sources))
	}
	if root := h.Sources[0].Importer.Directory; !path.IsAbs(root) || path.Clean(root) != root || len(root) > maxArchivePath {
		return nil, id.mac, problemf(Inconsistent, regionSnapshot, nowhere, "its root directory %.80q is not an absolute path", root)
	}
	return h, id.mac, nil
}
