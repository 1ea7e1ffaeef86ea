package store

import (
	"bytes"
	"context"
	"hash"
	"io"
	"strings"
	"testing"

	"github.com/PlakarKorp/kloset/compression"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/hashing"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/repository"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/versioning"

	"github.com/PlakarKorp/kpkg/ptarread"
)

// endless is a storage whose objects do not end, and can be closed when they have or ctx has, as those of a plugin. Of each kind it
// lists as many as it is told.
type endless struct {
	storage.Store
	listed int
}

func (e endless) List(context.Context, storage.StorageResource) ([]objects.MAC, error) {
	return make([]objects.MAC, e.listed), nil
}

func (e endless) Get(ctx context.Context, _ storage.StorageResource, _ objects.MAC, _ *storage.Range) (io.ReadCloser, error) {
	return &zeros{ctx: ctx}, nil
}

type zeros struct{ ctx context.Context }

func (z *zeros) Read(b []byte) (int, error) { clear(b); return len(b), z.ctx.Err() }

func (z *zeros) Close() error { <-z.ctx.Done(); return z.ctx.Err() }

// TestBounds reads no more of states and locks than there can be.
func TestBounds(t *testing.T) {
	h := &held{Store: endless{}, dir: t.TempDir(), left: 1 << 20}
	for kind, want := range map[storage.StorageResource]string{
		storage.StorageResourceState: "more than 1048576 bytes", storage.StorageResourceLock: "more than 65536 bytes",
	} {
		if _, err := h.Get(t.Context(), kind, objects.MAC{1}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", kind, err, want)
		}
	}
	for kind, bound := range map[storage.StorageResource]int{
		storage.StorageResourceState: maxStateCount, storage.StorageResourceLock: maxLockCount,
	} {
		h.Store = endless{listed: bound}
		if _, err := h.List(t.Context(), kind); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		h.Store = endless{listed: bound + 1}
		if _, err := h.List(t.Context(), kind); err == nil {
			t.Errorf("%d of %s are taken", bound+1, kind)
		}
	}
}

// serialized is a body as it is stored.
func serialized(t *testing.T, hasher hash.Hash, kind resources.Type, body io.Reader) []byte {
	t.Helper()
	r, err := storage.Serialize(hasher, kind, versioning.GetCurrentVersion(kind), body)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// one is a storage of one object.
type one struct {
	storage.Store
	data []byte
}

func (o one) Get(context.Context, storage.StorageResource, objects.MAC, *storage.Range) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(o.data)), nil
}

// TestStateUnpacked counts what states unpack to, which is far more than is stored of them.
func TestStateUnpacked(t *testing.T) {
	config := storage.NewConfiguration()
	config.Encryption = nil
	body, err := config.ToBytes()
	if err != nil {
		t.Fatal(err)
	}
	hasher := hashing.GetHasher(storage.DEFAULT_HASHING_ALGORITHM)
	opened, err := ptarread.OpenStoreConfig(t.Context(), serialized(t, hasher, resources.RT_CONFIG, bytes.NewReader(body)), ptarread.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const unpacked = 4 << 20
	packed, err := compression.DeflateStream(config.Compression.Algorithm, bytes.NewReader(make([]byte, unpacked)))
	if err != nil {
		t.Fatal(err)
	}
	state := one{data: serialized(t, opened.Key().Hasher(), resources.RT_STATE, packed)}
	if len(state.data) > unpacked/10 {
		t.Fatalf("%d bytes are stored", len(state.data))
	}
	h := &held{Store: state, dir: t.TempDir(), config: opened, left: 2*unpacked + unpacked/2}
	for i := range byte(3) {
		r, err := h.Get(t.Context(), storage.StorageResourceState, objects.MAC{i}, nil)
		if i == 2 {
			if err == nil || !strings.Contains(err.Error(), "unpack to more than") {
				t.Errorf("the third: %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
}

// TestBoundsHold has the lock of a machine with a long name be less than the bound.
func TestBoundsHold(t *testing.T) {
	var data strings.Builder
	if err := repository.NewExclusiveLock(strings.Repeat("x", 255)).SerializeToStream(&data); err != nil || data.Len() > maxLock/2 {
		t.Errorf("it has %d bytes, %v", data.Len(), err)
	}
}
