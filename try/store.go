package try

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/store"
)

// closing is how long a storage may take to close once all is done or ctx has ended.
const closing = 2 * time.Second

// errUnrooted is why there is no snapshot of a source of which nothing could be read.
var errUnrooted = errors.New("nothing was backed up that could be restored: nothing has come from where the source begins")

// openStore starts a storage and opens its store, or makes one where there is none if that is allowed. Both are closed when the
// trial ends.
func (t *trial) openStore(ctx context.Context, storage *side, create bool) (*store.Store, error) {
	if err := t.start(ctx, storage); err != nil {
		return nil, err
	}
	t.tally.stage(Connecting)
	connector, err := storage.plugin.Storage(ctx, storage.connector.location.Protocol, storage.settings())
	if err != nil {
		return nil, err
	}
	t.checkFlags(storage, connector.Flags())
	t.closers = append(t.closers, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
		defer cancel()
		return connector.Close(ctx)
	})
	open := store.Open
	if create {
		open = store.OpenOrCreate
	}
	opened, err := open(ctx, connector, store.Options{
		Passphrase: t.opts.Passphrase, Encrypt: t.opts.Encrypt, Dir: t.scratch.Path, Hostname: t.machine.Hostname,
	})
	if err != nil {
		return nil, err
	}
	t.closers = append(t.closers, opened.Close)
	return opened, nil
}

func (t *trial) backupToStore(ctx context.Context) (kept Result, err error) {
	source, err := t.prepare(ctx, manifest.Importer, t.opts.endpoint())
	if err != nil {
		return kept, err
	}
	storage, err := t.prepare(ctx, manifest.Storage, *t.opts.Store)
	if err != nil {
		return kept, err
	}
	opened, err := t.openStore(ctx, storage, true)
	if err != nil {
		return kept, err
	}
	if kept.Made = opened.Made; t.opts.Encrypt && !opened.Encrypted() {
		return kept, usagef("the store is there, and is not encrypted: leave --encrypt out, or name another location")
	}
	imp, err := t.importer(ctx, source)
	if err != nil {
		return kept, err
	}
	t.tally.stage(Copying)
	w := &writing{
		imp: &checkedImporter{imp, t.cut}, machine: t.machine, tempDir: t.scratch.Path, tally: t.tally, what: theSnapshot,
	}
	if slices.Contains(storage.connector.LocationFlags, "localfs") {
		w.own = filepath.ToSlash(storage.connector.location.Rest)
	}
	kept.Snapshot, err = opened.Write(ctx, w.options(), func(archive *ptarbuild.Archive) error {
		if err := w.fill(ctx, archive); err != nil {
			return err
		}
		if !w.rooted.Load() {
			return errUnrooted
		}
		return nil
	})
	if closeErr := imp.Close(context.WithoutCancel(ctx)); closeErr != nil && err == nil {
		t.tally.fail("", closeErr)
	}
	if err != nil && ctx.Err() != nil {
		// Not context.Canceled: it means elsewhere that nothing half-made was left behind.
		return kept, fmt.Errorf("backup: %v; the store has the snapshots that it had", context.Cause(ctx))
	}
	if err != nil {
		return kept, err
	}
	return kept, t.readableInStore(ctx, opened, kept.Snapshot)
}

// readableInStore checks that the store has the snapshot, as everybody else will read it.
func (t *trial) readableInStore(ctx context.Context, opened *store.Store, id string) error {
	err := opened.Refresh()
	if err == nil {
		var data *dataSnapshot
		if data, err = openStored(ctx, opened, id); err == nil {
			err = errors.Join(checkRoot(ctx, data), data.Close())
		}
	}
	if err != nil {
		return fmt.Errorf("read the snapshot again: %w", err)
	}
	return nil
}

// openStored opens the snapshot of a store whose identifier begins with id, the youngest for "".
func openStored(ctx context.Context, opened *store.Store, id string) (*dataSnapshot, error) {
	archive, err := opened.Archive(ctx)
	if err != nil {
		return nil, err
	}
	if len(archive.Snapshots()) == 0 {
		archive.Close()
		return nil, errors.New("the store holds no snapshot yet")
	}
	snapshot, err := archive.Snapshot(ctx, cmp.Or(id, "latest"))
	if err != nil {
		archive.Close()
		return nil, err
	}
	return &dataSnapshot{snapshot, archive, theSnapshot}, nil
}

func (t *trial) restoreFromStore(ctx context.Context) (id string, err error) {
	destination, err := t.prepare(ctx, manifest.Exporter, t.opts.endpoint())
	if err != nil {
		return "", err
	}
	storage, err := t.prepare(ctx, manifest.Storage, *t.opts.Store)
	if err != nil {
		return "", err
	}
	opened, err := t.openStore(ctx, storage, false)
	if err != nil {
		return "", err
	}
	data, err := openStored(ctx, opened, t.opts.Snapshot)
	if err != nil {
		return "", err
	}
	defer data.Close()
	if err := checkRoot(ctx, data); err != nil {
		return "", fmt.Errorf("read the snapshot: %w", err)
	}
	return data.Info().ID, t.export(ctx, destination, data)
}

// ListStore is List for the snapshot that the options name of their store.
func ListStore(ctx context.Context, opts Options, each func(Entry) error) (contents Contents, err error) {
	err = readStore(ctx, opts, func(t *trial, opened *store.Store) error {
		data, err := openStored(ctx, opened, opts.Snapshot)
		if err != nil {
			return err
		}
		defer data.Close()
		contents, err = list(ctx, data, theSnapshot, each)
		return err
	})
	return contents, err
}

// ReadStore calls read with the archive that the store of the options is, and the stages of progress around it.
func ReadStore(ctx context.Context, opts Options, read func(*ptarread.Archive) error) error {
	return readStore(ctx, opts, func(t *trial, opened *store.Store) error {
		archive, err := opened.Archive(ctx)
		if err != nil {
			return err
		}
		t.tally.stage(Checking)
		return errors.Join(read(archive), archive.Close())
	})
}

func readStore(ctx context.Context, opts Options, read func(*trial, *store.Store) error) (err error) {
	t, err := begin(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { err = cutError(err, t.cut) }()
	storage, err := t.prepare(ctx, manifest.Storage, *opts.Store)
	if err == nil {
		var opened *store.Store
		if opened, err = t.openStore(ctx, storage, false); err == nil {
			err = read(t, opened)
		}
	}
	if endErr := t.end(); err == nil {
		err = endErr
	}
	return err
}
