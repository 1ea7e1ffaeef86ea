package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/PlakarKorp/kloset/compression"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/encryption"
	"github.com/PlakarKorp/kloset/objects"

	"github.com/PlakarKorp/kpkg/internal/interruptible"
	"github.com/PlakarKorp/kpkg/internal/ptar"
	"github.com/PlakarKorp/kpkg/ptarread"
)

const (
	// maxStates is how many bytes the states of a store may unpack to together: enough for the 134,217,728 blobs that are read of a
	// store, each of which takes some 90. As they are stored they go to temporary files.
	maxStates = 16 << 30
	// maxStateCount is how many states a store may have: each backup leaves one, and maintenance makes one of many.
	maxStateCount = 1_000_000
	// maxLock is how large a lock of a store may be, in bytes: it holds the name of a machine and a time.
	maxLock = 64 << 10
	// maxLockCount is how many locks are looked at before a backup: each one under way has one.
	maxLockCount = 10_000
)

// held is a connector whose states are fetched once, into a folder, and compared with their MACs before anything is made of them: kloset
// asks for each twice, and stops reading before the MAC. States and locks are bounded, as they are from whoever keeps the store.
type held struct {
	storage.Store
	dir    string
	config *ptarread.StoreConfig

	mu   sync.Mutex
	left int64 // bytes that states may unpack to yet
}

func (h *held) List(ctx context.Context, kind storage.StorageResource) ([]objects.MAC, error) {
	macs, err := h.Store.List(ctx, kind)
	if err != nil {
		return nil, err
	}
	most := map[storage.StorageResource]int{storage.StorageResourceState: maxStateCount, storage.StorageResourceLock: maxLockCount}
	if bound, bounded := most[kind]; bounded && len(macs) > bound {
		return nil, fmt.Errorf("the store has %d of %s, more than %d", len(macs), kind, bound)
	}
	return macs, nil
}

func (h *held) Get(ctx context.Context, kind storage.StorageResource, mac objects.MAC, part *storage.Range) (io.ReadCloser, error) {
	switch {
	case part != nil:
		return h.Store.Get(ctx, kind, mac, part)
	case kind == storage.StorageResourceLock:
		return h.lock(ctx, mac)
	case kind != storage.StorageResourceState:
		return h.Store.Get(ctx, kind, mac, part)
	}
	name := filepath.Join(h.dir, fmt.Sprintf("%x", mac))
	file, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		if err := h.fetch(ctx, mac, name); err != nil {
			return nil, fmt.Errorf("read state %x of the store: %w", mac[:4], err)
		}
		file, err = os.Open(name)
	}
	return file, err
}

// lock reads all of a lock.
func (h *held) lock(ctx context.Context, mac objects.MAC) (io.ReadCloser, error) {
	var data bytes.Buffer
	if _, err := h.copyTo(ctx, &data, storage.StorageResourceLock, mac, maxLock); err != nil {
		return nil, fmt.Errorf("read lock %x of the store: %w", mac[:4], err)
	}
	return io.NopCloser(&data), nil
}

// copyTo writes all of an object that has up to limit bytes.
func (h *held) copyTo(ctx context.Context, w io.Writer, kind storage.StorageResource, mac objects.MAC, limit int64) (int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := h.Store.Get(ctx, kind, mac, nil)
	if err != nil {
		return 0, err
	}
	size, err := io.Copy(w, io.LimitReader(r, limit+1))
	if err == nil && size > limit {
		err = fmt.Errorf("it has more than %d bytes", limit)
	}
	if err != nil {
		cancel() // else closing may read the rest, which need not end
	}
	r.Close()
	return size, err
}

// fetch keeps a state that is what was stored.
func (h *held) fetch(ctx context.Context, mac objects.MAC, name string) (err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		file.Close()
		if err != nil {
			os.Remove(name)
		}
	}()
	size, err := h.copyTo(ctx, file, storage.StorageResourceState, mac, h.left)
	if err != nil {
		return err
	}
	if size < ptar.EnvelopeHeader+ptar.EnvelopeMAC {
		return fmt.Errorf("it is cut off after %d bytes", size)
	}
	key := h.config.Key()
	hasher := key.Hasher()
	defer key.Put(hasher)
	if _, err := io.Copy(hasher, io.NewSectionReader(file, 0, size-ptar.EnvelopeMAC)); err != nil {
		return err
	}
	want := make([]byte, ptar.EnvelopeMAC)
	if _, err := file.ReadAt(want, size-ptar.EnvelopeMAC); err != nil {
		return err
	}
	if !bytes.Equal(hasher.Sum(nil), want) {
		return errors.New("it does not match its MAC")
	}
	unpacked, err := h.unpacked(ctx, file, size, h.left+1)
	if err != nil {
		return err
	}
	if h.left -= max(unpacked, size); h.left < 0 {
		return fmt.Errorf("with it the store's states unpack to more than %d bytes", int64(maxStates))
	}
	return nil
}

// unpacked counts what a state of size bytes unpacks to, up to limit: kloset does not.
func (h *held) unpacked(ctx context.Context, file io.ReaderAt, size, limit int64) (n int64, err error) {
	config := h.config.Configuration()
	body := io.NopCloser(io.NewSectionReader(file, ptar.EnvelopeHeader, size-ptar.Envelope))
	if config.Encryption != nil {
		if body, err = encryption.DecryptStream(config.Encryption, h.config.Secret(), body); err != nil {
			return 0, fmt.Errorf("decrypt it: %w", err)
		}
	}
	if config.Compression != nil {
		if body, err = compression.InflateStream(config.Compression.Algorithm, body); err != nil {
			return 0, fmt.Errorf("decompress it: %w", err)
		}
	}
	defer body.Close()
	if n, err = io.Copy(io.Discard, io.LimitReader(interruptible.Reader(ctx, body), limit)); err != nil {
		return 0, fmt.Errorf("unpack it: %w", err)
	}
	return n, nil
}
