package ptarread

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/packfile"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/versioning"
)

// The body of the packfile: blobs | index | footer | length of the stored footer 4. Each blob, the index as a whole and
// the footer are compressed.

// blobVersions are the types of blob that a package may hold and the one version known of each.
var blobVersions = func() map[resources.Type]versioning.Version {
	versions := map[resources.Type]versioning.Version{}
	for _, typ := range []resources.Type{
		resources.RT_SNAPSHOT, resources.RT_SIGNATURE, resources.RT_OBJECT, resources.RT_CHUNK,
		resources.RT_VFS_BTREE, resources.RT_VFS_NODE, resources.RT_VFS_ENTRY, resources.RT_VFS_SUMMARY,
		resources.RT_ERROR_BTREE, resources.RT_ERROR_NODE, resources.RT_ERROR_ENTRY,
		resources.RT_XATTR_BTREE, resources.RT_XATTR_NODE, resources.RT_XATTR_ENTRY,
		resources.RT_BTREE_ROOT, resources.RT_BTREE_NODE,
	} {
		versions[typ] = versioning.FromString(packfile.VERSION)
	}
	return versions
}()

// blobID names a blob: its MAC is the MAC of its content, but for a snapshot and its signature, which go by the
// snapshot's identifier.
type blobID struct {
	typ resources.Type
	mac objects.MAC
}

func (id blobID) String() string { return fmt.Sprintf("%s %x", id.typ, id.mac[:4]) }

// blob is where a blob is stored in the file.
type blob struct {
	id      blobID
	version versioning.Version
	section
}

// index is the packfile's table of contents.
type index struct {
	footer packfile.PackfileInMemoryFooter
	// blobs are in the order in which they are stored.
	blobs []blob
	at    map[blobID]int32
	// base is where the packfile's body begins: what offsets in index and state count from.
	base int64
	// tail is what follows the blobs in the packfile's body.
	tail section
	// gaps are bytes among the blobs that no blob covers.
	gaps int64
}

func (p *Package) readIndex() error {
	version, err := p.readEnvelope(p.layout.packfile, resources.RT_PACKFILE, regionPackfile)
	if err != nil {
		return err
	}
	if version != versioning.FromString(packfile.VERSION) {
		return problemf(Unsupported, regionPackfile, p.layout.packfile.offset, "version %s; only v%s is known",
			version, packfile.VERSION)
	}
	body := p.layout.packfile.body()
	footer, footerAt, err := p.readFooter(version, body)
	if err != nil {
		return err
	}
	if footer.IndexOffset > uint64(footerAt-body.offset) {
		return problemf(Damaged, regionFooter, footerAt, "places the index at byte %d of the packfile, behind itself",
			footer.IndexOffset)
	}
	if footer.Count > MaxBlobs {
		return problemf(TooLarge, regionFooter, footerAt, "counts %d blobs; at most %d are allowed", footer.Count, MaxBlobs)
	}
	at := section{body.offset + int64(footer.IndexOffset), footerAt - body.offset - int64(footer.IndexOffset)}
	records, err := p.readIndexRecords(at, footer)
	if err != nil {
		return err
	}
	p.index = &index{footer: footer, base: body.offset, tail: section{at.offset, body.end() - at.offset}}
	return p.index.place(records, at)
}

// readFooter returns the footer and the offset at which it is stored.
func (p *Package) readFooter(version versioning.Version, body section) (packfile.PackfileInMemoryFooter, int64, error) {
	var none packfile.PackfileInMemoryFooter
	lengthAt := body.end() - 4
	if body.length < 4 {
		return none, 0, problemf(Damaged, regionFooter, body.offset, "is missing")
	}
	raw := make([]byte, 4)
	if err := p.readAt(raw, lengthAt); err != nil {
		return none, 0, err
	}
	length := int64(binary.LittleEndian.Uint32(raw))
	if length > body.length-4 || length > 4<<10 {
		return none, 0, problemf(Damaged, regionFooter, lengthAt, "claims to be %d bytes long", length)
	}
	at := section{lengthAt - length, length}
	stored, err := p.readSection(at)
	if err != nil {
		return none, 0, err
	}
	data, err := inflate(p.config.compression, nil, stored, packfile.FOOTER_SIZE)
	if err != nil {
		return none, 0, problemf(Damaged, regionFooter, at.offset, "%v", err)
	}
	if len(data) != packfile.FOOTER_SIZE {
		return none, 0, problemf(Damaged, regionFooter, at.offset, "is %d bytes long, not %d", len(data), packfile.FOOTER_SIZE)
	}
	footer, err := packfile.NewInMemoryFooterFromBytes(version, data)
	if err != nil {
		return none, 0, problemf(Damaged, regionFooter, at.offset, "does not decode: %v", err)
	}
	return footer, at.offset, nil
}

