// Package settings reads a connector's configuration by the JSON schema of it, the manifest's validator: text becomes numbers and
// booleans where the schema says so, what is left out gets its default, and what the schema refuses is an error that names the
// key. No error repeats a value, which may be a secret.
//
// It is a package of its own because it links a schema library: only who imports it does.
package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// Decode reads the configuration that a constructor gets into a struct, by its json tags: field for field as encoding/json does.
// The schema is the text of the validator; embed it, so that plugin and manifest have the same.
//
//   - A value becomes a boolean ("true", "false"), an integer or a number where its property has that type, and stays text
//     otherwise. Of several types the first in the schema's order that fits is taken.
//   - A property that is not given gets its default, if it has one, before anything is checked.
//   - What the schema then refuses is an error about all keys that are wrong, as "port is no integer; user is required".
//     A schema that does not compile, or that refers to another file, is an error too.
//
// Keys that the schema allows and the struct does not have are left out.
func Decode(schema []byte, config map[string]string, into any) error {
	compiled, err := compile(schema)
	if err != nil {
		return fmt.Errorf("the schema of the configuration cannot be used: %w", err)
	}
	return decode(compiled, schema, config, into)
}

func decode(compiled *jsonschema.Schema, schema []byte, config map[string]string, into any) error {
	document := map[string]any{}
	for key, value := range config {
		document[key] = typed(value, property(compiled, key))
	}
	for key, of := range compiled.Properties {
		if _, given := config[key]; !given && defaultOf(of) != nil {
			document[key] = defaultOf(of)
		}
	}
	if err := validate(compiled, schema, document); err != nil {
		return err
	}
	encoded, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("the configuration cannot be read: a default is no JSON: %w", err)
	}
	var mismatch *json.UnmarshalTypeError
	if err := json.Unmarshal(encoded, into); errors.As(err, &mismatch) && mismatch.Field != "" {
		return fmt.Errorf("%s is beyond what can be used", strings.ToLower(mismatch.Field)) // the library repeats numbers
	} else if err != nil {
		return errors.New("the configuration has another form than the program expects")
	}
	return nil
}

// compile compiles a schema that may not refer to anything outside of it. The library panics on some.
func compile(schema []byte) (compiled *jsonschema.Schema, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("the schema library gave up: %v", value)
		}
	}()
	const name = "settings:///schema"
	compiler := jsonschema.NewCompiler()
	compiler.ExtractAnnotations = true
	compiler.LoadURL = func(string) (io.ReadCloser, error) { return nil, errors.New("it refers to another file") }
	if err := compiler.AddResource(name, bytes.NewReader(schema)); err != nil {
		return nil, err
	}
	return compiler.Compile(name)
}

// property is the schema of a key's value, nil if there is none.
func property(schema *jsonschema.Schema, key string) *jsonschema.Schema {
	if of := schema.Properties[key]; of != nil {
		return of
	}
	for pattern, of := range schema.PatternProperties {
		if pattern.MatchString(key) {
			return of
		}
	}
	of, _ := schema.AdditionalProperties.(*jsonschema.Schema)
	return of
}

// defaultOf is a property's own default, or else that of what it refers to.
func defaultOf(of *jsonschema.Schema) any {
	for ; of != nil; of = of.Ref {
		if of.Default != nil {
			return of.Default
		}
	}
	return nil
}

// typesOf are a property's own types, or else those of what it refers to.
func typesOf(of *jsonschema.Schema) []string {
	for ; of != nil; of = of.Ref {
		if len(of.Types) > 0 {
			return of.Types
		}
	}
	return nil
}

// typed is a value as its property wants it; the text if it cannot be that, for the schema to refuse.
func typed(value string, of *jsonschema.Schema) any {
	for _, wanted := range typesOf(of) {
		switch {
		case wanted == "string":
			return value
		case wanted == "boolean" && (value == "true" || value == "false"):
			return value == "true"
		case wanted == "integer" && integerForm.MatchString(value), wanted == "number" && IsNumber(value):
			return json.Number(value)
		}
	}
	return value
}

// integerForm is JSON's. Twenty digits are more than any program has a place for.
var integerForm = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,19})$`)

// maxNumber is how long a number may be, in characters: longer ones tell no float64 from another.
const maxNumber = 1_000

// numberForm is JSON's, with exponents that have to do with a float64. The schema library writes numbers out in all their digits,
// and gives up, or panics, at exponents of millions.
var numberForm = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?0*[0-9]{1,3})?$`)

// IsNumber tells the numbers that Decode takes: JSON's, of which programs have a place for those of a float64.
func IsNumber(value string) bool {
	if len(value) > maxNumber || !numberForm.MatchString(value) {
		return false
	}
	f, err := strconv.ParseFloat(value, 64)
	return err == nil && !math.IsInf(f, 0)
}

// validate is the error about all that the schema refuses. The library panics on some schemas, and what it says then may have a
// value in it.
func validate(compiled *jsonschema.Schema, schema []byte, document map[string]any) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the schema of the configuration cannot be applied")
		}
	}()
	var invalid *jsonschema.ValidationError
	err = compiled.Validate(document)
	if err == nil {
		return nil
	}
	if !errors.As(err, &invalid) {
		return errors.New("the schema of the configuration cannot be applied")
	}
	var source any
	decoder := json.NewDecoder(bytes.NewReader(schema))
	decoder.UseNumber()
	if err := decoder.Decode(&source); err != nil {
		return err // cannot be: it was compiled
	}
	faults := map[string]bool{}
	for _, leaf := range leaves(invalid) {
		for _, fault := range words(leaf, source, document) {
			faults[fault] = true
		}
	}
	return errors.New(strings.Join(slices.Sorted(maps.Keys(faults)), "; "))
}

// leaves are the reasons of an error that have no further ones.
func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var all []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		all = append(all, leaves(cause)...)
	}
	return all
}
