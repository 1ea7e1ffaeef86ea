// Package klosettest reads packages with kloset itself, the way plakar's clients do, so that tests have a second opinion
// on what this module writes and reads.
package klosettest

import (
	"bytes"
	"io"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"

	_ "github.com/PlakarKorp/integrations/ptar/storage" // registers ptar://
	"github.com/PlakarKorp/kloset/caching"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/kcontext"
	"github.com/PlakarKorp/kloset/logging"
	"github.com/PlakarKorp/kloset/repository"
	"github.com/PlakarKorp/kloset/snapshot"
)

// Context is a kloset context that logs nothing and keeps nothing outside the test's temporary folder.
func Context(t testing.TB) *kcontext.KContext {
	ctx := kcontext.NewKContext()
	ctx.SetLogger(logging.NewLogger(io.Discard, io.Discard))
	ctx.MaxConcurrency = 1
	ctx.CacheDir = t.TempDir()
	ctx.SetCache(caching.NewManager(func(string, string, string, caching.Option) (caching.Cache, error) {
		return &memory{values: map[string][]byte{}}, nil
	}))
	t.Cleanup(func() { ctx.GetCache().Close() })
	return ctx
}

// Snapshots opens every snapshot of the ptar at the absolute path.
func Snapshots(t testing.TB, path string) []*snapshot.Snapshot {
	t.Helper()
	ctx := Context(t)
	store, config, err := storage.Open(ctx, map[string]string{"location": "ptar://" + path})
	if err != nil {
		t.Fatalf("kloset cannot open %s: %v", path, err)
	}
	t.Cleanup(func() { store.Close(ctx) })
	repo, err := repository.New(ctx, nil, store, config)
	if err != nil {
		t.Fatalf("kloset cannot read %s: %v", path, err)
	}
	var snapshots []*snapshot.Snapshot
	for id, err := range repo.ListSnapshots() {
		if err != nil {
			t.Fatalf("kloset cannot list the snapshots of %s: %v", path, err)
		}
		snap, err := snapshot.Load(repo, id)
		if err != nil {
			t.Fatalf("kloset cannot load a snapshot of %s: %v", path, err)
		}
		check, err := ctx.GetCache().Check()
		if err != nil {
			t.Fatal(err)
		}
		snap.SetCheckCache(check)
		snapshots = append(snapshots, snap)
	}
	return snapshots
}

// memory is kloset's cache in a map.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
}

func (m *memory) Put(key, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[string(key)] = bytes.Clone(value)
	return nil
}

func (m *memory) Has(key []byte) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.values[string(key)]
	return ok, nil
}

func (m *memory) Get(key []byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[string(key)], nil
}

func (m *memory) Delete(key []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, string(key))
	return nil
}

func (m *memory) Scan(prefix []byte, reverse bool) iter.Seq2[[]byte, []byte] {
	m.mu.Lock()
	defer m.mu.Unlock()
	values := maps.Clone(m.values)
	keys := slices.Sorted(maps.Keys(values))
	if reverse {
		slices.Reverse(keys)
	}
	return func(yield func([]byte, []byte) bool) {
		for _, key := range keys {
			if bytes.HasPrefix([]byte(key), prefix) && !yield([]byte(key), values[key]) {
				return
			}
		}
	}
}

func (m *memory) NewBatch() caching.Batch { return &batch{cache: m} }
func (m *memory) Close() error            { return nil }

type batch struct {
	cache *memory
	n     uint32
}

func (b *batch) Put(key, value []byte) error { b.n++; return b.cache.Put(key, value) }
func (b *batch) Count() uint32               { return b.n }
func (b *batch) Commit() error               { return nil }
