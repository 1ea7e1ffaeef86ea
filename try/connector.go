package try

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/PlakarKorp/kloset/location"

	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/sdk/host"
	"github.com/PlakarKorp/kpkg/unpack"
)

// connector is what serves a location.
type connector struct {
	manifest.Connector
	protocol string
	// location is the one asked for, in the form that plakar gives to connectors: protocol://, then an absolute path if
	// the connector is for local files.
	location string
}

// find looks for the connector of a type that serves the location, relative to the folder cwd.
func find(m manifest.Manifest, typ, wanted, cwd string) (connector, error) {
	known := location.New[manifest.Connector]("")
	for _, c := range m.Connectors {
		if c.Type != typ {
			continue
		}
		for _, protocol := range c.Protocols {
			known.Register(protocol, c, 0)
		}
	}
	protocol, rest, c, _, ok := known.Lookup(wanted)
	if !ok {
		return connector{}, missing(m, typ, protocol)
	}
	if slices.Contains(c.LocationFlags, "localfs") && !filepath.IsAbs(rest) {
		rest = filepath.Join(cwd, rest)
	}
	return connector{c, protocol, protocol + "://" + rest}, nil
}

// missing names what a package has instead of what was asked for. It does not repeat the location, which may hold a
// password.
func missing(m manifest.Manifest, typ, protocol string) error {
	var has []string
	for _, c := range m.Connectors {
		for _, p := range c.Protocols {
			has = append(has, fmt.Sprintf("%s %s://", c.Type, p))
		}
	}
	if protocol == "" {
		return fmt.Errorf("the location has no protocol; %s has %s", m.Name, strings.Join(has, ", "))
	}
	return fmt.Errorf("%s has no %s for %s://; it has %s", m.Name, typ, protocol, strings.Join(has, ", "))
}

// start starts the connector's plugin.
func (c connector) start(ctx context.Context, executable string, opts Options) (*host.Plugin, error) {
	return host.Start(ctx, executable, host.Options{
		Args: c.Args, Stderr: opts.Stderr, Secrets: opts.Config.secrets, Prefix: filepath.Base(c.Executable) + ": ", Platform: unpack.PlatformOf,
	})
}

// config is what the connector is given.
func (c connector) config(given Config) map[string]string {
	values := maps.Clone(given.values)
	if values == nil {
		values = map[string]string{}
	}
	values["location"] = c.location
	return values
}
