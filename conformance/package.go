package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/host"
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
	// CacheDir is the folder in which building a package of a source keeps what saves work to the next time; "" keeps nothing.
	CacheDir string
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
	// Configs are the tests that were made, Results those of their checks, in the same order.
	Configs []Config
	Results []Result
}

// RunPackage tests the connectors of the package at path, or of the package that is made of the manifest or folder at path.
// started, when set, is told of each connector. The error is a *host.RejectedError if the package has errors, wraps
// ErrSelection if the selection does not fit it, and is otherwise what could not be done.
func RunPackage(ctx context.Context, path string, selection Selection, started func(Config)) (*PackageResult, error) {
	unpacked, err := scratch.Make("unpack")
	if err != nil {
		return nil, err
	}
	defer unpacked.Remove()
	integration, err := host.Open(ctx, path, unpacked.Path, selection.CacheDir)
	if err != nil {
		return nil, err
	}
	result := &PackageResult{Package: integration.Package}
	if result.Configs, err = selection.configs(integration); err != nil {
		return nil, err
	}
	for _, config := range result.Configs {
		if started != nil {
			started(config)
		}
		results, err := Run(ctx, config)
		if err != nil {
			return nil, err
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
				// Never nil: a manifest without flags says that there are none.
				LocationFlags: append([]string{}, connector.LocationFlags...),
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
		return nil, fmt.Errorf("%s has no importer, exporter or storage to test", integration.Package)
	}
	if len(selected) < len(s.Connectors) {
		var has []string
		for _, config := range all {
			has = append(has, finding.Cut(config.Connector()))
		}
		return nil, fmt.Errorf("%w: %s does not have all those connectors; it has %s",
			ErrSelection, integration.Package, strings.Join(has, ", "))
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

// configure gives a test its settings; the connector's own count before those of all.
func (s Selection) configure(config Config, own Selected) Config {
	config.Settings = map[string]string{}
	maps.Copy(config.Settings, s.Settings)
	maps.Copy(config.Settings, own.Settings)
	config.Secrets = slices.Concat(s.Secrets, own.Secrets)
	return config
}

func programOf(integration *host.Integration, c manifest.Connector) Program {
	return Program{Executable: integration.Executable(c), Args: c.Args}
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
