package ptarread

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math/bits"
	"slices"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/packfile"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/versioning"

	"github.com/PlakarKorp/kpkg/internal/ptar"
)

// The body of the packfile: blobs | index | footer | length of the stored footer 4. Each blob, the index and the footer are
// compressed, each in one piece.

// blobTypes are the types of blob that a snapshot consists of. One version is known of each, blobVersion.
var blobTypes = []resources.Type{
	resources.RT_SNAPSHOT, resources.RT_SIGNATURE, resources.RT_OBJECT, resources.RT_CHUNK,
	resources.RT_VFS_BTREE, resources.RT_VFS_NODE, resources.RT_VFS_ENTRY, resources.RT_VFS_SUMMARY,
	resources.RT_ERROR_BTREE, resources.RT_ERROR_NODE, resources.RT_ERROR_ENTRY,
	resources.RT_XATTR_BTREE, resources.RT_XATTR_NODE, resources.RT_XATTR_ENTRY,
	resources.RT_BTREE_ROOT, resources.RT_BTREE_NODE,
}

// footerLength is how many bytes the length of the stored footer takes.
const footerLength = 4

var blobVersion = versioning.FromString(packfile.VERSION)

// blobID names a blob: its MAC is the MAC of its content, but for a snapshot and its signature, which go by the
// snapshot's identifier.
type blobID struct {
	typ resources.Type
	mac objects.MAC
}

func (id blobID) String() string { return fmt.Sprintf("%s %x", id.typ, id.mac[:4]) }

// blob is where a blob is stored in the file. There may be millions: it takes 48 bytes.
type blob struct {
	offset int64
	mac    objects.MAC
	typ    resources.Type
	length uint32
}

func (b blob) id() blobID { return blobID{b.typ, b.mac} }
func (b blob) end() int64 { return b.offset + int64(b.length) }

// index is the packfile's table of contents.
type index struct {
	footer packfile.PackfileInMemoryFooter
	// at is where the index is stored; the footer follows it.
	at ptar.Section
	// base is where the packfile's body begins: what offsets in index and state count from.
	base int64
	// gaps are bytes among the blobs that no blob covers.
	gaps int64
	// snapshots are the identifiers of all snapshots, in the order of the index.
	snapshots []objects.MAC

	// count is how many blobs there are. They are in blobs and slots, or on disk if that would be too much.
	count   int
	spilled *spilled
	// blobs are in the order in which they are stored.
	blobs []blob
	// slots is a hash table of the blobs by their identifiers: their numbers, counted from 1. The seed is random, so that
	// no file can be made whose blobs all fall into one slot.
	slots []uint32
	seed  maphash.Seed
}

func (s *store) readIndex(ctx context.Context) error {
	region := s.layout.Packfile
	version, err := s.readEnvelope(region, resources.RT_PACKFILE, regionPackfile)
	if err != nil {
		return err
	}
	if version != blobVersion {
		return problemf(Unsupported, regionPackfile, region.Offset, "version %s; only v%s is known", version, blobVersion)
	}
	body := region.Body()
	footer, footerAt, err := s.readFooter(version, body)
	if err != nil {
		return err
	}
	if footer.IndexOffset > uint64(footerAt-body.Offset) {
		return problemf(Damaged, regionFooter, footerAt, "places the index at byte %d of the packfile, behind itself",
			footer.IndexOffset)
	}
	if int64(footer.Count) > int64(s.bounds.blobs) {
		return problemf(TooLarge, regionFooter, footerAt, "counts %d blobs; at most %d are allowed", footer.Count, s.bounds.blobs)
	}
	// Whatever stores a blob takes a byte, but for an empty one of each type that nothing compresses.
	if uint64(footer.Count) > footer.IndexOffset+uint64(len(blobTypes)) {
		return problemf(Inconsistent, regionFooter, footerAt, "counts %d blobs in %d bytes", footer.Count, footer.IndexOffset)
	}
	at := ptar.Section{Offset: body.Offset + int64(footer.IndexOffset)}
	at.Length = footerAt - at.Offset
	x := &index{footer: footer, at: at, base: body.Offset, seed: maphash.MakeSeed()}
	s.index = x
	return s.readIndexRecords(ctx, x)
}

