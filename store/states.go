package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/objects"

	"github.com/PlakarKorp/kpkg/internal/ptar"
)

// heldStates is a connector whose states are fetched once, into a folder, and compared with their MACs before anything is made of
// them. kloset asks for each twice, and stops reading before the MAC.
type heldStates struct {
	storage.Store
	dir string
	key *ptar.Key
}

func (h *heldStates) Get(ctx context.Context, kind storage.StorageResource, mac objects.MAC, part *storage.Range) (io.ReadCloser, error) {
	if kind != storage.StorageResourceState || part != nil {
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

// fetch keeps a state that is what was stored.
func (h *heldStates) fetch(ctx context.Context, mac objects.MAC, name string) (err error) {
	r, err := h.Store.Get(ctx, storage.StorageResourceState, mac, nil)
	if err != nil {
		return err
	}
	defer r.Close()
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
	size, err := io.Copy(file, r)
	if err != nil {
		return err
	}
	if size < ptar.EnvelopeHeader+ptar.EnvelopeMAC {
		return fmt.Errorf("it is cut off after %d bytes", size)
	}
	hasher := h.key.Hasher()
	defer h.key.Put(hasher)
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
	return nil
}
