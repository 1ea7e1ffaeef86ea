package ptarread

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/repository/state"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/versioning"
)

// stateVersions are the versions that released clients write and read. A state of v1.1.0 begins with the MAC of the
// state before it.
var stateVersions = []versioning.Version{versioning.FromString("1.0.0"), versioning.FromString("1.1.0")}

// Sizes of what frames the entries of a state.
const (
	stateEntryHead = 1 + 4
	stateParent    = len(objects.MAC{})
	stateMetadata  = 4 + 8 + 16
	deltaLength    = stateEntryHead + state.DeltaEntrySerializedSize
	packfileLength = stateEntryHead + state.PackfileEntrySerializedSize
)

// stateInfo is what a state says beyond the index, which it must repeat.
type stateInfo struct {
	version versioning.Version
	// times are the state's own and the packfile's.
	times []time.Time
}

// readState checks that the state, from which plakar takes the place of every blob, says what the packfile's index
// says and nothing else: an entry that deletes or hides a blob has no place in a package.
func (p *Package) readState() error {
	s := p.layout.state
	version, err := p.readEnvelope(s, resources.RT_STATE, regionState)
	if err != nil {
		return err
	}
	if !slices.Contains(stateVersions, version) {
		return problemf(Unsupported, regionState, s.offset, "version %s; v1.0.0 and v1.1.0 are known", version)
	}
	decoded := stateParent + len(p.index.blobs)*deltaLength + packfileLength + 1 + stateMetadata
	if s.length > int64(decoded+decoded/8+64<<10) {
		return problemf(Inconsistent, regionState, s.offset, "is %d bytes long for %d blobs", s.length, len(p.index.blobs))
	}
	sealed, err := p.readSection(s)
	if err != nil {
		return err
	}
	end := len(sealed) - int(envelopeMAC)
	if mac := p.key.sum(sealed[:end]); !bytes.Equal(mac[:], sealed[end:]) {
		return problemf(Damaged, regionState, s.offset, "does not match its MAC")
	}
	data, err := inflate(p.config.compression, nil, sealed[envelopeHeader:end], decoded)
	if err == errTooLong {
		return problemf(Inconsistent, regionState, s.offset, "lists more than the %d blobs of the index", len(p.index.blobs))
	}
	if err != nil {
		return problemf(Damaged, regionState, s.offset, "%v", err)
	}
	r := stateReader{data: data, index: p.index, info: stateInfo{version: version}, offset: s.offset}
	if err := r.read(); err != nil {
		return err
	}
	p.state = &r.info
	return nil
}

type stateReader struct {
	data   []byte
	offset int64
	index  *index
	info   stateInfo

	located  int
	packfile *objects.MAC
}

func (r *stateReader) read() error {
	if r.info.version != stateVersions[0] {
		if _, err := r.next(stateParent); err != nil {
			return err
		}
	}
	seen := make([]bool, len(r.index.blobs))
	packfiles := 0
	for {
		typ, err := r.next(1)
		if err != nil {
			return err
		}
		if state.EntryType(typ[0]) == state.ET_METADATA {
			break
		}
		length, err := r.next(4)
		if err != nil {
			return err
		}
		switch n := binary.LittleEndian.Uint32(length); {
		case state.EntryType(typ[0]) == state.ET_LOCATIONS && n == state.DeltaEntrySerializedSize:
			err = r.location(seen)
		case state.EntryType(typ[0]) == state.ET_PACKFILE && n == state.PackfileEntrySerializedSize:
			packfiles++
			err = r.packfileEntry()
		default:
			err = problemf(Inconsistent, regionState, r.offset, "holds an entry of type %d and %d bytes, which a package never has",
				typ[0], n)
		}
		if err != nil {
			return err
		}
	}
	metadata, err := r.next(stateMetadata)
	if err != nil {
		return err
	}
	r.info.times = append(r.info.times, time.Unix(0, int64(binary.LittleEndian.Uint64(metadata[4:]))))
	switch {
	case len(r.data) > 0:
		return problemf(Inconsistent, regionState, r.offset, "has %d bytes after its end", len(r.data))
	case packfiles != 1:
		return problemf(Inconsistent, regionState, r.offset, "names %d packfiles, not one", packfiles)
	case r.located != len(r.index.blobs):
		return problemf(Inconsistent, regionState, r.offset, "locates %d of the index's %d blobs", r.located, len(r.index.blobs))
	}
	return nil
}

// location reads where one blob is, which must be where the index says, and is the first to say so.
func (r *stateReader) location(seen []bool) error {
	raw, err := r.next(state.DeltaEntrySerializedSize)
	if err != nil {
		return err
	}
	delta, err := state.DeltaEntryFromBytes(raw)
	if err != nil {
		return problemf(Damaged, regionState, r.offset, "does not decode: %v", err)
	}
	id := blobID{delta.Type, delta.Blob}
	i, ok := r.index.at[id]
	if !ok || seen[i] {
		return problemf(Inconsistent, regionState, r.offset, "locates %v, which is not in the index once", id)
	}
	seen[i] = true
	r.located++
	b := r.index.blobs[i]
	if delta.Location.Offset != uint64(b.offset-r.index.base) || int64(delta.Location.Length) != b.length || delta.Version != b.version {
		return problemf(Inconsistent, regionState, r.offset, "locates %v elsewhere than the index", id)
	}
	return r.samePackfile(delta.Location.Packfile)
}

func (r *stateReader) packfileEntry() error {
	raw, err := r.next(state.PackfileEntrySerializedSize)
	if err != nil {
		return err
	}
	entry, err := state.PackfileEntryFromBytes(raw)
	if err != nil {
		return problemf(Damaged, regionState, r.offset, "does not decode: %v", err)
	}
	r.info.times = append(r.info.times, entry.Timestamp)
	return r.samePackfile(entry.Packfile)
}

// samePackfile holds all entries to one packfile: plakar finds no other in a ptar.
func (r *stateReader) samePackfile(mac objects.MAC) error {
	if r.packfile == nil {
		r.packfile = &mac
	}
	if *r.packfile != mac {
		return problemf(Inconsistent, regionState, r.offset, "names several packfiles; a package has one")
	}
	return nil
}

func (r *stateReader) next(n int) ([]byte, error) {
	if n > len(r.data) {
		return nil, problemf(Inconsistent, regionState, r.offset, "ends in the middle of an entry")
	}
	data := r.data[:n]
	r.data = r.data[n:]
	return data, nil
}
