package try

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/PlakarKorp/kpkg/internal/suggest"
	"github.com/PlakarKorp/kpkg/sdk/secrets"
	"github.com/PlakarKorp/kpkg/sdk/settings"
)

// checkSettings holds the configuration of an importer, exporter or storage, which is what typ names, against the connector's own
// schema, its validator. The error names the settings that the schema refuses, and unknown are sentences on those that it allows
// without knowing them. A schema that does not compile or cannot be applied, which verify warns of, refuses nothing.
func checkSettings(typ string, validator []byte, config map[string]string, more []string) (unknown []string, err error) {
	defer func() {
		if recover() != nil { // the library panics on some schemas
			unknown, err = nil, nil
		}
	}()
	const name = "kpkg:///validator.json"
	compiler := jsonschema.NewCompiler()
	compiler.LoadURL = func(string) (io.ReadCloser, error) { return nil, errors.New("it is outside the schema") }
	if compiler.AddResource(name, bytes.NewReader(validator)) != nil {
		return nil, nil
	}
	schema, err := compiler.Compile(name)
	if err != nil {
		return nil, nil
	}
	known := knownSettings{settings: map[string]*jsonschema.Schema{}, seen: map[*jsonschema.Schema]bool{}}
	known.add(schema)
	object := map[string]any{}
	var strange []string
	for _, key := range slices.Sorted(maps.Keys(config)) {
		setting := known.find(key)
		if setting == nil && key != "location" {
			strange = append(strange, notKnown(typ, key, slices.Collect(maps.Keys(known.settings))))
		}
		object[key] = valueFor(setting, config[key])
	}
	var failed *jsonschema.ValidationError
	if !errors.As(schema.Validate(object), &failed) {
		return strange, nil
	}
	refused, unknownRefused := refusals(failed)
	if unknownRefused {
		refused, strange = append(refused, strange...), nil
	}
	slices.Sort(refused)
	var hidden secrets.Set
	hidden.Learn(config, more...)
	return strange, usagef("the %s's schema refuses the configuration: %s", typ, hidden.Cut(strings.Join(refused, "; ")))
}

func notKnown(typ, key string, known []string) string {
	text := fmt.Sprintf("the %s's schema has no setting %q", typ, key)
	if hint := suggest.DidYouMean(key, known); hint != "" {
		text += "; " + hint
	}
	return text
}

// knownSettings are the properties that a schema names, wherever in it.
type knownSettings struct {
	settings map[string]*jsonschema.Schema
	patterns []*jsonschema.Schema
	seen     map[*jsonschema.Schema]bool
}

func (k *knownSettings) add(s *jsonschema.Schema) {
	if s == nil || k.seen[s] {
		return
	}
	k.seen[s] = true
	for key, property := range s.Properties {
		if k.settings[key] == nil {
			k.settings[key] = property
		}
	}
	if len(s.PatternProperties) > 0 {
		k.patterns = append(k.patterns, s)
	}
	for _, part := range slices.Concat(s.AllOf, s.AnyOf, s.OneOf, []*jsonschema.Schema{s.Ref, s.If, s.Then, s.Else},
		slices.Collect(maps.Values(s.DependentSchemas))) {
		k.add(part)
	}
}

// find is the schema of a setting, nil if there is none.
func (k *knownSettings) find(key string) *jsonschema.Schema {
	if setting := k.settings[key]; setting != nil {
		return setting
	}
	for _, s := range k.patterns {
		for pattern, setting := range s.PatternProperties {
			if pattern.MatchString(key) {
				return setting
			}
		}
	}
	return nil
}

// valueFor is the text of a setting as the type that its schema has: on the command line and in plakar's configuration
// everything is text.
func valueFor(s *jsonschema.Schema, text string) any {
	for range 10 { // a schema may refer to itself
		if s == nil || len(s.Types) > 0 || s.Ref == nil {
			break
		}
		s = s.Ref
	}
	if s == nil || slices.Contains(s.Types, "string") {
		return text
	}
	if slices.Contains(s.Types, "boolean") {
		if value, err := strconv.ParseBool(text); err == nil {
			return value
		}
	}
	if slices.Contains(s.Types, "integer") || slices.Contains(s.Types, "number") {
		var number json.Number
		if json.Unmarshal([]byte(text), &number) == nil && settings.IsNumber(string(number)) {
			return number
		}
	}
	return text
}

// refusals are what a schema has against a configuration, and whether it refuses settings that it does not know.
func refusals(e *jsonschema.ValidationError) (all []string, unknown bool) {
	for _, cause := range e.Causes {
		texts, also := refusals(cause)
		for _, text := range texts {
			if !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
		unknown = unknown || also
	}
	if len(e.Causes) > 0 {
		return all, unknown
	}
	key := strings.TrimPrefix(e.InstanceLocation, "/")
	switch keyword := e.KeywordLocation[strings.LastIndexByte(e.KeywordLocation, '/')+1:]; {
	case keyword == "additionalProperties" || keyword == "unevaluatedProperties":
		return nil, true
	case keyword == "required":
		return []string{"it lacks " + strings.TrimPrefix(e.Message, "missing properties: ")}, false
	case key == "":
		return []string{e.Message}, false
	default:
		return []string{key + ": " + strings.TrimSuffix(e.Message, ", but got string")}, false
	}
}
