package ptarbuild

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/PlakarKorp/kloset/objects"
	klosetpack "github.com/PlakarKorp/kloset/packfile"
	klosetstate "github.com/PlakarKorp/kloset/repository/state"
	"github.com/google/uuid"
)

// A ptar has one packfile and one state; module integrations/ptar gives them these names whatever they hold.
var (
	packfileMAC = objects.MAC{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	stateMAC    = objects.MAC{15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}
)

// state says where each blob is, in version 1.0.0 of kloset's state: entries, each a type, a length and a body, then the
// metadata. The writer that kloset exports knows only the newer version 1.1.0, which older clients refuse.
func state(index []klosetpack.Blob, serial uuid.UUID, at time.Time) []byte {
	var out []byte
	for _, blob := range index {
		out = append(out, located(blob)...)
	}
	return append(out, stateEnd(serial, at)...)
}

func stateEntry(kind klosetstate.EntryType, body []byte) []byte {
	out := binary.LittleEndian.AppendUint32([]byte{byte(kind)}, uint32(len(body)))
	return append(out, body...)
}

// located is the entry that says where a blob is.
func located(blob klosetpack.Blob) []byte {
	delta := klosetstate.DeltaEntry{
		Type:     blob.Type,
		Version:  blob.Version,
		Blob:     blob.MAC,
		Location: klosetstate.Location{Packfile: packfileMAC, Offset: blob.Offset, Length: blob.Length},
	}
	return stateEntry(klosetstate.ET_LOCATIONS, delta.ToBytes())
}

// stateEnd is what follows the entries of the blobs.
func stateEnd(serial uuid.UUID, at time.Time) []byte {
	packfile := klosetstate.PackfileEntry{Packfile: packfileMAC, StateID: stateMAC, Timestamp: at}
	var out bytes.Buffer
	out.Write(stateEntry(klosetstate.ET_PACKFILE, packfile.ToBytes()))
	out.WriteByte(byte(klosetstate.ET_METADATA))
	binary.Write(&out, binary.LittleEndian, formatVersion)
	binary.Write(&out, binary.LittleEndian, at.UnixNano())
	out.Write(serial[:])
	return out.Bytes()
}
