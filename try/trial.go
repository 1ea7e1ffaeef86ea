package try

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/location"

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
	// Data is the path of the data file.
	Data string
	// Snapshot is the beginning of the identifier of what a restore reads of several, or "latest", as is "".
	Snapshot string
	// Passphrase is asked for that of an encrypted data file, which a restore reads; nil refuses one.
	Passphrase Passphrase
	// Force replaces a data file that is there. A restore has no use for it.
	Force bool
	// Building is how the package of a source is made.
	Building host.Building
	// Stderr gets what the plugin prints, line by line; nil drops it.
	Stderr io.Writer
	// Trace, when set, gets a line for all that is said to the plugin and all that it answers, without secrets.
	Trace io.Writer
	// Started, when set, is told the plugin's process before anything is said to it.
	Started func(process int)
	// Warn, when set, is told of settings that the connector's schema does not know, before the plugin starts, and of flags that
	// are not the manifest's.
	Warn func(string)
	// Progress, when set, is told of every change. Calls do not overlap.
	Progress func(Progress)
}

// trial is one backup or restore, with its connector's plugin running.
type trial struct {
	opts      Options
	scratch   *scratch.Folder
	machine   *connectors.Options
	connector connector
	plugin    *host.Plugin
	unwatch   func() bool // ctx, which ends the plugin
	tally     *tally
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

// start starts the connector of a type that serves the location.
func (t *trial) start(ctx context.Context, typ string) error {
	unpacked, err := t.unpack(ctx)
	if err != nil {
		return err
	}
	if t.connector, err = find(unpacked.Manifest, typ, t.opts.Location, t.machine.CWD); err != nil {
		return err
	}
	if err := t.checkSettings(unpacked.Dir); err != nil {
		return err
	}
	t.tally.stage(Starting)
	if t.plugin, err = t.connector.start(ctx, unpacked, t.opts); err != nil {
		return err
	}
	if t.opts.Started != nil {
		t.opts.Started(t.plugin.Process().Pid)
	}
	// Whatever the plugin is busy with, it gets a few seconds to end, as when plakar ends.
	t.unwatch = context.AfterFunc(ctx, func() {
		t.tally.stage(Ending)
		t.plugin.Close()
	})
	t.tally.cut = t.cut
	return nil
}

// unpack makes the package's executables ready to run.
func (t *trial) unpack(ctx context.Context) (*host.Integration, error) {
	if host.IsSource(t.opts.Package) {
		t.tally.stage(Building)
	} else {
		t.tally.stage(Verifying)
	}
	dir := filepath.Join(t.scratch.Path, "package")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for the package: %w", err)
	}
	unpacked, err := host.Open(ctx, t.opts.Package, dir, t.opts.Building)
	var rejected *host.RejectedError
	if errors.As(err, &rejected) {
		if data, dataErr := openData(ctx, t.opts.Package, "", nil); dataErr == nil {
			data.Close()
			return nil, usagef("%s is a data file, what kpkg try backup makes, not a package", t.opts.Package)
		}
	}
	return unpacked, err
}

// checkSettings holds the configuration against the validator of the connector, if it has one.
func (t *trial) checkSettings(dir string) error {
	if t.connector.Validator == "" {
		return nil
	}
	validator, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(t.connector.Validator)))
	if err != nil {
		return fmt.Errorf("read the schema of the configuration: %w", err)
	}
	unknown, err := checkSettings(validator, t.connector.config(t.opts.Config), t.opts.Config.secrets)
	for _, text := range unknown {
		if t.opts.Warn != nil {
			t.opts.Warn(text)
		}
	}
	return err
}

// checkFlags warns where the plugin says something else than its manifest.
func (t *trial) checkFlags(plugin location.Flags) {
	var flags location.Flags
	for _, name := range t.connector.LocationFlags {
		flag, err := location.ParseFlag(name)
		if err != nil {
			return // the manifest has errors
		}
		flags |= flag
	}
	if text := host.DifferentFlags(plugin, flags); text != "" && t.opts.Warn != nil {
		t.opts.Warn(text)
	}
}

// cut returns the text in the plugin's words, without the secrets of the connector's configuration, which nothing knows that
// comes before the plugin.
func (t *trial) cut(text string) string {
	if t.plugin == nil {
		return text
	}
	return host.Words(t.plugin.Redact(text))
}

// end ends the plugin and removes the temporary folder. Either may not be there yet.
func (t *trial) end() error {
	var err error
	if t.plugin != nil {
		t.unwatch()
		err = t.plugin.Close()
	}
	return errors.Join(err, t.scratch.Remove())
}
