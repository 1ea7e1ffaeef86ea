package try

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/manifest"
)

// connector is what serves a location.
type connector struct {
	manifest.Connector
	// location is the one asked for, an absolute path if the connector is for local files.
	location host.Location
	// secrets are the passwords in it.
	secrets []string
}

// find looks for the connector of a type that serves the location, relative to the folder cwd.
func find(m manifest.Manifest, typ, wanted, cwd string) (connector, error) {
	at := host.ParseLocation(wanted)
	passwords := at.Secrets()
	for _, c := range m.Connectors {
		i := slices.IndexFunc(c.Protocols, func(p string) bool { return strings.EqualFold(p, at.Protocol) })
		if c.Type != typ || i < 0 {
			continue
		}
		at.Protocol = c.Protocols[i]
		if slices.Contains(c.LocationFlags, "localfs") {
			at = at.Below(cwd)
		}
		return connector{c, at, passwords}, nil
	}
	return connector{}, missing(m, typ, at.Protocol)
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
		return usagef("the location has no protocol; %s has %s", m.Name, strings.Join(has, ", "))
	}
	return usagef("%s has no %s for %s://; it has %s", m.Name, typ, protocol, strings.Join(has, ", "))
}

// start starts the connector's plugin.
func (c connector) start(ctx context.Context, of *host.Integration, config Config, opts Options) (*host.Plugin, error) {
	executable := of.Executable(c.Connector)
	return host.Start(ctx, executable, host.Options{
		Args: of.Args(c.Connector), Emulator: of.Emulator, Container: of.Container(c.Connector),
		Secrets: slices.Concat(config.secrets, c.secrets),
		Stderr:  opts.Stderr, Prefix: filepath.Base(executable) + ": ",
		Trace: opts.Trace, Timeout: timeout(opts),
	})
}

// timeout is how long the plugin may take to answer; 0 is the usual time. In a debugger it stands still.
func timeout(opts Options) time.Duration {
	if opts.Building.Debug {
		return 24 * time.Hour
	}
	return 0
}

// config is what the connector is given.
func (c connector) config(given Config) map[string]string {
	values := maps.Clone(given.values)
	if values == nil {
		values = map[string]string{}
	}
	values["location"] = c.location.String()
	return values
}
