package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/PlakarKorp/kloset/location"
	"github.com/dustin/go-humanize/english"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/suggest"
	"github.com/PlakarKorp/kpkg/manifest"
)

// The types of connectors that there are checks for.
const (
	Importer       = manifest.Importer
	Exporter       = manifest.Exporter
	Storage        = manifest.Storage
	SecretProvider = manifest.SecretProvider
	Inventory      = manifest.Inventory
)

// Program is a plugin's executable.
type Program struct {
	// Executable is its path, Args are its arguments, as in the manifest.
	Executable string
	Args       []string
	// Emulator is the program that runs it, as qemu-user does one for another architecture; "" if it runs without.
	Emulator string
	// Container is the image that the executable is in; nil if it runs without.
	Container *host.Container
	// Main is the folder of a Go main package, such as "./plugin/importer", that Test builds when there is no Executable.
	Main string
}

// Config says which connector to test, and what with.
type Config struct {
	// Type is one of Types.
	Type string
	// Protocol is the scheme of the connector's locations.
	Protocol string
	Program
	// Class is the manifest's, such as "object-storage", "" for none: some sources know no folders.
	Class string
	// LocationFlags are the manifest's, such as "localfs".
	LocationFlags []string
	// Settings is the connector's configuration, as plakar gives it. "location" is where to read or write; without one, a
	// connector with "localfs" works in temporary folders, on files made for the purpose, and others skip what needs one;
	// secret providers and inventories do without.
	// For an importer the location is read many times over: a few hundred files are plenty. For an exporter and a storage
	// it must be for the test alone: a storage gets new names below it, an exporter writes into it, and neither is
	// cleaned up. "{unique}" in a value becomes a new name, for a storage in each check: it goes where the place of a storage
	// is another setting than the location.
	Settings map[string]string
	// Secrets are values of Settings that are kept out of results and of Stderr, whatever their keys are called. Those of
	// keys that are named like secrets, such as "password", always are, and those that the validator says are writeOnly.
	Secrets []string
	// Sample, for an exporter, is a folder with files that the destination accepts, where that is not any file: it is sent
	// instead of files made for the test. 64 MiB and 1,000 entries are the most; a few of each kind are enough.
	Sample string
	// ReadBack, for an exporter, is the importer of the same protocol, which tells what was written. It is given the
	// exporter's settings. Without one, only a local folder is looked at.
	ReadBack Program
	// SingleFile says that the connector's location is one file, such as a dump, a zip or JSON Lines. An importer is given
	// one in Settings; exporters and storages get a new file for each check, beside that of Settings and with its extension,
	// or in a temporary folder. What an exporter wrote is read back through ReadBack alone.
	SingleFile bool
	// Validator is the JSON schema of the settings, as the manifest names it; nil if it is not known. It holds for Settings, and
	// the connector for it.
	Validator []byte
	// Handle, for a secret provider, is one that it knows, with the configuration in Settings. What it stands for is kept out of
	// results. Without one, only what becomes of unknown handles is checked.
	Handle string
	// Only, when not empty, are the ids of the checks to run; the rest are left out.
	Only []string
	// Checked, when set, is told of each result as it comes; calls do not overlap.
	Checked func(Result)
	// Measured, when set, is told what the connector took for its work.
	Measured func(Cost)
	// Stderr, when set, gets what the plugin prints.
	Stderr io.Writer
}

// ParseConnector reads the TYPE:PROTOCOL of a connector.
func ParseConnector(s string) (connectorType, protocol string, err error) {
	connectorType, protocol, _ = strings.Cut(s, ":")
	if !slices.Contains(Types(), connectorType) || protocol == "" {
		hint := "as in importer:ftp; types are " + english.WordSeries(Types(), "and")
		if meant := meantConnector(s); meant != "" {
			hint = "as in " + meant
		}
		return "", "", fmt.Errorf("%q is no connector: name its type and protocol, %s", finding.Cut(s), hint)
	}
	return connectorType, protocol, nil
}

