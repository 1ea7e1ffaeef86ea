// Package klosetcache keeps kloset's caches in memory, for programs that open a store once and leave nothing behind.
package klosetcache

import (
	"bytes"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/PlakarKorp/kloset/caching"
)

// NewManager makes a manager whose caches end with it.
func NewManager() *caching.Manager {
	return caching.NewManager(func(string, string, string, caching.Option) (caching.Cache, error) {
		return &memory{values: map[string][]byte{}}, nil
	})
}

// memory is a cache in a map.
type memory struct {
	mu     sync.RWMutex
	values map[string][]byte
}

func (m *memory) Put(key, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[string(key)] = bytes.Clone(value)
	return nil
}

func (m *memory) Has(key []byte) (bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	_, ok := m.values[string(key)]
	return ok, nil
}

func (m *memory) Get(key []byte) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.values[string(key)], nil
}

func (m *memory) Delete(key []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, string(key))
	return nil
}

// Scan goes over the keys that are there when it begins.
func (m *memory) Scan(prefix []byte, reverse bool) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		keys := m.keys(string(prefix))
		if reverse {
			slices.Reverse(keys)
		}
		for _, key := range keys {
			value, _ := m.Get([]byte(key))
			if !yield([]byte(key), value) {
				return
			}
		}
	}
}

// keys are those with the prefix, sorted.
func (m *memory) keys(prefix string) []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Sorted(func(yield func(string) bool) {
		for key := range m.values {
			if strings.HasPrefix(key, prefix) && !yield(key) {
				return
			}
		}
	})
}

func (m *memory) NewBatch() caching.Batch { return &batch{cache: m} }
func (m *memory) Close() error            { return nil }

// batch writes at once.
type batch struct {
	cache *memory
	n     uint32
}

func (b *batch) Put(key, value []byte) error { b.n++; return b.cache.Put(key, value) }
func (b *batch) Count() uint32               { return b.n }
func (b *batch) Commit() error               { return nil }
