package try

import (
	"context"
	"fmt"
	"os"

	"github.com/PlakarKorp/kloset/connectors/importer"

	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/manifest"
)

// Backup backs the location up into the data file, or into a store as one snapshot more. Entries that could not be read are
// failures of the result, and what could be read is backed up all the same. With any error, that of an ended ctx included, there
// is no data file, or no such snapshot, and nothing is left behind but what a store keeps of it; the result then holds the
// failures that came before it.
func Backup(ctx context.Context, opts Options) (result Result, err error) {
	if opts.Store == nil {
		if err := checkOutput(ctx, opts); err != nil {
			return Result{}, err
		}
	}
	t, err := begin(ctx, opts)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = cutError(err, t.cut) }()
	var kept Result
	if opts.Store != nil {
		kept, err = t.backupToStore(ctx)
	} else {
		err = t.backup(ctx)
	}
	// What was backed up is complete: a plugin that does not end as it should is one failure more.
	if endErr := t.end(); endErr != nil && err == nil {
		t.tally.fail("", endErr)
	}
	result = t.tally.result()
	result.Snapshot, result.Made = kept.Snapshot, kept.Made
	if err != nil || opts.Store != nil {
		return result, err
	}
	info, err := os.Stat(opts.Data)
	if err != nil {
		return result, fmt.Errorf("look at the data file: %w", err)
	}
	result.Size = info.Size()
	return result, nil
}

func (t *trial) backup(ctx context.Context) error {
	source, err := t.prepare(ctx, manifest.Importer, t.opts.endpoint())
	if err != nil {
		return err
	}
	imp, err := t.importer(ctx, source)
	if err != nil {
		return err
	}
	return place.File(ctx, t.opts.Data, t.opts.Force,
		func(temporary string) error {
			t.tally.stage(Copying)
			w := writing{imp: &checkedImporter{imp, t.cut}, machine: t.machine, tempDir: t.scratch.Path, tally: t.tally}
			err := w.write(ctx, temporary)
			if closeErr := imp.Close(context.WithoutCancel(ctx)); closeErr != nil && err == nil {
				t.tally.fail("", closeErr)
			}
			return err
		},
		func(temporary string) error { return t.readable(ctx, temporary) })
}

// importer starts the source and initializes it.
func (t *trial) importer(ctx context.Context, source *side) (importer.Importer, error) {
	if err := t.start(ctx, source); err != nil {
		return nil, err
	}
	t.endWith(ctx, source)
	imp, err := source.plugin.Importer(ctx, t.machine, source.connector.location.Protocol, source.settings())
	if err != nil {
		return nil, err
	}
	t.checkFlags(source, imp.Flags())
	return imp, nil
}

// readable checks that the data file opens, with nothing but what is in it, and that there is something to restore.
func (t *trial) readable(ctx context.Context, path string) error {
	data, err := openData(ctx, path, "", nil)
	if err != nil {
		return fmt.Errorf("read the data file again: %w", err)
	}
	defer data.Close()
	if err := checkRoot(ctx, data); err != nil {
		return fmt.Errorf("nothing was backed up that could be restored: %w", err)
	}
	return nil
}
