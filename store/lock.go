package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/repository"
)

// unlocking is how long removing a lock may take. One that is left is stale after 10 minutes.
const unlocking = 2 * time.Second

// lock is what tells plakar's maintenance, which deletes what no state knows, that a snapshot is being written.
type lock struct {
	store *Store
	id    objects.MAC
	ended chan struct{}
	wait  sync.WaitGroup
}

// lock locks the store against maintenance, not against other backups.
func (s *Store) lock(ctx context.Context, id objects.MAC) (*lock, error) {
	l := &lock{store: s, id: id, ended: make(chan struct{})}
	err := l.put()
	if err == nil {
		err = l.alone(ctx)
	}
	if err != nil {
		l.remove()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("lock the store: %w", err)
	}
	l.wait.Go(func() {
		for {
			select {
			case <-l.ended:
				return
			case <-time.After(repository.LOCK_REFRESH_RATE):
				if err := l.put(); err != nil {
					s.kloset.Cancel(fmt.Errorf("lock the store again: %w", err))
				}
			}
		}
	})
	return l, nil
}

func (l *lock) put() error {
	var data bytes.Buffer
	if err := repository.NewSharedLock(l.store.options.Hostname).SerializeToStream(&data); err != nil {
		return err
	}
	_, err := l.store.repo.PutLock(l.id, &data)
	return err
}

// alone fails if the store is locked for maintenance.
func (l *lock) alone(ctx context.Context) error {
	all, err := l.store.repo.GetLocks()
	if err != nil {
		return err
	}
	for _, id := range all {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if id == l.id {
			continue
		}
		r, err := l.store.repo.GetLock(id)
		if err != nil {
			if left, listErr := l.store.repo.GetLocks(); listErr == nil && !slices.Contains(left, id) {
				continue // it was released meanwhile
			}
			return err
		}
		other, err := repository.NewLockFromStream(r)
		if err := errors.Join(err, r.Close()); err != nil {
			return err
		}
		if other.Exclusive && !other.IsStale() {
			return fmt.Errorf("it is locked for maintenance by %q, since %s: try again later",
				other.Hostname, other.Timestamp.Format(time.DateTime))
		}
	}
	return nil
}

// release removes the lock, also when all else has ended.
func (l *lock) release() {
	close(l.ended)
	l.wait.Wait()
	l.remove()
}

func (l *lock) remove() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.store.kloset), unlocking)
	defer cancel()
	_ = l.store.repo.Store().Delete(ctx, storage.StorageResourceLock, l.id) // it gets stale by itself
}
