package diff

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/manifest"
)

// Side is one of the two versions that are compared.
type Side struct {
	Manifest manifest.Manifest
	// Options are those of each connector, in the order of the manifest.
	Options []Options
	// Platforms that there are packages for; none means that they are not known, and not compared.
	Platforms []executable.Platform
}

// Options are what a connector can be configured with, by their names; nil when it has no schema that tells.
type Options map[string]Option

// Option is one of them.
type Option struct {
	// Type is what JSON Schema calls it, sorted and joined by "|" where there are several; "" for any.
	Type     string
	Required bool
	// Default is the JSON of the value that holds when none is given, "" for none.
	Default string
	// Values are those that it may have; nil for any.
	Values []string
	// Description is what the schema says of it, which is not compared.
	Description string
}

// ReadFile returns the content of a file that the manifest names, by its slash path relative to the manifest. The error about
// one that is not there wraps fs.ErrNotExist.
type ReadFile func(name string) ([]byte, error)

// FromFS is the ReadFile of a tree, such as that in a package.
func FromFS(tree fs.FS) ReadFile {
	return func(name string) ([]byte, error) {
		file, err := tree.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		return io.ReadAll(io.LimitReader(file, manifest.MaxSize+1))
	}
}

// Read reads one side: its manifest and the schemas that it names. A schema that is not there, or none, tells no options.
func Read(read ReadFile, platforms []executable.Platform) (Side, error) {
	data, err := read(manifest.FileName)
	if err != nil {
		return Side{}, fmt.Errorf("reading %s: %w", manifest.FileName, err)
	}
	side := Side{Manifest: manifest.Read(manifest.FileName, data).Manifest, Platforms: platforms}
	if len(side.Manifest.Connectors) == 0 {
		return Side{}, fmt.Errorf("reading %s: it has no connectors", manifest.FileName)
	}
	for _, c := range side.Manifest.Connectors {
		var options Options
		if c.Validator != "" {
			schema, err := read(path.Clean(c.Validator))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return Side{}, fmt.Errorf("reading %s: %w", c.Validator, err)
			}
			options = readOptions(schema)
		}
		side.Options = append(side.Options, options)
	}
	return side, nil
}

// readOptions reads the properties of a connector schema's root: plakar's options are flat.
func readOptions(data []byte) Options {
	if len(data) > manifest.MaxValidatorSize {
		return nil
	}
	var schema struct {
		Properties map[string]json.RawMessage
		Required   []string
	}
	if json.Unmarshal(data, &schema) != nil {
		return nil
	}
	options := Options{}
	for name, property := range schema.Properties {
		option := Option{Required: slices.Contains(schema.Required, name)}
		var says struct {
			Type    json.RawMessage
			Default json.RawMessage
			Enum    []json.RawMessage
			// Of any type: one that is wrong takes nothing from the others.
			Description any
		}
		if json.Unmarshal(property, &says) == nil {
			option.Type, option.Default = typeName(says.Type), string(says.Default)
			option.Description, _ = says.Description.(string)
			for _, value := range says.Enum {
				option.Values = append(option.Values, string(value))
			}
		}
		options[name] = option
	}
	for _, name := range schema.Required {
		if _, listed := options[name]; !listed {
			options[name] = Option{Required: true}
		}
	}
	return options
}

// typeName is the type of a schema, which may be one or several.
func typeName(data json.RawMessage) string {
	var one string
	if json.Unmarshal(data, &one) == nil {
		return one
	}
	var several []string
	if json.Unmarshal(data, &several) != nil {
		return ""
	}
	slices.Sort(several)
	name := ""
	for i, t := range slices.Compact(several) {
		if i > 0 {
			name += "|"
		}
		name += t
	}
	return name
}
