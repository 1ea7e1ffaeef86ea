package manifest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/finding"
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
		"deep":                 {strings.Repeat(`{"not":`, 32) + "{}" + strings.Repeat("}", 32), "validator-type"},
		"deeper":               {strings.Repeat(`{"not":`, 33) + "{}" + strings.Repeat("}", 33), "validator-limit"},
		"values":               {`{"type": "object", "x": [` + strings.Repeat("1,", 9_996) + "1]}", ""},
		"more values":          {`{"type": "object", "x": [` + strings.Repeat("1,", 9_997) + "1]}", "validator-limit"},
		"schemas":              {`{"type": "object", "allOf": [` + strings.Repeat("{},true,", 1_499) + "{}]}", ""},
		"more schemas":         {`{"type": "object", "allOf": [` + strings.Repeat("{},true,", 1_499) + "{},{}]}", "validator-limit"},
		"long key":             {`{"type": "object", "` + strings.Repeat("k", 256) + `": 1}`, ""},
		"longer key":           {`{"type": "object", "` + strings.Repeat("k", 257) + `": 1}`, "validator-limit"},
		"tiny number":          {`{"type": "object", "minimum": 1e-1000000}`, "validator-limit"},
		"long number":          {`{"type": "object", "minimum": 1.` + strings.Repeat("0", 99) + `}`, "validator-limit"},
		"letters":              {`{"type": "object", "pattern": "^[\\p{L}\\p{N}]{1,1000}$"}`, ""},
		"unrolled expression":  {`{"type": "object", "pattern": "` + strings.Repeat("(?:a{1000})", 101) + `"}`, "validator-limit"},
		"unrolled key": {
			`{"type": "object", "patternProperties": {"` + strings.Repeat("a{1000}", 30) + `": {}, "` + strings.Repeat("b{999}", 30) +
				`": {}, "` + strings.Repeat("c{1000}", 36) + `": {}, "(d{50}){1000}": {}}}`, "validator-limit",
		},
		"huge exponent": {`{"type": "object", "properties": {"a": {"type": "number", "minimum": 1e999999999}}}`, "validator-json"},
		"too large":     {`{"type": "object"}` + strings.Repeat(" ", MaxValidatorSize), "validator-json"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var rules []string
			findings := judged(t, []byte(test.schema), false)
			for _, f := range findings {
				rules = append(rules, f.Rule)
			}
			if got := strings.Join(rules, " "); got != test.want {
				t.Errorf("got %q, want %q: %v", got, test.want, findings)
			}
		})
	}
}

func judged(t *testing.T, schema []byte, strict bool) []finding.Finding {
	t.Helper()
	findings, err := CheckValidator(t.Context(), "schema.json", schema, strict)
	if err != nil {
		t.Fatal(err)
	}
	return findings
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
		findings := judged(t, data, true)
		lines := bytes.Count(data, []byte("\n")) + 1
		for _, f := range findings {
			if f.Rule == "" || f.Message == "" || f.Line > lines {
				t.Errorf("%q: bad finding %+v", data, f)
			}
		}
		again := judged(t, data, true)
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