// readFooter returns the footer and the offset at which it is stored.
func (s *store) readFooter(version versioning.Version, body ptar.Section) (packfile.PackfileInMemoryFooter, int64, error) {
	var none packfile.PackfileInMemoryFooter
	lengthAt := body.End() - footerLength
	if body.Length < footerLength {
		return none, 0, problemf(Damaged, regionFooter, body.Offset, "is missing")
	}
	raw := make([]byte, footerLength)
	if err := ptar.ReadAt(s.file, raw, lengthAt); err != nil {
		return none, 0, err
	}
	length := int64(binary.LittleEndian.Uint32(raw))
	if length > body.Length-footerLength || length > maxStoredFooter {
		return none, 0, problemf(Damaged, regionFooter, lengthAt, "claims to be %d bytes long", length)
	}
	at := ptar.Section{Offset: lengthAt - length, Length: length}
	stored, err := s.readSection(at)
	if err != nil {
		return none, 0, err
	}
	data, err := s.unpack(nil, stored, packfile.FOOTER_SIZE)
	if err != nil {
		return none, 0, problemf(Damaged, regionFooter, at.Offset, "%v", err)
	}
	if len(data) != packfile.FOOTER_SIZE {
		return none, 0, problemf(Damaged, regionFooter, at.Offset, "is %d bytes long, not %d", len(data), packfile.FOOTER_SIZE)
	}
	footer, err := packfile.NewInMemoryFooterFromBytes(version, data)
	if err != nil {
		return none, 0, problemf(Damaged, regionFooter, at.Offset, "does not decode: %v", err)
	}
	return footer, at.Offset, nil
}

// readIndexRecords reads the blobs as the index lists them, in kloset's form of a record: type 4 | version 4 | MAC 32 |
// offset 8 | length 4 | flags 4.
func (s *store) readIndexRecords(ctx context.Context, x *index) error {
	at := x.at
	length := int64(x.footer.Count) * packfile.BLOB_RECORD_SIZE
	// MACs do not compress, so that a stored index much longer than its records is not one.
	if at.Length > length+length/8+64<<10 {
		return problemf(Damaged, regionIndex, at.Offset, "is %d bytes long for %d blobs", at.Length, x.footer.Count)
	}
	return x.fill(ctx, int64(x.footer.Count), func(add func(blob) error) error {
		in, err := s.openRegion(ctx, at, length)
		if err != nil {
			return cmp.Or(in.fileErr, error(problemf(Damaged, regionIndex, at.Offset, "%v", err)))
		}
		mac := s.key.Hasher()
		defer s.key.Put(mac)
		room := at.Offset - x.base
		// What is wrong with a record matters only if the index is what was written.
		var wrong error
		for record := make([]byte, packfile.BLOB_RECORD_SIZE); ; {
			_, err := io.ReadFull(in, record)
			if err == io.EOF {
				break
			}
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = errors.New("ends in the middle of a record")
			}
			if err != nil {
				return cmp.Or(in.fileErr, error(problemf(Damaged, regionIndex, at.Offset, "%v", err)))
			}
			mac.Write(record)
			b, err := s.parseRecord(record, x.base, room, at.Offset)
			wrong = cmp.Or(wrong, err)
			if b.typ == resources.RT_SNAPSHOT {
				if len(x.snapshots) == maxSnapshots {
					return problemf(TooLarge, regionIndex, at.Offset, "lists more than %d snapshots", maxSnapshots)
				}
				x.snapshots = append(x.snapshots, b.mac)
			}
			if err := add(b); err != nil {
				return err
			}
		}
		in.in.release(s.config.compression)
		if objects.MAC(mac.Sum(nil)) != x.footer.IndexMAC {
			return problemf(Damaged, regionIndex, at.Offset, "does not match the MAC in the footer")
		}
		return wrong
	})
}

// fill takes count blobs from each, which gives them in any order to what it is called with, and places them if each does not
// fail.
func (x *index) fill(ctx context.Context, count int64, each func(add func(blob) error) error) error {
	if count <= int64(maxBlobsInMemory) {
		x.blobs = make([]blob, 0, count)
		if err := each(x.keep); err != nil {
			return err
		}
		return x.place()
	}
	spill, err := newSpiller()
	if err != nil {
		return err
	}
	defer func() {
		if x.spilled == nil {
			spill.close()
		}
	}()
	err = each(func(b blob) error {
		x.count++
		return spill.add(b)
	})
	if err != nil {
		return err
	}
	return x.placeSpilled(ctx, spill)
}

func (x *index) keep(b blob) error {
	x.count++
	x.blobs = append(x.blobs, b)
	return nil
}

