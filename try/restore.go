package try

import (
	"context"
	"errors"
	"fmt"

	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/manifest"
)

// Restore copies what the data file, or a snapshot of a store, holds to the location. Entries that the exporter could not write are
// failures of the result, as are those that are not in the data file because they could not be read for it, and those that are
// neither files, folders nor symbolic links. With an error, that of an ended ctx included, what was restored before stays, and
// is in the result.
func Restore(ctx context.Context, opts Options) (result Result, err error) {
	if opts.Store == nil && sameFile(opts.Data, host.ParseLocation(opts.Location).Rest) {
		return Result{}, usagef("the location is the data file itself")
	}
	t, err := begin(ctx, opts)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = cutError(err, t.cut) }()
	var snapshot string
	if opts.Store != nil {
		snapshot, err = t.restoreFromStore(ctx)
	} else {
		err = t.restore(ctx)
	}
	if endErr := t.end(); err == nil {
		err = endErr
	}
	result = t.tally.result()
	result.Snapshot = snapshot
	return result, err
}

func (t *trial) restore(ctx context.Context) error {
	t.tally.stage(Opening)
	data, err := openData(ctx, t.opts.Data, t.opts.Snapshot, t.opts.Passphrase)
	if err != nil {
		return err
	}
	defer data.Close()
	if err := checkRoot(ctx, data); err != nil {
		return fmt.Errorf("read %s: %w", t.opts.Data, err)
	}
	destination, err := t.prepare(ctx, manifest.Exporter, t.opts.endpoint())
	if err != nil {
		return err
	}
	return t.export(ctx, destination, data)
}

// export starts the destination, and restores what was backed up to it.
func (t *trial) export(ctx context.Context, destination *side, data *dataSnapshot) error {
	if err := t.start(ctx, destination); err != nil {
		return err
	}
	t.endWith(ctx, destination)
	exp, err := destination.plugin.Exporter(ctx, t.machine, destination.connector.location.Protocol, destination.settings())
	if err != nil {
		return err
	}
	t.checkFlags(destination, exp.Flags())
	t.tally.stage(Copying)
	err = export(ctx, data, exp, t.tally)
	if ctx.Err() != nil {
		// Not context.Canceled: it means elsewhere that nothing half-made was left behind.
		return fmt.Errorf("restore: %v; what was restored before is at the destination", context.Cause(ctx))
	}
	// Closing may be when an exporter writes the last of it.
	if err := errors.Join(err, exp.Close(ctx)); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}
