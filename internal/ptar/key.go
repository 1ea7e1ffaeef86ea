package ptar

import (
	"hash"
	"sync"

	"github.com/PlakarKorp/kloset/hashing"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/google/uuid"
)

// Key computes MACs as kloset does for a store that is not encrypted: the key is the hash of the RepositoryID, which the
// file itself holds, so they protect against damage and not against forgery. It may be used concurrently.
type Key struct{ hashers sync.Pool }

// NewKey is the key of a store with the identifier, for a hashing algorithm that kloset knows.
func NewKey(algorithm string, repository uuid.UUID) *Key {
	h := hashing.GetHasher(algorithm)
	h.Write(repository[:])
	return NewSecretKey(algorithm, h.Sum(nil))
}

// NewSecretKey is the key of an encrypted store, whose secret derives from its passphrase.
func NewSecretKey(algorithm string, secret []byte) *Key {
	return &Key{sync.Pool{New: func() any { return hashing.GetMACHasher(algorithm, secret) }}}
}

// Hasher lends a fresh hasher; give it back with Put.
func (k *Key) Hasher() hash.Hash {
	h := k.hashers.Get().(hash.Hash)
	h.Reset()
	return h
}

// Put takes a hasher back.
func (k *Key) Put(h hash.Hash) { k.hashers.Put(h) }

// Sum is the MAC of data.
func (k *Key) Sum(data []byte) objects.MAC {
	h := k.Hasher()
	defer k.Put(h)
	h.Write(data)
	return objects.MAC(h.Sum(nil))
}
