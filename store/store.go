package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/PlakarKorp/kloset/caching"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/kcontext"
	"github.com/PlakarKorp/kloset/logging"
	"github.com/PlakarKorp/kloset/repository"

	"github.com/PlakarKorp/kpkg/internal/klosetcache"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// Options say how to open a store.
type Options struct {
	// Passphrase is asked for that of an encrypted store, which exists, and of a new one that is to be encrypted.
	Passphrase func(context.Context) ([]byte, error)
	// Encrypt encrypts a store that is made.
	Encrypt bool
	// Dir is a folder of the caller's for what is known of the store while it is open.
	Dir string
	// Hostname is the machine's, by which others know who has locked the store.
	Hostname string
}

// Store is an open store.
type Store struct {
	config  *ptarread.StoreConfig
	repo    *repository.Repository
	kloset  *kcontext.KContext
	state   caching.StateCache
	options Options
	// Made tells that there was none.
	Made bool
}

// Open opens the store that a connector keeps. It is read with ctx until it is closed, and the connector stays the caller's.
func Open(ctx context.Context, connector storage.Store, options Options) (*Store, error) {
	data, err := connector.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	return open(ctx, connector, data, options)
}

// OpenOrCreate opens the store that a connector keeps, or makes one where its storage answers that nothing is there: not where it
// cannot be reached.
func OpenOrCreate(ctx context.Context, connector storage.Store, options Options) (*Store, error) {
	data, err := connector.Open(ctx)
	if err == nil {
		return open(ctx, connector, data, options)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if data, err = create(ctx, connector, options, err); err != nil {
		return nil, err
	}
	s, err := open(ctx, connector, data, options)
	if s != nil {
		s.Made = true
	}
	return s, err
}

func open(ctx context.Context, connector storage.Store, data []byte, options Options) (*Store, error) {
	config, err := ptarread.OpenStoreConfig(ctx, data, ptarread.Options{Passphrase: options.Passphrase})
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	s := &Store{config: config, options: options, kloset: kcontext.NewKContext()}
	s.kloset.Context, s.kloset.Cancel = context.WithCancelCause(ctx)
	s.kloset.SetLogger(logging.NewLogger(io.Discard, io.Discard)) // what it says is in its errors
	s.kloset.MaxConcurrency, s.kloset.Hostname = workers, options.Hostname
	s.kloset.CacheDir = filepath.Join(options.Dir, "kloset")
	s.kloset.SetCache(klosetcache.NewManager(options.Dir, func(err error) { s.kloset.Cancel(err) }))
	if err := s.readStates(connector, data); err != nil {
		if s.kloset.Err() != nil {
			err = context.Cause(s.kloset)
		}
		return nil, errors.Join(fmt.Errorf("open the store: read where its blobs are: %w", err), s.Close())
	}
	return s, nil
}

// readStates merges all states of the store. kloset would keep them for the next time, of which there is none.
func (s *Store) readStates(connector storage.Store, data []byte) (err error) {
	dir := filepath.Join(s.options.Dir, "states")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	connector = &held{Store: connector, dir: dir, config: s.config, left: maxStates}
	if s.repo, err = repository.NewNoRebuild(s.kloset, s.config.Secret(), connector, data, false); err != nil {
		return err
	}
	s.repo.NoStateToLocalDisk = true
	if s.state, err = s.kloset.GetCache().Repository(s.repo.Configuration().RepositoryID); err != nil {
		return err
	}
	return s.Refresh()
}

// Encrypted tells whether the store is.
func (s *Store) Encrypted() bool { return s.config.Secret() != nil }

// Close forgets what is known of the store.
func (s *Store) Close() error {
	err := s.kloset.GetCache().Close()
	s.kloset.Close()
	return err
}

// Refresh reads what has come to the store since it was opened.
func (s *Store) Refresh() (err error) {
	defer func() {
		if reason := recover(); reason != nil { // a state is what its writer has made it
			err = fmt.Errorf("a state of the store is malformed: %v", reason)
		}
	}()
	return s.repo.RebuildStateWithCache(s.state)
}
