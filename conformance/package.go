package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/scratch"
	"github.com/PlakarKorp/kpkg/manifest"
)

// Selection says which connectors of a package to test, and what with.
type Selection struct {
	// Settings and Secrets, as in Config, are for every connector.
	Settings map[string]string
	Secrets  []string
	// Connectors are those to test; none means every connector, with its first protocol.
	Connectors []Selected
	// Sample is that of the exporters.
	Sample string
	// Building is how the package of a source is made.
	Building host.Building
	// SettingsDir is the folder with the SettingsName that counts for a package whose source is at hand; "" for none. Of a
	// source it is the manifest's own.
	SettingsDir string
	// Only and Skip are the ids of checks to run and to leave out, or patterns of them such as "plugin-*". Without Only, all
	// are run that are not to be left out.
	Only, Skip []string
	// Started, when set, is told of each connector and how many checks it is held to, Checked of each result as it comes.
	Started func(config Config, checks int)
	Checked func(Config, Result)
}

// Selected is one connector to test, with settings of its own.
type Selected struct {
	Type, Protocol string
	Settings       map[string]string
	Secrets        []string
}

// ErrSelection is wrapped by the errors about a selection that does not fit the package.
var ErrSelection = errors.New("wrong selection")

// PackageResult is what came of testing a package.
type PackageResult struct {
	// Package is the package's path, or that of the source it was made of.
	Package string
	// Containers says what made those that its connectors ran in; "" if they ran without.
	Containers string
	// Configs are the tests that were made, Results those of their checks, in the same order.
	Configs []Config
	Results []Result
	// Costs are what the connectors took for their work, of those that did it.
	Costs []Cost
	// Untested are the connectors that could not be tested at all, because no location was given, or none
	// of the settings that take its place.
	Untested []string
}

// RunPackage tests the connectors of the package at path, or of the package that is made of the manifest or folder at path.
// What the SettingsName beside that manifest says counts where the selection says nothing. The error is a
// *host.RejectedError if the package has errors, wraps ErrSelection if the selection does not fit it, and is otherwise what
// could not be done.
func RunPackage(ctx context.Context, path string, selection Selection) (*PackageResult, error) {
	if err := selection.check(); err != nil {
		return nil, err
	}
	var settings Settings
	dir := selection.SettingsDir
	if host.IsSource(path) {
		dir = path
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			dir = filepath.Dir(path)
		}
	}
	if dir != "" {
		var err error
		if settings, err = ReadSettings(dir); err != nil {
			return nil, err
		}
	}
	unpacked, err := scratch.Make("unpack")
	if err != nil {
		return nil, err
	}
	defer unpacked.Remove()
	integration, err := host.Open(ctx, path, unpacked.Path, selection.Building)
	if err != nil {
		return nil, err
	}
	result := &PackageResult{Package: integration.Package, Containers: integration.Containers}
	if result.Configs, err = selection.configs(integration); err != nil {
		return nil, err
	}
	for _, connector := range settings.Connectors() {
		if all := connectorsOf(integration); !slices.Contains(all, connector) {
			return nil, fmt.Errorf("%s: %s is no connector of the package; it has %s", SettingsName, finding.Cut(connector),
				strings.Join(all, ", "))
		}
	}
	if !slices.ContainsFunc(result.Configs, func(c Config) bool { return len(c.checks()) > 0 }) {
		return nil, fmt.Errorf("%w: --only and --skip leave no check of its connectors", ErrSelection)
	}
	for i, config := range result.Configs {
		if config, err = settings.Apply(config); err != nil {
			return nil, err
		}
		result.Configs[i] = config
		checks := len(config.checks())
		if checks == 0 {
			continue
		}
		if selection.Started != nil {
			selection.Started(config, checks)
		}
		if selection.Checked != nil {
			config.Checked = func(r Result) { selection.Checked(config, r) }
		}
		config.Measured = func(c Cost) { result.Costs = append(result.Costs, c) }
		results, err := Run(ctx, config)
		if err != nil {
			return nil, err
		}
		failed := slices.ContainsFunc(results, func(r Result) bool { return r.Status == Fail })
		if (config.lacksLocation() || len(config.lackedSettings()) > 0) && len(selection.Only) == 0 && !failed {
			result.Untested = append(result.Untested, config.Connector())
		}
		result.Results = append(result.Results, results...)
	}
	return result, nil
}

