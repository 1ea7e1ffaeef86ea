package ptarread

import (
	"slices"
	"time"

	"github.com/PlakarKorp/kloset/snapshot/header"
)

// Info is how a ptar was made, as it says itself.
type Info struct {
	RepositoryID string
	// Snapshot is the identifier of a package's one snapshot.
	Snapshot string
	// Compression is "LZ4", "GZIP", or "" for none; Hashing "BLAKE3" or "SHA256".
	Compression, Hashing string
	// Encryption is the algorithm that contents are encrypted with, KDF what makes a key of the passphrase; "" for none.
	Encryption, KDF string
	Chunking        Chunking
	// Versions of the file's layers, such as "v1.0.0"; SnapshotVersion of a package's.
	ConfigVersion, PackfileVersion, StateVersion, SnapshotVersion string
	// Times are all that are recorded outside of the entries and snapshots: of the store, the packfile and the state. Those of
	// a package include its snapshot's.
	Times []time.Time
}

// Chunking is how contents were cut, with sizes in bytes.
type Chunking struct {
	Algorithm             string
	Minimum, Normal, Most uint32
}

// Info describes the package.
func (p *Package) Info() Info {
	info := p.store.info()
	info.Snapshot, info.SnapshotVersion = p.snapshot.FormatHex(), p.header.Version.String()
	info.Times = append(info.Times, p.header.Timestamp)
	return info
}

// Info describes the archive.
func (a *Archive) Info() Info { return a.info() }

func (s *store) info() Info {
	c := s.config
	info := Info{
		RepositoryID:    c.RepositoryID.String(),
		Compression:     c.compression,
		Hashing:         c.Hashing.Algorithm,
		Chunking:        Chunking{c.Chunking.Algorithm, c.Chunking.MinSize, c.Chunking.NormalSize, c.Chunking.MaxSize},
		ConfigVersion:   c.Version.String(),
		PackfileVersion: s.index.footer.Version.String(),
		StateVersion:    s.state.version.String(),
		Times:           slices.Concat([]time.Time{c.Timestamp}, s.state.times),
	}
	if e := c.Encryption; e != nil {
		info.Encryption, info.KDF = e.DataAlgorithm, e.KDFParams.KDF
	}
	// Upstream's writer leaves the packfile's own time zero.
	if t := s.index.footer.Timestamp; t != 0 {
		info.Times = append(info.Times, time.Unix(0, t))
	}
	return info
}

// Region is a part of a ptar. All of them make up the file, one after the other.
type Region struct {
	// Name is what problems call it, and for what is not a region of its own: footer length, packfile MAC.
	Name           string
	Offset, Length int64
}

// Layout lists the parts of the archive, from its first byte to its last.
func (a *Archive) Layout() []Region { return a.regions() }

// Layout lists the parts of the package, from its first byte to its last.
func (p *Package) Layout() []Region { return p.regions() }

func (s *store) regions() []Region {
	body := s.layout.Packfile.Body()
	regions := []Region{{Name: regionMagic, Offset: 0}}
	for _, part := range []Region{
		{Name: regionConfig, Offset: s.layout.Config.Offset},
		{Name: regionPackfile, Offset: s.layout.Packfile.Offset},
		{Name: regionBlobs, Offset: body.Offset},
		{Name: regionIndex, Offset: s.index.at.Offset},
		{Name: regionFooter, Offset: s.index.at.End()},
		{Name: "footer length", Offset: body.End() - footerLength},
		{Name: "packfile MAC", Offset: body.End()},
		{Name: regionState, Offset: s.layout.State.Offset},
		{Name: regionTrailer, Offset: s.layout.State.End()},
		{Offset: s.size},
	} {
		last := &regions[len(regions)-1]
		last.Length = part.Offset - last.Offset
		if part.Name != "" {
			regions = append(regions, part)
		}
	}
	return regions
}

// Recorded is a fact that the package's writer recorded of itself or its machine.
type Recorded struct{ Name, Value string }

// Origin lists what the snapshot records of the machine and person that made it, in the order of the file: host and
// user name, machine id, command line, and the directory that was packed. Names are those of the file.
func (p *Package) Origin() []Recorded { return recorded(p.header, p.source()) }

func recorded(h *header.Header, source *header.Source) []Recorded {
	var origin []Recorded
	add := func(name, value string) {
		if value != "" {
			origin = append(origin, Recorded{name, value})
		}
	}
	for _, c := range h.Context {
		add(c.Key, c.Value)
	}
	for _, c := range source.Context {
		add(c.Key, c.Value)
	}
	add("ImporterOrigin", source.Importer.Origin)
	if root := source.Importer.Directory; root != "/" {
		add("ImporterDirectory", root)
	}
	if i := h.Identity; len(i.PublicKey) > 0 {
		add("Identity", i.Identifier.String())
	}
	return origin
}

// Outside counts the entries of the snapshot that are neither below the package's root nor lead to it. plakar does not
// install them.
func (p *Package) Outside() int {
	leading := 0
	for path := range p.tree {
		if _, ok := relative(path, p.root); ok && path != p.root {
			leading++
		}
	}
	return len(p.tree) - len(p.entries) - leading
}

// Blobs counts the blobs of a package.
func (p *Package) Blobs() int { return p.index.count }
