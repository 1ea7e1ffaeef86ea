package try

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	ptar "github.com/PlakarKorp/integrations/ptar/storage"
	"github.com/PlakarKorp/kloset/connectors/importer"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/hashing"
	"github.com/PlakarKorp/kloset/kcontext"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/repository"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot"
	"github.com/PlakarKorp/kloset/versioning"

	ptarlayout "github.com/PlakarKorp/kpkg/internal/ptar"
)

// write makes the data file at path, which is not there yet, of all that the importer imports.
func write(k *kcontext.KContext, path string, imp importer.Importer) (err error) {
	// kloset leaves out of a backup what is at the store's own path, which it compares with those of the source.
	path, err = filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("make the data file: %w", err)
	}
	plain, config, err := newStore(k, path)
	if err != nil {
		return fmt.Errorf("make the data file: %w", err)
	}
	store := &checkedStore{Store: plain, cancel: k.Cancel}
	err = writeSnapshot(k, store, config, imp)
	closeErr := store.Close(k)
	// Why it was cancelled, by the user or by the store, says more than what failed because of that.
	if cause := context.Cause(k.Context); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	if closeErr != nil {
		return fmt.Errorf("close the data file: %w", closeErr)
	}
	if err := complete(path); err != nil {
		return fmt.Errorf("write the data file: %w; is the disk full?", err)
	}
	return nil
}

func writeSnapshot(k *kcontext.KContext, store storage.Store, config []byte, imp importer.Importer) error {
	repo, err := repository.New(k, nil, store, config)
	if err != nil {
		return fmt.Errorf("make the data file: %w", err)
	}
	repo.NoStateToLocalDisk = true
	builder, err := snapshot.Create(repo, repository.PtarType, "", objects.NilMac, &snapshot.BuilderOptions{
		Name: "default", NoCheckpoint: true,
	})
	if err != nil {
		return fmt.Errorf("begin the snapshot: %w", err)
	}
	defer builder.Close()
	source, err := snapshot.NewSource(k, imp)
	if err != nil {
		return fmt.Errorf("read the source: %w", err)
	}
	if err := builder.Backup(source); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	if err := builder.Commit(); err != nil {
		return fmt.Errorf("complete the snapshot: %w", err)
	}
	return nil
}

// complete checks that the parts of a data file make up all of it: the storage of ptars does not look at what becomes of
// its writes to the beginning and to the end.
func complete(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	_, err = ptarlayout.ReadLayout(file, info.Size())
	return err
}

// newStore makes an empty data file, and returns the configuration that it begins with too.
func newStore(k *kcontext.KContext, path string) (storage.Store, []byte, error) {
	config, err := configuration()
	if err != nil {
		return nil, nil, err
	}
	store, err := ptar.NewStore(k, "ptar", map[string]string{"location": "ptar://" + path})
	if err != nil {
		return nil, nil, err
	}
	return store, config, store.Create(k, config)
}

// configuration is what readers of the data file need to know: kloset's defaults, without encryption, and one packfile
// whatever its size.
func configuration() ([]byte, error) {
	c := storage.NewConfiguration()
	c.Encryption = nil
	c.Packfile.MaxSize = math.MaxUint64
	data, err := c.ToBytes()
	if err != nil {
		return nil, err
	}
	wrapped, err := storage.Serialize(hashing.GetHasher(storage.DEFAULT_HASHING_ALGORITHM), resources.RT_CONFIG,
		versioning.GetCurrentVersion(resources.RT_CONFIG), bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(wrapped)
}

// checkedStore makes failed writes known. kloset's packer waits for ever when a Put fails, and the storage of ptars does
// not look at what becomes of its header and trailer: a full disk would leave a backup that hangs, or a file that is cut
// off.
type checkedStore struct {
	storage.Store
	cancel context.CancelCauseFunc
}

// Put cancels the backup when it fails, and takes the rest of the data all the same, so that the packer comes to its end.
func (s *checkedStore) Put(
	ctx context.Context, kind storage.StorageResource, mac objects.MAC, data io.Reader,
) (int64, error) {
	n, err := s.Store.Put(ctx, kind, mac, data)
	if err != nil {
		s.cancel(fmt.Errorf("write the data file: %w", err))
		io.Copy(io.Discard, data)
	}
	return n, nil
}
