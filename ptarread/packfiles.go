package ptarread

import (
	"bytes"
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"sort"
	"strings"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"

	"github.com/PlakarKorp/kpkg/internal/ptar"
)

// A store is what a ptar is, in pieces that a connector keeps: a configuration, any number of packfiles, and states that say
// where blobs are. Here it is read as the file that its packfiles would be, one behind the other.

// StoreConfig is the configuration of a store, and with it the key to everything else.
type StoreConfig struct{ store }

// OpenStoreConfig opens the configuration of a store, as a storage connector's Open gives it. Errors are as those of Open.
func OpenStoreConfig(ctx context.Context, data []byte, options Options) (*StoreConfig, error) {
	if int64(len(data)) < ptar.EnvelopeHeader+ptar.EnvelopeMAC {
		return nil, problemf(NotPackage, regionConfig, 0, "is %d bytes long, which is no configuration", len(data))
	}
	c := &StoreConfig{store{file: bytes.NewReader(data), size: int64(len(data)), bounds: archiveBounds(0), passphrase: options.Passphrase}}
	c.layout.Config.Length = c.size
	return c, steps(ctx, c.readConfig)
}

// Configuration is what it says.
func (c *StoreConfig) Configuration() storage.Configuration { return *c.config.Configuration }

// Secret is the key of an encrypted store, which derives from its passphrase; nil of any other.
func (c *StoreConfig) Secret() []byte {
	if c.secret == nil {
		return nil
	}
	return c.secret.key
}

// Key is what MACs of the store are computed with.
func (c *StoreConfig) Key() *ptar.Key { return c.key }

// StoredBlob is a blob of a store: Length bytes of a packfile, from Offset of its body on.
type StoredBlob struct {
	Type     resources.Type
	MAC      objects.MAC
	Packfile objects.MAC
	Offset   uint64
	Length   uint32
}

// Packfiles are what a store holds.
type Packfiles interface {
	// Blobs visits all blobs, each once, in any order, up to the first error. It is called several times.
	Blobs(ctx context.Context, visit func(StoredBlob) error) error
	// Snapshots are the identifiers of those that are not deleted.
	Snapshots(ctx context.Context) ([]objects.MAC, error)
	// Read fills data with what is at an offset of a packfile's body. Calls overlap.
	Read(ctx context.Context, packfile objects.MAC, data []byte, offset int64) error
}

// maxPackfile bounds where in a packfile a blob may be.
const maxPackfile = 1 << 50

// Archive opens the snapshots of a store, which it reads from packfiles as they are needed, until ctx ends.
func (c *StoreConfig) Archive(ctx context.Context, packfiles Packfiles) (*Archive, error) {
	a := &Archive{store: store{config: c.config, secret: c.secret, key: c.key, state: &stateInfo{}}}
	err := steps(ctx, func(ctx context.Context) error { return a.join(ctx, packfiles) }, a.readSnapshots)
	if err != nil {
		a.index.close()
		return nil, err
	}
	return a, nil
}

// join places all packfiles, and the blobs in them.
func (a *Archive) join(ctx context.Context, packfiles Packfiles) error {
	a.joined = &joined{ctx: ctx, packfiles: packfiles}
	numbers := map[objects.MAC]int{}
	count := int64(0)
	err := packfiles.Blobs(ctx, func(b StoredBlob) error {
		if !slices.Contains(blobTypes, b.Type) {
			return nil
		}
		if count++; count > maxArchiveBlobs {
			return problemf(TooLarge, regionState, nowhere, "counts more than %d blobs", maxArchiveBlobs)
		}
		if b.Offset > maxPackfile || b.Length > maxStoredBlob && b.Type != resources.RT_OBJECT {
			return problemf(TooLarge, regionState, nowhere, "places %v, of %d bytes, at byte %d of a packfile",
				blobID{b.Type, b.MAC}, b.Length, b.Offset)
		}
		n, known := numbers[b.Packfile]
		if !known {
			n = len(a.joined.parts)
			numbers[b.Packfile] = n
			a.joined.parts = append(a.joined.parts, joinedPart{packfile: b.Packfile})
		}
		part := &a.joined.parts[n]
		part.length = max(part.length, int64(b.Offset)+int64(b.Length))
		return nil
	})
	if err != nil {
		return err
	}
	for i := range a.joined.parts {
		a.joined.parts[i].start = a.size
		if a.size += a.joined.parts[i].length; a.size > 1<<60 {
			return problemf(TooLarge, regionState, nowhere, "counts more than 2^60 bytes")
		}
	}
	a.file, a.bounds = a.joined, archiveBounds(a.size)
	a.index = &index{at: ptar.Section{Offset: a.size}, seed: maphash.MakeSeed()}
	if a.index.snapshots, err = packfiles.Snapshots(ctx); err != nil {
		return err
	}
	return a.index.fill(ctx, count, func(add func(blob) error) error {
		return packfiles.Blobs(ctx, func(b StoredBlob) error {
			n, known := numbers[b.Packfile]
			if !known || !slices.Contains(blobTypes, b.Type) {
				return nil
			}
			return add(blob{mac: b.MAC, typ: b.Type, offset: a.joined.parts[n].start + int64(b.Offset), length: b.Length})
		})
	})
}

// joined is packfiles as one file, of which nobody reads what no blob covers.
type joined struct {
	ctx       context.Context
	packfiles Packfiles
	parts     []joinedPart
}

// joinedPart is where the blobs of a packfile are.
type joinedPart struct {
	packfile      objects.MAC
	start, length int64
}

// find is the number of the part at an offset.
func (j *joined) find(offset int64) int {
	return sort.Search(len(j.parts), func(i int) bool { return j.parts[i].start+j.parts[i].length > offset })
}

func (j *joined) ReadAt(data []byte, offset int64) (n int, err error) {
	for i := j.find(offset); n < len(data); i++ {
		if i == len(j.parts) {
			return n, io.EOF
		}
		part := j.parts[i]
		at := offset + int64(n) - part.start
		piece := data[n : n+int(min(int64(len(data)-n), part.length-at))]
		if err := j.packfiles.Read(j.ctx, part.packfile, piece, at); err != nil {
			if j.ctx.Err() != nil {
				return n, context.Cause(j.ctx)
			}
			// That a connector does not give it is damage of the store, to whoever reads it.
			return n, problemf(Damaged, regionBlobs, nowhere, "packfile %x cannot be read at byte %d: %v", part.packfile[:4], at, err)
		}
		n += len(piece)
	}
	return n, nil
}

// placed says of a problem in which packfile it is, and where.
func (j *joined) placed(p Problem) Problem {
	if i := j.find(p.Offset); p.Offset >= 0 && i < len(j.parts) && !strings.HasPrefix(p.Message, "packfile ") {
		p.Message += fmt.Sprintf(" (at byte %d of packfile %x)", p.Offset-j.parts[i].start, j.parts[i].packfile[:4])
	}
	p.Offset = nowhere
	return p
}

// readJoined sends every blob of a store to queue, in buffers from free.
func (c *checker) readJoined(ctx context.Context, queue chan<- stored, free <-chan []byte) error {
	var data []byte
	taken := false // the buffer, of a blob that could not be read
	return c.s.index.each(func(b blob) error {
		if !taken {
			select {
			case data = <-free:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		taken = true
		if b.length <= maxStoredBlob {
			var err error
			if data, err = c.s.readStored(b, data); err != nil {
				return c.record(inBlob(err, b))
			}
		}
		select {
		case queue <- stored{b, data}:
			taken = false
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
}
