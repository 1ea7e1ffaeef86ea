package ptarread

import (
	"bytes"
	"context"
	"errors"
	"hash"
	"io"
	"sync"
	"sync/atomic"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/versioning"

	"github.com/PlakarKorp/kpkg/internal/interruptible"
	"github.com/PlakarKorp/kpkg/internal/ptar"
)

// store is any open ptar: where its blobs are, each of which is compared with its MAC when it is read. Package and
// Archive are what there is to say of its content.
type store struct {
	file   io.ReaderAt
	size   int64
	closer io.Closer
	// joined is the file of a store; nil for a ptar.
	joined *joined
	bounds bounds
	// passphrase is asked for that of an encrypted file; nil refuses one.
	passphrase func(context.Context) ([]byte, error)

	layout ptar.Layout
	config config
	secret *secret // of an encrypted file
	key    *ptar.Key
	index  *index
	ahead  readahead
	state  *stateInfo
	// used has one element for each blob of the index, whether the snapshot refers to it; nil when nobody asks.
	used []bool
	// metadata counts the decoded bytes of everything that describes the content, however often it is read.
	metadata atomic.Int64
	// long has those lists that are too long to be kept, by their MACs, as far as they were read once.
	long sync.Map
	// decoding counts the chunks that are decoded ahead of their readers.
	decoding atomic.Int64
}

// close closes the file if the store has opened it, and removes what it keeps on disk.
func (s *store) close() error {
	err := s.index.close()
	if s.closer != nil {
		err = errors.Join(err, s.closer.Close())
	}
	return err
}

// readLayout finds the three regions.
func (s *store) readLayout(context.Context) (err error) {
	s.layout, err = ptar.ReadLayout(s.file, s.size)
	switch {
	case errors.Is(err, ptar.ErrNotPtar):
		return problemf(NotPackage, regionMagic, 0, "%v", err)
	case errors.Is(err, ptar.ErrVersion):
		return problemf(Unsupported, regionMagic, int64(len(ptar.Magic)), "%v", err)
	case errors.Is(err, ptar.ErrIncomplete):
		return problemf(Damaged, regionTrailer, max(0, s.size-ptar.Trailer), "%v", err)
	}
	return err
}

// readEnvelope returns the version in the header of a region.
func (s *store) readEnvelope(at ptar.Section, typ resources.Type, region string) (versioning.Version, error) {
	header := make([]byte, ptar.EnvelopeHeader)
	if err := ptar.ReadAt(s.file, header, at.Offset); err != nil {
		return 0, err
	}
	got, version, err := ptar.ParseHeader(header)
	if err != nil {
		return 0, problemf(Damaged, region, at.Offset, "%v", err)
	}
	if got != typ {
		return 0, problemf(Damaged, region, at.Offset+8, "holds a resource of type %s (%d), not %s", got, got, typ)
	}
	return version, nil
}

// readSection returns a range of bytes that the caller has bounded.
func (s *store) readSection(at ptar.Section) ([]byte, error) {
	data := make([]byte, at.Length)
	return data, ptar.ReadAt(s.file, data, at.Offset)
}

// expect tells a file that is far away that all of a range is about to be read.
func (s *store) expect(at ptar.Section) {
	if file, ok := s.file.(interface{ Expect(offset, length int64) }); ok {
		file.Expect(at.Offset, at.Length)
	}
}

// hashSection hashes a range of any length.
func (s *store) hashSection(ctx context.Context, h hash.Hash, at ptar.Section) error {
	if at.Length == 0 {
		return nil
	}
	s.expect(at)
	_, err := io.Copy(h, interruptible.Reader(ctx, io.NewSectionReader(s.file, at.Offset, at.Length)))
	return err
}

