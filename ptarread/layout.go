package ptarread

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/versioning"
)

// The outermost layer, as integrations/ptar writes it:
//
//	magic 8 | version 4 | config | packfile | state | trailer 48
//
// The trailer holds offset and length of the three regions. No MAC covers magic, version and trailer, so they must be
// exactly what the regions imply.
const (
	ptarMagic     = "_PLATAR_"
	ptarVersion   = "1.0.0"
	ptarStart     = int64(len(ptarMagic) + 4)
	trailerLength = 6 * 8
)

// Each region is enveloped by kloset: magic 8 | resource type 4 | version 4 | body | MAC 32.
const (
	envelopeMagic  = "_KLOSET_"
	envelopeHeader = int64(storage.STORAGE_HEADER_SIZE)
	envelopeMAC    = int64(storage.STORAGE_FOOTER_SIZE)
	envelope       = envelopeHeader + envelopeMAC
)

// section is a range of bytes of the file.
type section struct{ offset, length int64 }

func (s section) end() int64 { return s.offset + s.length }

// body is the section inside an envelope.
func (s section) body() section { return section{s.offset + envelopeHeader, s.length - envelope} }

type layout struct{ config, packfile, state section }

func (p *Package) readLayout() error {
	if p.size == 0 {
		return problemf(NotPackage, regionFile, nowhere, "the file is empty")
	}
	start := make([]byte, min(ptarStart, p.size))
	if err := p.readAt(start, 0); err != nil {
		return err
	}
	if magic := start[:min(len(ptarMagic), len(start))]; string(magic) != ptarMagic[:len(magic)] {
		return problemf(NotPackage, regionMagic, 0, "the file is not a ptar: it does not begin with %s", ptarMagic)
	}
	if p.size < ptarStart+3*envelope+trailerLength {
		return problemf(Damaged, regionFile, nowhere, "the file is cut short: %d bytes are too few for a package", p.size)
	}
	version := versioning.Version(binary.LittleEndian.Uint32(start[len(ptarMagic):]))
	if version != versioning.FromString(ptarVersion) {
		return problemf(Unsupported, regionMagic, int64(len(ptarMagic)), "ptar version %s; only v%s is known",
			version, ptarVersion)
	}

	end := p.size - trailerLength
	trailer := make([]byte, trailerLength)
	if err := p.readAt(trailer, end); err != nil {
		return err
	}
	sections := []*section{&p.layout.config, &p.layout.packfile, &p.layout.state}
	next := ptarStart
	for i, s := range sections {
		s.offset = int64(binary.LittleEndian.Uint64(trailer[16*i:]))
		s.length = int64(binary.LittleEndian.Uint64(trailer[16*i+8:]))
		if s.offset != next || s.length < envelope || s.length > end-next {
			return problemf(Damaged, regionTrailer, end, "the regions it names do not make up the file: "+
				"it was cut short, appended to, or never completed")
		}
		next = s.end()
	}
	if next != end {
		return problemf(Damaged, regionTrailer, end, "the regions it names end at byte %d, not where it begins: "+
			"the file was cut short, appended to, or never completed", next)
	}
	return nil
}

// readEnvelope returns the version in the header of an enveloped region.
func (p *Package) readEnvelope(s section, typ resources.Type, region string) (versioning.Version, error) {
	head := make([]byte, envelopeHeader)
	if err := p.readAt(head, s.offset); err != nil {
		return 0, err
	}
	if string(head[:8]) != envelopeMagic {
		return 0, problemf(Damaged, region, s.offset, "does not begin with %s", envelopeMagic)
	}
	if got := resources.Type(binary.LittleEndian.Uint32(head[8:])); got != typ {
		return 0, problemf(Damaged, region, s.offset+8, "holds a resource of type %s (%d), not %s", got, got, typ)
	}
	return versioning.Version(binary.LittleEndian.Uint32(head[12:])), nil
}

// readSection returns a range of bytes that the caller has bounded.
func (p *Package) readSection(s section) ([]byte, error) {
	data := make([]byte, s.length)
	return data, p.readAt(data, s.offset)
}

// readAt fills data from the offset, which is known to be inside of the file.
func (p *Package) readAt(data []byte, offset int64) error {
	if n, err := p.file.ReadAt(data, offset); n < len(data) {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("read package at byte %d: %w", offset, err)
	}
	return nil
}
