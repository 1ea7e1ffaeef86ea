package conformance

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/santhosh-tekuri/jsonschema/v5"
	"gopkg.in/yaml.v3"

	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/setting"
	"github.com/PlakarKorp/kpkg/manifest"
)

// SettingsName is the file, beside the manifest, that says where and how the connectors of an integration are tested. It is
// no part of a package.
const SettingsName = "kpkg-test.yaml"

// SettingsSchema is the JSON schema of SettingsName, draft 2020-12.
//
//go:embed kpkg-test.schema.json
var SettingsSchema []byte

// maxSettings is the largest SettingsName, in bytes.
const maxSettings = 256 << 10

// Settings is what a SettingsName says.
type Settings struct {
	dir        string
	connectors map[string]connectorSettings
}

type connectorSettings struct {
	Config map[string]string `yaml:"config"`
	Sample string            `yaml:"sample"`
	// SingleFile and Handle are Config's.
	SingleFile bool   `yaml:"single_file"`
	Handle     string `yaml:"handle"`
}

// ReadSettings reads the SettingsName in a folder. Without one there are no settings, and no error. The error never repeats
// a value, which may be a secret in the wrong place.
func ReadSettings(dir string) (Settings, error) {
	name := filepath.Join(dir, SettingsName)
	data, err := regular.Read(name, maxSettings+1)
	if errors.Is(err, fs.ErrNotExist) {
		return Settings{}, nil
	}
	if err == nil && len(data) > maxSettings {
		err = fmt.Errorf("it is larger than %d bytes", maxSettings)
	}
	if err == nil {
		err = checkSettings(data)
	}
	s := Settings{dir: dir}
	if err == nil {
		err = yaml.Unmarshal(data, &s.connectors)
	}
	if err != nil {
		return Settings{}, fmt.Errorf("reading %s: %w", name, err)
	}
	return s, nil
}

// checkSettings holds a document to the schema. Of what is wrong it says where, and not with which value.
func checkSettings(data []byte) error {
	if err := readable(data); err != nil {
		return err
	}
	var document any
	if err := yaml.Unmarshal(data, &document); err != nil {
		return errors.New("its keys are no text")
	}
	if document == nil {
		return nil // it is empty
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(SettingsName, bytes.NewReader(SettingsSchema)); err != nil {
		return err
	}
	schema, err := compiler.Compile(SettingsName)
	if err != nil {
		return err
	}
	var failure *jsonschema.ValidationError
	if err := schema.Validate(document); errors.As(err, &failure) {
		for len(failure.Causes) > 0 {
			failure = failure.Causes[0]
		}
		where := strings.ReplaceAll(strings.TrimPrefix(failure.InstanceLocation, "/"), "/", ".")
		rule := failure.KeywordLocation[strings.LastIndexByte(failure.KeywordLocation, '/')+1:]
		switch {
		case rule == "additionalProperties":
			return fmt.Errorf("%s: a connector has the keys config, sample, single_file and handle alone", where)
		case rule == "pattern":
			return errors.New("name connectors by their TYPE:PROTOCOL, as in importer:ftp; types are " + english.WordSeries(Types(), "and"))
		}
		steps := strings.Split(where, ".")
		switch {
		case where == "":
			return errors.New("it names connectors, as in importer:ftp:, with their settings below")
		case len(steps) == 1:
			return fmt.Errorf("%s: a connector has config and sample below it", where)
		case len(steps) == 2 && steps[1] == "config":
			return fmt.Errorf("%s: it holds settings, KEY: VALUE each", where)
		case len(steps) == 2 && steps[1] == "sample":
			return fmt.Errorf("%s: it is the name of a folder", where)
		case len(steps) == 2 && steps[1] == "handle":
			return fmt.Errorf("%s: it is a handle, as text", where)
		case len(steps) == 2:
			return fmt.Errorf("%s: it is true or false", where)
		}
		return fmt.Errorf("%s: a setting is text, a number, true or false", where)
	} else if err != nil {
		return err
	}
	return nil
}

// readable says where a text stops being YAML, or what of YAML is no use here, and repeats nothing of it.
func readable(data []byte) error {
	for _, f := range manifest.CheckYAML(SettingsName, data) {
		words := map[string]string{
			"yaml-duplicate": "this key is there already",
			"yaml-encoding":  "this is not UTF-8",
			"yaml-alias":     "this alias leads to nothing that can be used",
			"yaml-key":       "a key is text",
		}[f.Rule]
		return fmt.Errorf("line %d, column %d: %s", f.Line, f.Column,
			cmp.Or(words, "from here on it is no YAML: check the quotes, colons and indentation"))
	}
	return nil
}

// Connectors are those with settings, TYPE:PROTOCOL each, sorted.
func (s Settings) Connectors() []string {
	var names []string
	for name := range s.connectors {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Apply returns the configuration with what the settings say of its connector, but for what it says itself. Values from
// files and variables are secrets of it; paths, those of local locations too, are relative to the settings' folder.
func (s Settings) Apply(c Config) (Config, error) {
	own, found := s.connectors[c.Connector()]
	if !found {
		return c, nil
	}
	settings := c.at("", unique)
	for key, value := range own.Config {
		if _, given := settings[key]; given {
			continue
		}
		read, err := setting.Resolve(key, value, s.dir)
		if err != nil {
			return c, fmt.Errorf("%s: %s: %w", SettingsName, c.Connector(), err)
		}
		if key == "location" {
			flags, err := c.flags()
			if err == nil {
				read.Value, err = completed(read.Value, c.Protocol, flags, s.dir)
			}
			if err != nil {
				return c, fmt.Errorf("%s: %s: %w", SettingsName, c.Connector(), err)
			}
		}
		settings[key] = read.Value
		if read.Secret {
			c.Secrets = append(slices.Clone(c.Secrets), read.Value)
		}
	}
	c.Settings, c.SingleFile, c.Handle = settings, c.SingleFile || own.SingleFile, cmp.Or(c.Handle, own.Handle)
	if own.Sample != "" && c.Sample == "" {
		c.Sample = filepath.Join(s.dir, filepath.FromSlash(own.Sample))
	}
	return c, nil
}
