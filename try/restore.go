package try

import (
	"context"
	"errors"
	"fmt"

	"github.com/PlakarKorp/kloset/snapshot"

	"github.com/PlakarKorp/kpkg/manifest"
)

// Restore copies what the data file holds to the location. Entries that the exporter could not write are failures of the
// result. With an error, that of an ended ctx included, what was restored before stays, and is in the result.
func Restore(ctx context.Context, opts Options) (result Result, err error) {
	t, err := begin(ctx, opts)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = cutError(err, t.cut) }()
	err = t.restore(ctx)
	if endErr := t.end(); err == nil {
		err = endErr
	}
	return t.tally.result(), err
}

func (t *trial) restore(ctx context.Context) error {
	t.tally.stage(Opening)
	d, err := openData(t.kloset, t.opts.Data)
	if err != nil {
		return err
	}
	defer d.close(t.kloset)
	root, err := d.root()
	if err != nil {
		return fmt.Errorf("reading %s: %w", t.opts.Data, err)
	}
	if err := t.start(ctx, manifest.Exporter); err != nil {
		return err
	}
	exp, err := t.plugin.Exporter(ctx, options(t.kloset), t.connector.location.Protocol, t.connector.config(t.opts.Config))
	if err != nil {
		return err
	}
	t.tally.stage(Copying)
	stop := t.tally.listen(t.kloset)
	defer stop()
	err = d.snapshot.Export(&answered{exp, t.tally, t.kloset.Cancel}, root, &snapshot.ExportOptions{})
	if ctx.Err() != nil {
		// Not context.Canceled: it means elsewhere that nothing half-made was left behind.
		return fmt.Errorf("restoring: %v; what was restored before is at the destination", context.Cause(ctx))
	}
	// Why it was cancelled, by the exporter or by a cache, says more than what failed because of that.
	if cause := context.Cause(t.kloset.Context); cause != nil {
		err = cause
	}
	// Closing may be when an exporter writes the last of it.
	if err := errors.Join(err, exp.Close(ctx)); err != nil {
		return fmt.Errorf("restoring: %w", err)
	}
	return nil
}

// root is the path that the source of the data file began at. What is above it is not restored, as in plakar.
func (d *data) root() (string, error) {
	root := d.snapshot.Header.GetSource(0).Importer.Directory
	if _, err := d.files.GetEntry(root); err != nil {
		return "", fmt.Errorf("%q, where it begins, is not in it: %w", root, err)
	}
	return root, nil
}