// parseRecord reads one record of an index at the given offset, for a packfile with room bytes of blobs from base on.
func (s *store) parseRecord(record []byte, base, room, indexAt int64) (blob, error) {
	b := blob{
		typ:    resources.Type(binary.LittleEndian.Uint32(record)),
		mac:    objects.MAC(record[8:40]),
		length: binary.LittleEndian.Uint32(record[48:]),
	}
	version := versioning.Version(binary.LittleEndian.Uint32(record[4:]))
	offset := binary.LittleEndian.Uint64(record[40:])
	switch {
	case !slices.Contains(blobTypes, b.typ):
		return b, problemf(Unsupported, regionIndex, indexAt, "lists a blob of type %s (%d)", b.typ, b.typ)
	case version != blobVersion:
		return b, problemf(Unsupported, regionIndex, indexAt, "lists %v of version %s; only %s is known", b.id(), version, blobVersion)
	case offset > uint64(room) || int64(b.length) > room-int64(offset):
		return b, problemf(Damaged, regionIndex, indexAt, "places %v outside of the blobs", b.id())
	case b.length > maxStoredBlob && (b.typ != resources.RT_OBJECT || s.bounds.list <= MaxBlob):
		return b, problemf(TooLarge, regionIndex, indexAt, "lists %v of %d bytes; at most %d are allowed", b.id(), b.length, maxStoredBlob)
	}
	b.offset = base + int64(offset)
	return b, nil
}

// place checks that the blobs do not overlap, orders them as they are stored and enters each into the hash table.
func (x *index) place() error {
	slices.SortFunc(x.blobs, comparePlaces)
	x.slots = make([]uint32, 1<<bits.Len(uint(2*len(x.blobs))))
	next := x.base
	for i, b := range x.blobs {
		if err := x.follow(&next, b); err != nil {
			return err
		}
		slot, known := x.slot(b.id())
		if known {
			return x.twice(b)
		}
		x.slots[slot] = uint32(i + 1)
	}
	x.gaps += x.at.Offset - next
	return nil
}

// placeSpilled is place for blobs on disk.
func (x *index) placeSpilled(ctx context.Context, spill *spiller) (err error) {
	next := x.base
	var last *blob
	x.spilled, err = spill.finish(ctx, func(b blob) error {
		if last != nil && last.id() == b.id() {
			return x.twice(b)
		}
		last = &b
		return nil
	}, func(b blob) error { return x.follow(&next, b) })
	x.gaps += x.at.Offset - next
	return err
}

// follow places a blob behind those before it.
func (x *index) follow(next *int64, b blob) error {
	if b.offset < *next {
		return problemf(Inconsistent, regionIndex, x.at.Offset, "lets %v overlap the blob before it", b.id())
	}
	x.gaps += b.offset - *next
	*next = b.end()
	return nil
}

func (x *index) twice(b blob) error {
	return problemf(Inconsistent, regionIndex, x.at.Offset, "lists %v twice", b.id())
}

// slot is where the blob's number is, or would be.
func (x *index) slot(id blobID) (slot int, known bool) {
	mask := len(x.slots) - 1
	for slot = int(maphash.Comparable(x.seed, id)) & mask; ; slot = (slot + 1) & mask {
		n := x.slots[slot]
		if n == 0 {
			return slot, false
		}
		if b := &x.blobs[n-1]; b.mac == id.mac && b.typ == id.typ {
			return slot, true
		}
	}
}

// lookup returns a blob and a number of its own below count; the error is one of reading the temporary index.
func (x *index) lookup(id blobID) (n int, b blob, known bool, err error) {
	if x.spilled != nil {
		return x.spilled.find(id)
	}
	slot, known := x.slot(id)
	if !known {
		return 0, blob{}, false, nil
	}
	n = int(x.slots[slot]) - 1
	return n, x.blobs[n], true, nil
}

// each visits all blobs in the order in which they are stored, up to the first error.
func (x *index) each(visit func(blob) error) error {
	if x.spilled != nil {
		return x.spilled.each(visit)
	}
	for _, b := range x.blobs {
		if err := visit(b); err != nil {
			return err
		}
	}
	return nil
}

func (x *index) close() error {
	if x == nil || x.spilled == nil {
		return nil
	}
	return x.spilled.close()
}

// overread is how many bytes beyond a stored range of the given length plakar may read, to hide the length from who
// serves it: it adds up to 2^(bits/2) bytes before and after, at random, and fails at the end of the file.
func overread(length int64) int64 { return 1 << (bits.Len64(uint64(length)) / 2) }
