package ptarread

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
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
// says and nothing else: an entry that deletes or hides a blob has no place in a file of one snapshot.
func (s *store) readState(ctx context.Context) error {
	at := s.layout.State
	version, err := s.readEnvelope(at, resources.RT_STATE, regionState)
	if err != nil {
		return err
	}
	if !slices.Contains(stateVersions, version) {
		return problemf(Unsupported, regionState, at.Offset, "version %s; v1.0.0 and v1.1.0 are known", version)
	}
	decoded := int64(stateParent + s.index.count*deltaLength + packfileLength + 1 + stateMetadata)
	if at.Length > decoded+decoded/8+64<<10 {
		return problemf(Inconsistent, regionState, at.Offset, "is %d bytes long for %d blobs", at.Length, s.index.count)
	}
	if err := s.checkMAC(ctx, at, regionState); err != nil {
		return err
	}
	in, err := s.openRegion(ctx, at.Body(), decoded)
	r := stateReader{in: in, index: s.index, info: stateInfo{version: version}, offset: at.Offset}
	if err != nil {
		return r.failed(err)
	}
	if err := r.read(); err != nil {
		return err
	}
	in.in.release(s.config.compression)
	s.state = &r.info
	return nil
}

type stateReader struct {
	in     *regionStream
	buffer [max(deltaLength, packfileLength, stateMetadata)]byte
	offset int64
	index  *index
	info   stateInfo

	located  int
	packfile objects.MAC // once it is named
	named    bool
}

func (r *stateReader) read() error {
	if r.info.version != stateVersions[0] {
		if _, err := r.next(stateParent); err != nil {
			return err
		}
	}
	same := r.index.comparison()
	packfiles := 0
	for {
		typ, err := r.next(1)
		if err != nil {
			return err
		}
		kind := state.EntryType(typ[0])
		if kind == state.ET_METADATA {
			break
		}
		length, err := r.next(4)
		if err != nil {
			return err
		}
		switch n := binary.LittleEndian.Uint32(length); {
		case kind == state.ET_LOCATIONS && n == state.DeltaEntrySerializedSize:
			err = r.location(same)
		case kind == state.ET_PACKFILE && n == state.PackfileEntrySerializedSize:
			packfiles++
			err = r.packfileEntry()
		default:
			err = problemf(Inconsistent, regionState, r.offset, "holds an entry of type %d and %d bytes, which a package never has", kind, n)
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
	more, err := io.Copy(io.Discard, r.in)
	switch {
	case err != nil:
		return r.failed(err)
	case more > 0:
		return problemf(Inconsistent, regionState, r.offset, "has %d bytes after its end", more)
	case packfiles != 1:
		return problemf(Inconsistent, regionState, r.offset, "names %d packfiles, not one", packfiles)
	case r.located != r.index.count:
		return problemf(Inconsistent, regionState, r.offset, "locates %d of the index's %d blobs", r.located, r.index.count)
	}
	if complete, err := same.complete(); err != nil || !complete {
		return cmp.Or(err, error(problemf(Inconsistent, regionState, r.offset, "locates other blobs than the index, or elsewhere")))
	}
	return nil
}

// location reads where one blob is, which must be where the index says, and said once.
func (r *stateReader) location(same comparison) error {
	raw, err := r.next(state.DeltaEntrySerializedSize)
	if err != nil {
		return err
	}
	delta, err := state.DeltaEntryFromBytes(raw)
	if err != nil {
		return problemf(Damaged, regionState, r.offset, "does not decode: %v", err)
	}
	id := blobID{delta.Type, delta.Blob}
	r.located++
	if delta.Version != blobVersion || delta.Location.Offset > uint64(r.index.at.Offset) {
		return problemf(Inconsistent, regionState, r.offset, "locates %v elsewhere than the index", id)
	}
	located := blob{typ: id.typ, mac: id.mac, offset: r.index.base + int64(delta.Location.Offset), length: delta.Location.Length}
	if reason := same.add(located); reason != "" {
		return problemf(Inconsistent, regionState, r.offset, "locates %v"+reason, id)
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
	if !r.named {
		r.packfile, r.named = mac, true
	}
	if r.packfile != mac {
		return problemf(Inconsistent, regionState, r.offset, "names several packfiles; a package has one")
	}
	return nil
}

// next reads n bytes, which stay as they are until it is called again.
func (r *stateReader) next(n int) ([]byte, error) {
	data := r.buffer[:n]
	_, err := io.ReadFull(r.in, data)
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, problemf(Inconsistent, regionState, r.offset, "ends in the middle of an entry")
	}
	if err != nil {
		return nil, r.failed(err)
	}
	return data, nil
}

// failed is what stopped the decompression of the state.
func (r *stateReader) failed(err error) error {
	switch {
	case r.in.fileErr != nil:
		return r.in.fileErr
	case errors.Is(err, errTooLong):
		return problemf(Inconsistent, regionState, r.offset, "lists more than the %d blobs of the index", r.index.count)
	}
	return problemf(Damaged, regionState, r.offset, "%v", err)
}
