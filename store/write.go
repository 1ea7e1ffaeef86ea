package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/PlakarKorp/kloset/chunking"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/repository"
	"github.com/PlakarKorp/kloset/resources"

	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// workers is how many packfiles are filled at once, beside the one of what is not content.
const workers = 4

// Write adds a snapshot of what fill adds to it, and returns its identifier. Blobs that the store has are not stored again. With an
// error there is no such snapshot; but if ctx ends, or the store dies, as the last of it is stored, nobody knows.
func (s *Store) Write(ctx context.Context, opts ptarbuild.ArchiveOptions, fill func(*ptarbuild.Archive) error) (id string, err error) {
	chunks := s.config.Configuration().Chunking
	if err := checkChunking(chunks); err != nil {
		return "", err
	}
	transaction := objects.RandomMAC()
	lock, err := s.lock(ctx, transaction)
	if err != nil {
		return "", err
	}
	defer lock.release()
	// What maintenance has deleted before it was locked out must not be taken for stored.
	if err := s.Refresh(); err != nil {
		return "", fmt.Errorf("read where the store's blobs are: %w", err)
	}
	dir, err := os.MkdirTemp(s.options.Dir, "packfiles-")
	if err != nil {
		return "", fmt.Errorf("make a temporary folder: %w", err)
	}
	cache, err := s.kloset.GetCache().Scan(transaction)
	if err != nil {
		return "", err
	}
	defer cache.Close()
	writer := s.repo.NewRepositoryWriter(cache, transaction, repository.DefaultType, dir)
	snapshot, err := ptarbuild.WriteSnapshot(ctx, blobs{s, writer}, s.config.Key(), chunks, opts, fill)
	writer.PackerManager.Wait() // for the last packfiles, or for those that are in the midst of it
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case s.kloset.Err() != nil: // which is the cause of err, if there is one
		return "", fmt.Errorf("write to the store: %w", context.Cause(s.kloset))
	case err != nil:
		return "", err
	}
	if err := writer.CommitTransaction(transaction); err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", fmt.Errorf("write the state of the store: %w", err)
	}
	return snapshot.FormatHex(), nil
}

// checkChunking refuses to cut contents as no reader expects them.
func checkChunking(c chunking.Configuration) error {
	if c.MinSize == 0 || c.MinSize > c.NormalSize || c.NormalSize > c.MaxSize || c.MaxSize > ptarread.MaxBlob {
		return fmt.Errorf("the store wants contents cut into chunks of %d to %d bytes, mostly %d; up to %d are written",
			c.MinSize, c.MaxSize, c.NormalSize, ptarread.MaxBlob)
	}
	return nil
}

// blobs go to kloset's writer.
type blobs struct {
	*Store
	writer *repository.RepositoryWriter
}

// Put waits no longer than the writer works: once a packfile could not be stored, nobody takes its blobs.
func (b blobs) Put(resource resources.Type, mac objects.MAC, data []byte) error {
	data = bytes.Clone(data) // kloset keeps it
	stored := make(chan error, 1)
	go func() {
		stored <- b.writer.PutBlobIfNotExists(resource, mac, data, resource != resources.RT_CHUNK)
	}()
	select {
	case err := <-stored:
		return err
	case <-b.kloset.Done():
		return errors.New("the store takes no more")
	}
}
