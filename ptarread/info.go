package ptarread

import (
	"slices"
	"time"
)

// Info is how a package was made, as it says itself.
type Info struct {
	RepositoryID string
	Snapshot     string
	// Compression is "LZ4", "GZIP", or "" for none; Hashing "BLAKE3" or "SHA256".
	Compression, Hashing string
	Chunking             Chunking
	// Versions of the file's layers, such as "v1.0.0".
	ConfigVersion, PackfileVersion, StateVersion, SnapshotVersion string
	// Times are all that are recorded outside of the entries: of the store, the packfile, the state and the snapshot.
	Times []time.Time
}

// Chunking is how contents were cut, with sizes in bytes.
type Chunking struct {
	Algorithm             string
	Minimum, Normal, Most uint32
}

// Info describes the package.
func (p *Package) Info() Info {
	c := p.config
	info := Info{
		RepositoryID:    c.RepositoryID.String(),
		Snapshot:        p.snapshot.FormatHex(),
		Compression:     c.compression,
		Hashing:         c.Hashing.Algorithm,
		Chunking:        Chunking{c.Chunking.Algorithm, c.Chunking.MinSize, c.Chunking.NormalSize, c.Chunking.MaxSize},
		ConfigVersion:   c.Version.String(),
		PackfileVersion: p.index.footer.Version.String(),
		StateVersion:    p.state.version.String(),
		SnapshotVersion: p.header.Version.String(),
		Times:           slices.Concat([]time.Time{c.Timestamp, p.header.Timestamp}, p.state.times),
	}
	// Upstream's writer leaves the packfile's own time zero.
	if t := p.index.footer.Timestamp; t != 0 {
		info.Times = append(info.Times, time.Unix(0, t))
	}
	return info
}

// Recorded is a fact that the package's writer recorded of itself or its machine.
type Recorded struct{ Name, Value string }

// Origin lists what the snapshot records of the machine and person that made it, in the order of the file: host and
// user name, machine id, command line, and the directory that was packed. Names are those of the file.
func (p *Package) Origin() []Recorded {
	var origin []Recorded
	add := func(name, value string) {
		if value != "" {
			origin = append(origin, Recorded{name, value})
		}
	}
	for _, c := range p.header.Context {
		add(c.Key, c.Value)
	}
	source := p.source()
	for _, c := range source.Context {
		add(c.Key, c.Value)
	}
	add("ImporterOrigin", source.Importer.Origin)
	if p.root != "/" {
		add("ImporterDirectory", p.root)
	}
	if i := p.header.Identity; len(i.PublicKey) > 0 {
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
func (p *Package) Blobs() int { return len(p.index.blobs) }