// Types are the types of connectors that there are checks for.
func Types() []string { return manifest.ConnectorTypes() }

// meantConnector is the TYPE:PROTOCOL that was probably meant, "" for none.
func meantConnector(s string) string {
	parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(":=/, ", r) })
	if len(parts) != 2 {
		return ""
	}
	for _, order := range [][]string{parts, {parts[1], parts[0]}} {
		if closest := suggest.Closest(order[0], Types()); closest != "" {
			return closest + ":" + order[1]
		}
	}
	return ""
}

// Connector is the connector's TYPE:PROTOCOL.
func (c Config) Connector() string { return c.Type + ":" + c.Protocol }

func (c Config) check() error {
	if _, _, err := ParseConnector(c.Connector()); err != nil {
		return err
	}
	if c.Executable == "" {
		return errors.New("no executable to test: name one")
	}
	if c.Type != Exporter && c.Sample != "" {
		return fmt.Errorf("a sample is for exporters, not for an %s", c.Type)
	}
	if c.Type != SecretProvider && c.Handle != "" {
		return fmt.Errorf("a handle is for secret providers, not for an %s", c.Type)
	}
	if _, err := c.flags(); err != nil {
		return err
	}
	for _, id := range c.Only {
		if !slices.ContainsFunc(Checks(c.Type), func(k Check) bool { return k.ID == id }) {
			return fmt.Errorf("no check %q for an %s", id, c.Type)
		}
	}
	return nil
}

// checks are those to run.
func (c Config) checks() []Check {
	checks := Checks(c.Type)
	if len(c.Only) > 0 {
		checks = slices.DeleteFunc(checks, func(k Check) bool { return !slices.Contains(c.Only, k.ID) })
	}
	return checks
}

// worksAtLocation tells the types of connectors that have a location from those that only have a configuration.
func (c Config) worksAtLocation() bool { return c.Type != SecretProvider && c.Type != Inventory }

// lacksLocation tells a test that has nowhere to work.
func (c Config) lacksLocation() bool {
	if !c.worksAtLocation() {
		return false
	}
	made := slices.Contains(c.LocationFlags, "localfs") && (c.Type != Importer || !c.SingleFile)
	return c.Settings["location"] == "" && !made
}

// lackedSettings are the settings that a connector without a location cannot do without, by its validator, and is not given.
func (c Config) lackedSettings() []string {
	var schema struct{ Required []string }
	if c.worksAtLocation() || json.Unmarshal(c.Validator, &schema) != nil {
		return nil
	}
	return slices.DeleteFunc(schema.Required, func(key string) bool { _, given := c.Settings[key]; return given })
}

// writeOnly are the settings that the validator says are secrets, whatever their keys are called.
func (c Config) writeOnly() []string {
	var schema struct {
		Properties map[string]struct{ WriteOnly bool }
	}
	if json.Unmarshal(c.Validator, &schema) != nil {
		return nil // there is none, or it is none
	}
	var values []string
	for key, of := range schema.Properties {
		if value, given := c.Settings[key]; given && of.WriteOnly {
			values = append(values, value)
		}
	}
	return values
}

func (c Config) flags() (location.Flags, error) {
	var flags location.Flags
	for _, name := range c.LocationFlags {
		flag, err := location.ParseFlag(name)
		if err != nil {
			return 0, fmt.Errorf("location flag %q: %w", name, err)
		}
		flags |= flag
	}
	return flags, nil
}

// unique is what stands for a new name in a setting.
const unique = "{unique}"

// at is the configuration with another location, and a name in the places for one.
func (c Config) at(location, name string) map[string]string {
	settings := map[string]string{}
	maps.Copy(settings, c.Settings)
	if location != "" {
		settings["location"] = location
	}
	for key, value := range settings {
		settings[key] = strings.ReplaceAll(value, unique, name)
	}
	return settings
}

// placed tells whether a setting has the place for a new name.
func (c Config) placed() bool {
	for _, value := range c.Settings {
		if strings.Contains(value, unique) {
			return true
		}
	}
	return false
}
