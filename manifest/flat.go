package manifest

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// rootIsObject reports a schema that does not describe a set of options.
func (v *validator) rootIsObject() bool {
	if !slices.Equal(v.schema.Types, []string{"object"}) {
		v.refused(v.locate("/type"), "write \"type\": \"object\"", "the schema's root must have the type object")
	}
	return true
}

// propertiesHaveTypes reports options that say nothing of their type.
func (v *validator) propertiesHaveTypes() bool {
	for name, property := range v.schema.Properties {
		if len(property.Types) == 0 && property.Ref == nil {
			v.refused(v.locateSchema(property), "add its \"type\"", "property %q has no type", name)
		}
	}
	return true
}

// enumsAreStrings reports enumerated options that are not text, as all options are in plakar's configuration.
func (v *validator) enumsAreStrings() bool {
	for name, property := range v.schema.Properties {
		for _, allowed := range property.Enum {
			if _, isString := allowed.(string); !isString {
				v.refused(v.locateSchema(property), "quote it", "property %q enumerates %v, which is not a string", name, allowed)
			}
		}
	}
	return true
}

// locateSchema is the place of a schema within the file.
func (v *validator) locateSchema(s *jsonschema.Schema) place {
	_, pointer, _ := strings.Cut(s.Location, "#")
	return v.locate(pointer)
}

// isFlat reports options that are not one scalar: plakar's configuration has keys and values, nothing below.
func (v *validator) isFlat() bool {
	var options []*jsonschema.Schema
	for root := range alternatives(v.schema) {
		options = append(options, members(root)...)
	}
	for s := range alternatives(options...) {
		if isNested(s) {
			_, pointer, _ := strings.Cut(s.Location, "#")
			v.refused(v.locate(pointer), "use one property for each value", "nested fields at #%s: plakar's options are flat", pointer)
		}
	}
	return true
}

// alternatives are schemas and all that apply to the same values by reference or combination, each once, however many of the
// schemas lead there.
func alternatives(schemas ...*jsonschema.Schema) iter.Seq[*jsonschema.Schema] {
	return func(yield func(*jsonschema.Schema) bool) {
		seen := map[*jsonschema.Schema]bool{nil: true}
		for left := slices.Clone(schemas); len(left) > 0; {
			s := left[len(left)-1]
			left = left[:len(left)-1]
			if seen[s] {
				continue
			}
			seen[s] = true
			if !yield(s) {
				return
			}
			left = append(left, s.Ref, s.Not, s.If, s.Then, s.Else)
			left = append(append(append(left, s.AllOf...), s.AnyOf...), s.OneOf...)
		}
	}
}

// members are the schemas of an object's values.
func members(s *jsonschema.Schema) []*jsonschema.Schema {
	all := slices.Collect(maps.Values(s.Properties))
	all = slices.AppendSeq(all, maps.Values(s.PatternProperties))
	if additional, isSchema := s.AdditionalProperties.(*jsonschema.Schema); isSchema {
		all = append(all, additional)
	}
	return all
}

func isNested(s *jsonschema.Schema) bool {
	return slices.Contains(s.Types, "object") || slices.Contains(s.Types, "array") || len(members(s)) > 0 ||
		s.Items != nil || s.Items2020 != nil || len(s.PrefixItems) > 0
}
