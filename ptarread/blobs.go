package ptarread

import (
	"errors"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
)

// byIdentifier reports whether blobs of a type go by the snapshot's identifier instead of their content's MAC.
func byIdentifier(typ resources.Type) bool {
	return typ == resources.RT_SNAPSHOT || typ == resources.RT_SIGNATURE
}

// find returns the place of a blob and notes, while the package is opened, that the snapshot refers to it.
func (p *Package) find(id blobID) (blob, error) {
	b, err := p.index.find(id)
	if err == nil {
		p.used[p.index.at[id]] = true
	}
	return b, err
}

// decode decompresses a stored blob into the memory of dst and checks it against its MAC.
func (p *Package) decode(b blob, dst, stored []byte) ([]byte, error) {
	data, err := inflate(p.config.compression, dst, stored, MaxBlob)
	if err == errTooLong {
		return nil, problemf(TooLarge, regionBlobs, b.offset, "%v %v, %d bytes", b.id, err, MaxBlob)
	}
	if err != nil {
		return nil, problemf(Damaged, regionBlobs, b.offset, "%v %v", b.id, err)
	}
	if !byIdentifier(b.id.typ) && p.key.sum(data) != b.id.mac {
		return nil, problemf(Damaged, regionBlobs, b.offset, "%v does not match its MAC", b.id)
	}
	return data, nil
}

func (p *Package) readBlob(b blob) ([]byte, error) {
	stored, err := p.readSection(b.section)
	if err != nil {
		return nil, err
	}
	return p.decode(b, nil, stored)
}

// readMetadata reads a blob that describes the content, before it is known whether the package is worth it.
func (p *Package) readMetadata(typ resources.Type, mac objects.MAC) ([]byte, error) {
	b, err := p.find(blobID{typ, mac})
	if err != nil {
		return nil, err
	}
	data, err := p.readBlob(b)
	if err != nil {
		return nil, err
	}
	if p.metadata += len(data); p.metadata > maxMetadata {
		return nil, problemf(TooLarge, regionBlobs, nowhere, "its trees and entries take more than %d bytes", maxMetadata)
	}
	return data, nil
}

// readValue is readMetadata for a blob of one msgpack value with at most maxElements array elements.
func (p *Package) readValue(typ resources.Type, mac objects.MAC, maxElements int) ([]byte, error) {
	data, err := p.readMetadata(typ, mac)
	if err != nil {
		return nil, err
	}
	if err := checkShape(data, maxElements); err != nil {
		return nil, p.malformed(blobID{typ, mac}, err)
	}
	return data, nil
}

// malformed is the problem of a blob that has its MAC but is not what its type says.
func (p *Package) malformed(id blobID, reason error) error {
	kind := Inconsistent
	if errors.Is(reason, errElements) {
		kind = TooLarge
	}
	return problemf(kind, regionBlobs, p.index.blobs[p.index.at[id]].offset, "%v %v", id, reason)
}
