package ptarread

import (
	"hash"
	"sync"

	"github.com/PlakarKorp/kloset/hashing"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/google/uuid"
)

// macKey computes the MACs of an unencrypted store, whose key is the hash of its RepositoryID.
type macKey struct{ hashers sync.Pool }

func newMACKey(algorithm string, repository uuid.UUID) *macKey {
	h := hashing.GetHasher(algorithm)
	h.Write(repository[:])
	secret := h.Sum(nil)
	return &macKey{sync.Pool{New: func() any { return hashing.GetMACHasher(algorithm, secret) }}}
}

// hasher lends a fresh MAC hasher; give it back with put.
func (k *macKey) hasher() hash.Hash {
	h := k.hashers.Get().(hash.Hash)
	h.Reset()
	return h
}

func (k *macKey) put(h hash.Hash) { k.hashers.Put(h) }

func (k *macKey) sum(data []byte) objects.MAC {
	h := k.hasher()
	defer k.put(h)
	h.Write(data)
	return objects.MAC(h.Sum(nil))
}
