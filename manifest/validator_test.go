package manifest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckValidator looks at the corners that the test data leaves out: which schemas apply to an option, and bounds.
func TestCheckValidator(t *testing.T) {
	tests := map[string]struct {
		schema string
		want   string // the findings' rules
	}{
		"flat":                {`{"type": "object", "properties": {"a": {"type": ["string", "null"]}}}`, ""},
		"additional booleans": {`{"type": "object", "additionalProperties": true}`, ""},
		"unused definition":   {`{"type": "object", "$defs": {"x": {"type": "array"}}}`, ""},
		"combinator untyped":  {`{"type": "object", "anyOf": [{"properties": {"a": {"minLength": 1}}}]}`, ""},
		"several types":       {`{"type": ["object", "null"]}`, "validator-type"},
		"boolean property":    {`{"type": "object", "properties": {"a": true}}`, "validator-property"},
		"recursion":           {`{"type": "object", "properties": {"a": {"$ref": "#"}}}`, "validator-nested"},
		"local loop": {
			`{"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"$ref": "#/$defs/x"}}}`,
			"validator-compile",
		},
		"nested in then":       {`{"type": "object", "if": true, "then": {"properties": {"a": {"type": "array"}}}}`, "validator-nested"},
		"nested in one of":     {`{"type": "object", "patternProperties": {"^x": {"oneOf": [{"items": {}}]}}}`, "validator-nested"},
		"nested in all of":     {`{"type": "object", "allOf": [{"properties": {"a": {"prefixItems": [true]}}}]}`, "validator-nested"},
		"nested twice":         {`{"type": "object", "properties": {"a": {"type": "array"}, "b/~%": {"type": "array"}}}`, "validator-nested validator-nested"},
		"enum in a combinator": {`{"type": "object", "allOf": [{"properties": {"a": {"enum": [1]}}}]}`, ""},
		"file reference":       {`{"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}}`, "validator-compile"},
		"relative reference":   {`{"type": "object", "properties": {"a": {"$ref": "other.json"}}}`, "validator-compile"},
		"null":                 {`null`, "validator-json"},
		"true":                 {`true`, "validator-json"},
		"byte order mark":      {"\ufeff{}", "validator-json"},
		"too deep":             {strings.Repeat(`{"not":`, 20_000), "validator-json"},
		"deep":                 {strings.Repeat(`{"not":`, 500) + "{}" + strings.Repeat("}", 500), "validator-type"},
		"huge exponent":        {`{"type": "object", "properties": {"a": {"type": "number", "minimum": 1e999999999}}}`, "validator-json"},
		"too large":            {`{"type": "object"}` + strings.Repeat(" ", MaxValidatorSize), "validator-json"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var rules []string
			findings := CheckValidator("schema.json", []byte(test.schema), false)
			for _, f := range findings {
				rules = append(rules, f.Rule)
			}
			if got := strings.Join(rules, " "); got != test.want {
				t.Errorf("got %q, want %q: %v", got, test.want, findings)
			}
		})
	}
}

// FuzzCheckValidator holds that any schema is judged, within the file and the same way each time.
func FuzzCheckValidator(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join(manifests, "*", "*", "importer", "schema.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		findings := CheckValidator("schema.json", data, true)
		lines := bytes.Count(data, []byte("\n")) + 1
		for _, f := range findings {
			if f.Rule == "" || f.Message == "" || f.Line > lines {
				t.Errorf("%q: bad finding %+v", data, f)
			}
		}
		again := CheckValidator("schema.json", data, true)
		if len(again) != len(findings) {
			t.Fatalf("%q: %v, then %v", data, findings, again)
		}
		for i := range again {
			if again[i] != findings[i] {
				t.Errorf("%q: %v, then %v", data, findings[i], again[i])
			}
		}
	})
}
