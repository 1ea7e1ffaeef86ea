// Package ptar is what the writer and the readers of a ptar both know of its outermost layers, which integrations/ptar
// stores:
//
//	magic 8 | version 4 | configuration | packfile | state | trailer 48
//
// The trailer holds offset and length of the three regions, little-endian. Each region is an envelope of kloset's:
//
//	magic 8 | resource type 4 | version 4 | body | MAC 32
//
// No MAC covers the file's own magic, version and trailer, so they must be exactly what the regions imply.
package ptar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/versioning"
)

const (
	// Magic is what every ptar begins with.
	Magic = "_PLATAR_"
	// Start is how many bytes come before the first region: magic and version.
	Start = int64(len(Magic) + 4)
	// Trailer is the length of what comes after the last region.
	Trailer = int64(3 * 2 * 8)

	envelopeMagic = "_KLOSET_"
	// EnvelopeHeader, EnvelopeMAC and Envelope are the bytes of a region before its body, after it, and both.
	EnvelopeHeader = int64(storage.STORAGE_HEADER_SIZE)
	EnvelopeMAC    = int64(storage.STORAGE_FOOTER_SIZE)
	Envelope       = EnvelopeHeader + EnvelopeMAC
)

// Version is the one version of the file that there is. plakar refuses what is newer than it knows.
var Version = versioning.FromString("1.0.0")

// What ReadLayout finds wrong with a file; its errors wrap one of these, or are failures to read.
var (
	ErrNotPtar    = errors.New("the file is not a ptar")
	ErrVersion    = errors.New("unknown version of ptar")
	ErrIncomplete = errors.New("the file was cut short, appended to, or never completed")
)

// Section is a range of bytes of the file.
type Section struct{ Offset, Length int64 }

// End is the offset of the first byte behind it.
func (s Section) End() int64 { return s.Offset + s.Length }

// Body is the section inside a region's envelope.
func (s Section) Body() Section { return Section{s.Offset + EnvelopeHeader, s.Length - Envelope} }

// Layout is where the three regions are.
type Layout struct{ Config, Packfile, State Section }

func (l *Layout) sections() []*Section { return []*Section{&l.Config, &l.Packfile, &l.State} }

// AppendStart appends what comes before the first region.
func AppendStart(out []byte) []byte {
	return binary.LittleEndian.AppendUint32(append(out, Magic...), uint32(Version))
}

// AppendTrailer appends what comes after the last region.
func (l Layout) AppendTrailer(out []byte) []byte {
	for _, s := range l.sections() {
		out = binary.LittleEndian.AppendUint64(out, uint64(s.Offset))
		out = binary.LittleEndian.AppendUint64(out, uint64(s.Length))
	}
	return out
}

// ReadLayout reads where the regions of a file of size bytes are. They are large enough for their envelopes and make up
// the file, without gap or overlap; what is in them is not looked at. It reads 60 bytes.
func ReadLayout(r io.ReaderAt, size int64) (Layout, error) {
	var l Layout
	if size == 0 {
		return l, fmt.Errorf("%w but empty", ErrNotPtar)
	}
	start := make([]byte, min(Start, size))
	if err := ReadAt(r, start, 0); err != nil {
		return l, err
	}
	if magic := start[:min(len(Magic), len(start))]; string(magic) != Magic[:len(magic)] {
		return l, fmt.Errorf("%w: it does not begin with %s", ErrNotPtar, Magic)
	}
	if size < Start+3*Envelope+Trailer {
		return l, fmt.Errorf("%w: %d bytes are too few for a ptar", ErrIncomplete, size)
	}
	if v := versioning.Version(binary.LittleEndian.Uint32(start[len(Magic):])); v != Version {
		return l, fmt.Errorf("%w: %s; only v%s is known", ErrVersion, v, Version)
	}
	end := size - Trailer
	trailer := make([]byte, Trailer)
	if err := ReadAt(r, trailer, end); err != nil {
		return l, err
	}
	next := Start
	for i, s := range l.sections() {
		s.Offset = int64(binary.LittleEndian.Uint64(trailer[16*i:]))
		s.Length = int64(binary.LittleEndian.Uint64(trailer[16*i+8:]))
		if s.Offset != next || s.Length < Envelope || s.Length > end-next {
			return Layout{}, fmt.Errorf("%w: the regions that its trailer names do not make up the file", ErrIncomplete)
		}
		next = s.End()
	}
	if next != end {
		return Layout{}, fmt.Errorf("%w: its last region ends at byte %d, its trailer begins at byte %d", ErrIncomplete, next, end)
	}
	return l, nil
}

// ParseHeader reads the header of an envelope, EnvelopeHeader bytes.
func ParseHeader(header []byte) (resources.Type, versioning.Version, error) {
	if string(header[:8]) != envelopeMagic {
		return 0, 0, fmt.Errorf("does not begin with %s", envelopeMagic)
	}
	return resources.Type(binary.LittleEndian.Uint32(header[8:])), versioning.Version(binary.LittleEndian.Uint32(header[12:])), nil
}

// ReadAt fills data from an offset that is known to be inside of the file: an end that comes earlier is unexpected.
func ReadAt(r io.ReaderAt, data []byte, offset int64) error {
	if n, err := r.ReadAt(data, offset); n < len(data) {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("read at byte %d: %w", offset, err)
	}
	return nil
}
