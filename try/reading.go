package try

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	ptar "github.com/PlakarKorp/integrations/ptar/storage"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/kcontext"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/repository"
	"github.com/PlakarKorp/kloset/snapshot"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
)

// packagers are the types of the importers that packages are made with, by kpkg and by plakar.
var packagers = []string{"kpkg", "pkger"}

// data is an open data file.
type data struct {
	store    storage.Store
	snapshot *snapshot.Snapshot
	files    *vfs.Filesystem
}

// openData opens a data file. A panic of kloset, which files cause that are damaged, is an error.
func openData(k *kcontext.KContext, path string) (d *data, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("%w: %v", errDamaged, reason)
		}
		if err != nil {
			err = fmt.Errorf("opening %s: %w", path, err)
		}
	}()
	if err := whole(path); err != nil {
		return nil, err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	store, err := ptar.NewStore(k, "ptar", map[string]string{"location": "ptar://" + absolute})
	if err != nil {
		return nil, err
	}
	config, err := store.Open(k)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	d = &data{store: store}
	if err := d.load(k, config); err != nil {
		d.close(k)
		return nil, err
	}
	return d, nil
}

func (d *data) close(k *kcontext.KContext) { d.store.Close(k) }

func (d *data) load(k *kcontext.KContext, config []byte) error {
	described, err := storage.NewConfigurationFromWrappedBytes(config)
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	if described.Encryption != nil {
		return errors.New("it is encrypted; plakar can read it, kpkg cannot")
	}
	repo, err := repository.New(k, nil, d.store, config)
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	var snapshots []objects.MAC
	for id, err := range repo.ListSnapshots() {
		if err != nil {
			return fmt.Errorf("%w: %w", errDamaged, err)
		}
		snapshots = append(snapshots, id)
	}
	if len(snapshots) != 1 {
		return fmt.Errorf("it holds %d snapshots, a data file has one", len(snapshots))
	}
	if d.snapshot, err = snapshot.Load(repo, snapshots[0]); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	if len(d.snapshot.Header.Sources) != 1 {
		return fmt.Errorf("it has %d sources, a data file has one", len(d.snapshot.Header.Sources))
	}
	if slices.Contains(packagers, d.snapshot.Header.GetSource(0).Importer.Type) {
		return fmt.Errorf("%w but a package", errNotData)
	}
	if d.files, err = d.snapshot.Filesystem(); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return nil
}
