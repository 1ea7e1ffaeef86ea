package try

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/PlakarKorp/kloset/connectors"

	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/scratch"
)

// Passphrase finds the passphrase of an encrypted data file.
type Passphrase = func(context.Context) ([]byte, error)

// Options say what to back up or to restore, through which package.
type Options struct {
	// Package is the path of a package, or of a manifest or its folder: then the package is made first.
	Package string
	// Location is the source or the destination, as in ftp://host/folder.
	Location string
	Config   Config
	// Data is the path of the data file, of which there is none with a Store.
	Data string
	// Store is the storage that keeps the backup, nil for a data file; Encrypt encrypts a store that is made.
	Store   *Endpoint
	Encrypt bool
	// Snapshot is the beginning of the identifier of what a restore reads of several, or "latest", as is "".
	Snapshot string
	// Passphrase is asked for that of an encrypted data file, which a restore reads, and of an encrypted store; nil refuses one.
	Passphrase Passphrase
	// Force replaces a data file that is there. A restore has no use for it.
	Force bool
	// Building is how the package of a source is made.
	Building host.Building
	// Stderr gets what the plugin prints, line by line; nil drops it.
	Stderr io.Writer
	// Trace, when set, gets a line for all that is said to the plugin and all that it answers, without secrets.
	Trace io.Writer
	// Started, when set, is told each plugin's process before anything is said to it.
	Started func(process int)
	// Warn, when set, is told of settings that a connector's schema does not know, before any plugin starts, and of flags that
	// are not the manifest's.
	Warn func(string)
	// Progress, when set, is told of every change. Calls do not overlap.
	Progress func(Progress)
}

// trial is one backup, restore or look at a store, with the plugins of its connectors running.
type trial struct {
	opts    Options
	scratch *scratch.Folder
	machine *connectors.Options
	sides   []*side
	closers []func() error // of what was opened through plugins, which end after it
	tally   *tally
}

// begin makes what any trial needs. The trial must be ended.
func begin(ctx context.Context, opts Options) (*trial, error) {
	t := &trial{opts: opts, tally: newTally(opts.Progress)}
	var err error
	if t.scratch, err = scratch.Make("try"); err != nil {
		return nil, err
	}
	if t.machine, err = machine(); err != nil {
		return nil, errors.Join(err, t.end())
	}
	return t, nil
}

// unpack makes a package's executables ready to run.
func (t *trial) unpack(ctx context.Context, pkg string) (*host.Integration, error) {
	if host.IsSource(pkg) {
		t.tally.stage(Building)
	} else {
		t.tally.stage(Verifying)
	}
	dir := filepath.Join(t.scratch.Path, fmt.Sprint("package", len(t.sides)))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for the package: %w", err)
	}
	unpacked, err := host.Open(ctx, pkg, dir, t.opts.Building)
	var rejected *host.RejectedError
	if errors.As(err, &rejected) {
		if data, dataErr := openData(ctx, pkg, "", nil); dataErr == nil {
			data.Close()
			return nil, usagef("%s is a data file, what kpkg try backup makes, not a package", pkg)
		}
	}
	return unpacked, err
}

// cut returns the text in the plugins' words, without the secrets of their connectors' configurations, which nothing knows that
// comes before the plugins.
func (t *trial) cut(text string) string {
	started := false
	for _, s := range t.sides {
		if s.plugin != nil {
			text, started = s.plugin.Redact(text), true
		}
	}
	if !started {
		return text
	}
	return host.Words(text)
}

// end closes what was opened, ends the plugins and removes the temporary folder. None of it may be there yet.
func (t *trial) end() error {
	var err error
	for _, closer := range slices.Backward(t.closers) {
		err = errors.Join(err, closer())
	}
	for _, s := range t.sides {
		if s.plugin != nil {
			s.unwatch()
			err = errors.Join(err, s.plugin.Close())
		}
	}
	return errors.Join(err, t.scratch.Remove())
}
