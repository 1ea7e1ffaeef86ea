package manifest

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// levels are the mappings of a manifest: what the schema says of each, what it is decoded into, how a key of it is written and
// where docs/manifest.md explains it.
var levels = []struct {
	level   *level
	decoded func(Manifest) any
	around  func(any) any
	heading string
}{
	{topLevel, func(m Manifest) any { return m }, func(keys any) any { return keys }, "## The integration"},
	{connectorLevel, func(m Manifest) any { return m.Connectors[0] }, func(keys any) any {
		return map[string]any{"connectors": []any{keys}}
	}, "## A connector"},
	{buildLevel, func(m Manifest) any { return *m.Build }, func(keys any) any { return map[string]any{"build": keys} }, "## Build settings"},
}

// TestSchemaDecoderDocs ties the three together: each key of the schema is decoded into a field of its own, each field is
// some key's, and the documentation of the level names each.
func TestSchemaDecoderDocs(t *testing.T) {
	docs, err := os.ReadFile("../docs/manifest.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range levels {
		_, section, found := strings.Cut(string(docs), l.heading+"\n")
		if section, _, _ = strings.Cut(section, "\n## "); !found {
			t.Fatalf("docs/manifest.md has no section %q", l.heading)
		}
		keyOf := map[string]string{}
		for key, property := range l.level.properties() {
			text, err := yaml.Marshal(l.around(map[string]any{key: sample(t, property)}))
			if err != nil {
				t.Fatal(err)
			}
			decoded := reflect.ValueOf(l.decoded(Read("manifest.yaml", text).Manifest))
			fields := 0
			for i := range decoded.NumField() {
				if name := decoded.Type().Field(i).Name; !decoded.Field(i).IsZero() {
					if other := keyOf[name]; other != "" {
						t.Errorf("%s: %q and %q are both decoded into %s", l.heading, other, key, name)
					}
					keyOf[name] = key
					fields++
				}
			}
			if fields != 1 {
				t.Errorf("%s: key %q of the schema is decoded into %d fields:\n%s", l.heading, key, fields, text)
			}
			if !strings.Contains(section, "`"+key+"`") && !strings.Contains(section, "  "+key+":") {
				t.Errorf("%s: docs/manifest.md does not explain key %q", l.heading, key)
			}
		}
		decoded := reflect.TypeOf(l.decoded(Manifest{Connectors: []Connector{{}}, Build: &Build{}}))
		for i := range decoded.NumField() {
			if name := decoded.Field(i).Name; keyOf[name] == "" {
				t.Errorf("%s: no key of the schema is decoded into %s", l.heading, name)
			}
		}
	}
}

// sample is a value that a property of the schema allows by its type.
func sample(t *testing.T, property any) any {
	t.Helper()
	schema := property.(map[string]any)
	if reference, isReference := schema["$ref"].(string); isReference {
		_, target := follow(schemaDocument(), splitPointer(strings.TrimPrefix(reference, "#")))
		schema = target.(map[string]any)
	}
	switch schema["type"] {
	case "array":
		return []any{sample(t, schema["items"])}
	case "object":
		return map[string]any{"x": "x"}
	case "string":
		return "x"
	}
	t.Fatalf("the schema has a value of type %v, which this test does not know", schema["type"])
	return nil
}

// TestDocumentedTypes holds that the documentation names every connector type.
func TestDocumentedTypes(t *testing.T) {
	docs, err := os.ReadFile("../docs/manifest.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, connectorType := range ConnectorTypes() {
		if !strings.Contains(string(docs), "`"+connectorType+"`") {
			t.Errorf("docs/manifest.md does not name %s", connectorType)
		}
	}
	for connectorType := range builtins {
		if !slices.Contains(ConnectorTypes(), connectorType) {
			t.Errorf("%s is no connector type of the schema", connectorType)
		}
	}
}