// checkMAC compares a region with the MAC at its end.
func (s *store) checkMAC(ctx context.Context, at ptar.Section, region string) error {
	h := s.key.Hasher()
	defer s.key.Put(h)
	if err := s.hashSection(ctx, h, ptar.Section{Offset: at.Offset, Length: at.Length - ptar.EnvelopeMAC}); err != nil {
		return err
	}
	want, err := s.readSection(ptar.Section{Offset: at.End() - ptar.EnvelopeMAC, Length: ptar.EnvelopeMAC})
	if err != nil {
		return err
	}
	if !bytes.Equal(h.Sum(nil), want) {
		return problemf(Damaged, region, at.Offset, "does not match its MAC")
	}
	return nil
}

// byIdentifier reports whether blobs of a type go by the snapshot's identifier instead of their content's MAC.
func byIdentifier(typ resources.Type) bool {
	return typ == resources.RT_SNAPSHOT || typ == resources.RT_SIGNATURE
}

// find returns the place of a blob, and its number.
func (s *store) find(id blobID) (int, blob, error) {
	n, b, ok, err := s.index.lookup(id)
	if err == nil && !ok {
		err = problemf(Inconsistent, regionBlobs, nowhere, "%v is referred to but missing", id)
	}
	return n, b, err
}

// use is find for what the snapshot refers to, which it notes.
func (s *store) use(id blobID) (int, blob, error) {
	n, b, err := s.find(id)
	if err == nil && s.used != nil {
		s.used[n] = true
	}
	return n, b, err
}

// unpack decrypts and decompresses what is stored to at most limit bytes, into the memory of dst.
func (s *store) unpack(dst, stored []byte, limit int) ([]byte, error) {
	if s.secret != nil {
		var err error
		if stored, err = s.secret.open(stored); err != nil {
			return nil, err
		}
	}
	return inflate(s.config.compression, dst, stored, limit)
}

// decode unpacks a stored blob to at most limit bytes, into the memory of dst, and checks it against its MAC.
func (s *store) decode(b blob, dst, stored []byte, limit int) ([]byte, error) {
	data, err := s.unpack(dst, stored, limit)
	if errors.Is(err, errTooLong) {
		return nil, problemf(TooLarge, regionBlobs, b.offset, "%v %v, %d bytes", b.id(), err, limit)
	}
	if err != nil {
		return nil, problemf(Damaged, regionBlobs, b.offset, "%v %v", b.id(), err)
	}
	if !byIdentifier(b.typ) && s.key.Sum(data) != b.mac {
		return nil, problemf(Damaged, regionBlobs, b.offset, "%v does not match its MAC", b.id())
	}
	return data, nil
}

// readMetadata reads a blob that describes the content, within what there is left of the budget: it never decodes more.
func (s *store) readMetadata(ctx context.Context, typ resources.Type, mac objects.MAC) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	_, b, err := s.use(blobID{typ, mac})
	if err != nil {
		return nil, err
	}
	limit := maxDecoded(typ)
	if err := s.spend(0, "trees and entries"); err != nil {
		return nil, err
	}
	left := int(min(s.bounds.metadata-s.metadata.Load(), int64(limit)))
	stored, err := s.readStored(b, nil)
	if err != nil {
		return nil, err
	}
	data, err := s.decode(b, nil, stored, max(left, 0))
	var problem *Problem
	if left < limit && errors.As(err, &problem) && problem.Kind == TooLarge {
		return nil, s.spend(int64(limit), "trees and entries")
	}
	if err != nil {
		return nil, err
	}
	return data, s.spend(int64(len(data)), "trees and entries")
}

// spend takes bytes from the budget of metadata. Whoever knows how many they will be asks before they are decoded.
func (s *store) spend(bytes int64, what string) error {
	if s.metadata.Add(bytes) > s.bounds.metadata {
		return problemf(TooLarge, regionBlobs, nowhere, "its %s take more than %d bytes", what, s.bounds.metadata)
	}
	return nil
}

// malformed is the problem of a blob that has its MAC but is not what its type says.
func (s *store) malformed(id blobID, reason error) error {
	kind, offset := Inconsistent, int64(nowhere)
	if errors.Is(reason, errElements) {
		kind = TooLarge
	}
	if _, b, ok, err := s.index.lookup(id); ok && err == nil {
		offset = b.offset
	}
	return problemf(kind, regionBlobs, offset, "%v %v", id, reason)
}
