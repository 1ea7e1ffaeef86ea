package try

import (
	"context"
	"fmt"
	"os"

	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/manifest"
)

// Backup backs the location up into the data file. Entries that could not be read are failures of the result, and what
// could be read is in the data file all the same. With any error, that of an ended ctx included, there is no data file and
// nothing is left behind; the result then holds the failures that came before it.
func Backup(ctx context.Context, opts Options) (result Result, err error) {
	if err := checkOutput(ctx, opts); err != nil {
		return Result{}, err
	}
	t, err := begin(ctx, opts)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = cutError(err, t.cut) }()
	err = t.backup(ctx)
	// The data file is complete: a plugin that does not end as it should is one failure more.
	if endErr := t.end(); endErr != nil && err == nil {
		t.tally.fail("", endErr)
	}
	result = t.tally.result()
	if err != nil {
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
	if err := t.start(ctx, manifest.Importer); err != nil {
		return err
	}
	imp, err := t.plugin.Importer(ctx, t.machine, t.connector.location.Protocol, t.connector.config(t.opts.Config))
	if err != nil {
		return err
	}
	t.checkFlags(imp.Flags())
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