// configs are the tests to be made.
func (s Selection) configs(integration *host.Integration) ([]Config, error) {
	var all, selected []Config
	for _, connector := range integration.Manifest.Connectors {
		for i, protocol := range connector.Protocols {
			config := Config{
				Type: connector.Type, Protocol: protocol, Program: programOf(integration, connector),
				Class: connector.Class,
				// Never nil: a manifest without flags says that there are none.
				LocationFlags: append([]string{}, connector.LocationFlags...),
				Validator:     validatorOf(integration, connector),
			}
			if config.Type == Exporter {
				config.Sample, config.ReadBack = s.Sample, importerOf(integration, protocol)
			}
			if _, _, err := ParseConnector(config.Connector()); err == nil && i == 0 {
				all = append(all, s.configure(config, Selected{}))
			}
			for _, one := range s.Connectors {
				if one.Type == connector.Type && one.Protocol == protocol {
					selected = append(selected, s.configure(config, one))
				}
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no connector to test", integration.Package)
	}
	for _, one := range s.Connectors {
		isIt := func(c Config) bool { return c.Type == one.Type && c.Protocol == one.Protocol }
		if !slices.ContainsFunc(selected, isIt) {
			return nil, fmt.Errorf("%w: %s has no %s:%s; it has %s", ErrSelection, integration.Package, one.Type, finding.Cut(one.Protocol),
				strings.Join(connectorsOf(integration), ", "))
		}
	}
	if len(s.Connectors) == 0 {
		selected = all
	}
	isExporter := func(config Config) bool { return config.Type == Exporter }
	if s.Sample != "" && !slices.ContainsFunc(selected, isExporter) {
		return nil, fmt.Errorf("%w: --sample is for exporters, and none is tested", ErrSelection)
	}
	return selected, nil
}

// connectorsOf are the connectors of an integration that there are checks for, TYPE:PROTOCOL each.
func connectorsOf(integration *host.Integration) []string {
	var all []string
	for _, c := range integration.Manifest.Connectors {
		for _, protocol := range c.Protocols {
			if slices.Contains(Types(), c.Type) {
				all = append(all, finding.Cut(c.Type+":"+protocol))
			}
		}
	}
	return all
}

// configure gives a test its settings; the connector's own count before those of all.
func (s Selection) configure(config Config, own Selected) Config {
	config.Settings = map[string]string{}
	maps.Copy(config.Settings, s.Settings)
	maps.Copy(config.Settings, own.Settings)
	config.Secrets = slices.Concat(s.Secrets, own.Secrets)
	config.Only = s.chosen(config.Type)
	return config
}

func programOf(integration *host.Integration, c manifest.Connector) Program {
	return Program{
		Executable: integration.Executable(c), Args: integration.Args(c), Emulator: integration.Emulator,
		Container: integration.Container(c),
	}
}

// validatorOf is the schema of a connector's settings, nil if it cannot be read: kpkg verify judges that.
func validatorOf(integration *host.Integration, c manifest.Connector) []byte {
	if c.Validator == "" || !filepath.IsLocal(filepath.FromSlash(c.Validator)) {
		return nil
	}
	schema, err := regular.Read(filepath.Join(integration.Dir, filepath.FromSlash(c.Validator)), manifest.MaxValidatorSize)
	if err != nil {
		return nil
	}
	return schema
}

// importerOf is the program of the importer of a protocol, nothing if the package has none.
func importerOf(integration *host.Integration, protocol string) Program {
	for _, c := range integration.Manifest.Connectors {
		if c.Type == Importer && slices.Contains(c.Protocols, protocol) {
			return programOf(integration, c)
		}
	}
	return Program{}
}
