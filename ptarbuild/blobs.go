package ptarbuild

import (
	"context"
	"time"

	"github.com/PlakarKorp/kloset/chunking"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"

	"github.com/PlakarKorp/kpkg/internal/ptar"
)

// Blobs is where the blobs of a snapshot go. Calls overlap.
type Blobs interface {
	// Put takes a blob, which may have come before. data is the caller's again once it returns.
	Put(resource resources.Type, mac objects.MAC, data []byte) error
}

// keyedBlobs are blobs with the key that their MACs are computed with.
type keyedBlobs struct {
	Blobs
	key *ptar.Key
}

// put adds a blob under its MAC.
func (b keyedBlobs) put(resource resources.Type, data []byte) (objects.MAC, error) {
	mac := b.key.Sum(data)
	return mac, b.Put(resource, mac, data)
}

// WriteSnapshot writes what fill adds as a snapshot of a store, whose blobs go to blobs, and returns its identifier. The store's key
// and how it cuts contents are its own; of the options, those count that are about the snapshot: its name, source, context
// and time, and the temporary folder. When it fails or ctx ends, what went to blobs is of no use.
func WriteSnapshot(
	ctx context.Context, blobs Blobs, key *ptar.Key, chunks chunking.Configuration, opts ArchiveOptions, fill func(*Archive) error,
) (objects.MAC, error) {
	if opts.Time.IsZero() {
		opts.Time = time.Now()
	}
	return writeEntries(ctx, keyedBlobs{blobs, key}, chunks, opts, fill)
}
