package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/PlakarKorp/kloset/connectors/exporter"
	"github.com/PlakarKorp/kloset/connectors/importer"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/pkg"
	"github.com/PlakarKorp/plakar/appcontext"
	"github.com/PlakarKorp/plakar/plugins"
	"github.com/PlakarKorp/plakar/utils"
)

// loadPackages registers the connectors of the installed packages and gives ctx the manager that installs more.
func loadPackages(ctx *appcontext.AppContext) error {
	data, err := utils.GetDataDir("plakar")
	if err != nil {
		return err
	}
	const folder = "plugins"
	backend, err := pkg.NewFlatBackend(
		ctx.GetInner(),
		filepath.Join(data, folder, pkg.PLUGIN_API_VERSION),
		filepath.Join(ctx.CacheDir, folder, pkg.PLUGIN_API_VERSION),
		&pkg.FlatBackendOptions{
			PreLoadHook: refuseTaken,
			LoadHook: func(m *pkg.Manifest, p *pkg.Package, dir string) {
				if err := plugins.Load(m, dir); err != nil {
					fmt.Fprintf(os.Stderr, "client: load %s: %s\n", p.Filename(), err)
				}
			},
			UnloadHook: func(m *pkg.Manifest, p *pkg.Package) {
				if err := plugins.Unload(m); err != nil {
					fmt.Fprintf(os.Stderr, "client: unload %s: %s\n", p.Filename(), err)
				}
			},
		})
	if err != nil {
		return err
	}
	// Without addresses there is nowhere to fetch packages from.
	manager, err := pkg.New(backend, &pkg.Options{UserAgent: ctx.Client})
	if err != nil {
		return err
	}
	ctx.SetPkgManager(manager)
	return backend.LoadAll()
}

// refuseTaken refuses a package that claims a protocol which the client or another package provides.
func refuseTaken(m *pkg.Manifest) error {
	taken := map[pkg.ConnectorType][]string{
		"importer": importer.Backends(),
		"exporter": exporter.Backends(),
		"storage":  storage.Backends(),
	}
	for _, connector := range m.Connectors {
		for _, protocol := range connector.Protocols {
			if slices.Contains(taken[connector.Type], protocol) {
				return fmt.Errorf("protocol %s is already provided by the client or another package", protocol)
			}
		}
	}
	return nil
}