func (p *Package) readIndexRecords(at section, footer packfile.PackfileInMemoryFooter) ([]packfile.Blob, error) {
	length := int(footer.Count) * packfile.BLOB_RECORD_SIZE
	// MACs do not compress, so that a stored index much longer than its records is not one.
	if at.length > int64(length+length/8+64<<10) {
		return nil, problemf(Damaged, regionIndex, at.offset, "is %d bytes long for %d blobs", at.length, footer.Count)
	}
	stored, err := p.readSection(at)
	if err != nil {
		return nil, err
	}
	data, err := inflate(p.config.compression, nil, stored, length)
	if err != nil {
		return nil, problemf(Damaged, regionIndex, at.offset, "%v", err)
	}
	if p.key.sum(data) != footer.IndexMAC {
		return nil, problemf(Damaged, regionIndex, at.offset, "does not match the MAC in the footer")
	}
	records, err := packfile.NewInMemoryIndexFromBytes(footer.Version, data)
	if err != nil {
		return nil, problemf(Damaged, regionIndex, at.offset, "does not decode: %v", err)
	}
	return records, nil
}

// place checks that the records tile the packfile up to the index and orders them as they are stored.
func (x *index) place(records []packfile.Blob, at section) error {
	x.at = make(map[blobID]int32, len(records))
	// An empty blob, stored as nothing without compression, is where the next one is.
	slices.SortFunc(records, func(a, b packfile.Blob) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Length, b.Length))
	})
	next, room := x.base, at.offset-x.base
	for i, r := range records {
		id := blobID{r.Type, r.MAC}
		known, ok := blobVersions[r.Type]
		switch {
		case !ok:
			return problemf(Unsupported, regionIndex, at.offset, "lists a blob of type %s (%d)", r.Type, r.Type)
		case r.Version != known:
			return problemf(Unsupported, regionIndex, at.offset, "lists %v of version %s; only %s is known", id, r.Version, known)
		case r.Offset > uint64(room) || int64(r.Length) > room-int64(r.Offset):
			return problemf(Damaged, regionIndex, at.offset, "places %v outside of the blobs", id)
		case r.Length > maxStoredBlob:
			return problemf(TooLarge, regionIndex, at.offset, "lists %v of %d bytes; at most %d are allowed",
				id, r.Length, maxStoredBlob)
		}
		b := blob{id: id, version: r.Version, section: section{x.base + int64(r.Offset), int64(r.Length)}}
		if b.offset < next {
			return problemf(Inconsistent, regionIndex, at.offset, "lets %v overlap the blob before it", id)
		}
		x.gaps += b.offset - next
		next = b.end()
		if _, twice := x.at[id]; twice {
			return problemf(Inconsistent, regionIndex, at.offset, "lists %v twice", id)
		}
		x.at[id] = int32(i)
		x.blobs = append(x.blobs, b)
	}
	x.gaps += at.offset - next
	return nil
}

// find returns the place of a blob.
func (x *index) find(id blobID) (blob, error) {
	i, ok := x.at[id]
	if !ok {
		return blob{}, problemf(Inconsistent, regionBlobs, nowhere, "%v is referred to but missing", id)
	}
	return x.blobs[i], nil
}

// overread is how many bytes beyond a stored range of the given length plakar may read, to hide the length from who
// serves it: it adds up to 2^(bits/2) bytes before and after, at random, and fails at the end of the file.
func overread(length int64) int64 { return 1 << (bits.Len64(uint64(length)) / 2) }
