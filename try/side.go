package try

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/PlakarKorp/kloset/location"

	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/sdk/secrets"
)

// Endpoint is a connector of a package, and where it reads or writes.
type Endpoint struct {
	// Package is the path of a package, or of a manifest or its folder: then the package is made first.
	Package string
	// Location is what the connector gets, as in ftp://host/folder.
	Location string
	Config   Config
}

// String is the location without the passwords in it.
func (e Endpoint) String() string {
	var hidden secrets.Set
	hidden.Learn(nil, host.ParseLocation(e.Location).Secrets()...)
	return hidden.Cut(e.Location)
}

// endpoint is that of the source or the destination.
func (o Options) endpoint() Endpoint { return Endpoint{o.Package, o.Location, o.Config} }

// side is one connector of a trial.
type side struct {
	connector connector
	unpacked  *host.Integration
	config    Config
	plugin    *host.Plugin // nil until it is started
	unwatch   func() bool
}

// prepare unpacks a package, finds the connector of a type that serves the location, and checks its settings. Nothing is
// started before all sides are prepared.
func (t *trial) prepare(ctx context.Context, typ string, e Endpoint) (*side, error) {
	unpacked, err := t.unpack(ctx, e.Package)
	if err != nil {
		return nil, err
	}
	s := &side{unpacked: unpacked, config: e.Config}
	if s.connector, err = find(unpacked.Manifest, typ, e.Location, t.machine.CWD); err != nil {
		return nil, err
	}
	t.sides = append(t.sides, s)
	return s, t.checkSettings(s)
}

// checkSettings holds the configuration against the validator of the connector, if it has one.
func (t *trial) checkSettings(s *side) error {
	if s.connector.Validator == "" {
		return nil
	}
	validator, err := regular.Read(filepath.Join(s.unpacked.Dir, filepath.FromSlash(s.connector.Validator)), manifest.MaxValidatorSize)
	if err != nil {
		return fmt.Errorf("read the schema of the configuration: %w", err)
	}
	unknown, err := checkSettings(s.connector.Type, validator, s.settings(), s.config.secrets)
	for _, text := range unknown {
		if t.opts.Store != nil && s.connector.Type != manifest.Storage {
			text += "; those of the storage are given with --store-config"
		}
		if t.opts.Warn != nil {
			t.opts.Warn(text)
		}
	}
	return err
}

// settings are what the connector is given.
func (s *side) settings() map[string]string { return s.connector.config(s.config) }

// start starts the connector's plugin.
func (t *trial) start(ctx context.Context, s *side) (err error) {
	t.tally.stage(Starting)
	if s.plugin, err = s.connector.start(ctx, s.unpacked, s.config, t.opts); err != nil {
		return err
	}
	s.unwatch = func() bool { return true }
	if t.opts.Started != nil {
		t.opts.Started(s.plugin.Process().Pid)
	}
	t.tally.cut = t.cut
	return nil
}

// endWith ends the plugin when ctx ends: whatever it is busy with, it gets a few seconds, as when plakar ends.
func (t *trial) endWith(ctx context.Context, s *side) {
	s.unwatch = context.AfterFunc(ctx, func() {
		t.tally.stage(Ending)
		s.plugin.Close()
	})
}

// checkFlags warns where the plugin says something else than its manifest.
func (t *trial) checkFlags(s *side, plugin location.Flags) {
	var flags location.Flags
	for _, name := range s.connector.LocationFlags {
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
