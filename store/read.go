package store

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/repository/state"
	"github.com/PlakarKorp/kloset/resources"

	"github.com/PlakarKorp/kpkg/ptarread"
)

// Archive opens the store's snapshots, as they were when the store was opened, until ctx ends.
func (s *Store) Archive(ctx context.Context) (*ptarread.Archive, error) {
	archive, err := s.config.Archive(ctx, packfiles{s})
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	return archive, nil
}

// packfiles are those of the store, as its states tell of them.
type packfiles struct{ *Store }

// Blobs visits the blobs in packfiles that are neither unknown nor deleted. The same blob may be in two of them, when two backups
// have written it at once; of these, one is visited.
func (p packfiles) Blobs(ctx context.Context, visit func(ptarread.StoredBlob) error) error {
	usable := map[objects.MAC]bool{}
	var last ptarread.StoredBlob
	visited := false
	for _, data := range p.state.GetDeltas() { // in the order of their types and MACs
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		delta, err := state.DeltaEntryFromBytes(data)
		if err != nil {
			return fmt.Errorf("read where a blob is: %w", err)
		}
		at := delta.Location
		if _, known := usable[at.Packfile]; !known {
			there, err := p.state.HasPackfile(at.Packfile)
			if err != nil {
				return err
			}
			deleted, err := p.state.HasColoured(resources.RT_PACKFILE, at.Packfile)
			if err != nil {
				return err
			}
			usable[at.Packfile] = there && !deleted
		}
		if !usable[at.Packfile] || visited && last.Type == delta.Type && last.MAC == delta.Blob {
			continue
		}
		last, visited = ptarread.StoredBlob{Type: delta.Type, MAC: delta.Blob, Packfile: at.Packfile, Offset: at.Offset, Length: at.Length}, true
		if err := visit(last); err != nil {
			return err
		}
	}
	return context.Cause(p.kloset) // of a cache that could not be read
}

func (p packfiles) Snapshots(context.Context) ([]objects.MAC, error) {
	var found []objects.MAC
	known := map[objects.MAC]bool{}
	for id, err := range p.repo.ListSnapshots() {
		if err != nil {
			return nil, err
		}
		if !known[id] {
			known[id] = true
			found = append(found, id)
		}
	}
	return found, context.Cause(p.kloset)
}

// Read reads a range of a packfile, whose body comes after kloset's header.
func (p packfiles) Read(ctx context.Context, packfile objects.MAC, data []byte, offset int64) error {
	if int64(len(data)) > math.MaxUint32 {
		return fmt.Errorf("%d bytes are more than a connector is asked for at once", len(data))
	}
	if len(data) == 0 {
		return nil
	}
	r, err := p.repo.Store().Get(ctx, storage.StorageResourcePackfile, packfile,
		&storage.Range{Offset: uint64(offset) + uint64(storage.STORAGE_HEADER_SIZE), Length: uint32(len(data))})
	if err != nil {
		return err
	}
	_, err = io.ReadFull(r, data)
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	return err
}
