package settings

import (
	"strings"
	"testing"
)

// FuzzDecode looks for values in errors, and for panics. The schema is compiled once: that takes most of the time.
func FuzzDecode(f *testing.F) {
	schema := []byte(`{"type": "object", "required": ["user"], "additionalProperties": false,
		"properties": {"user": {"maxLength": 3}, "port": {"type": ["integer", "boolean"], "maximum": 9}, 
		"rate": {"type": "number", "minimum": 0}, "size": {"type": ["integer", "number"]}},
		"patternProperties": {"^x": {"enum": ["a"]}}}`)
	compiled, err := compile(schema)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("port", "12345678x")
	f.Add("rate", "1e999")
	f.Add("rate", "1e-2000000")
	f.Add("size", "1e-2000000")
	f.Add("x~1/%41", "12345678")
	f.Fuzz(func(t *testing.T, key, value string) {
		var into struct {
			User string
			Port any
			Rate float64
			Size float64
		}
		err := decode(compiled, schema, map[string]string{key: value}, &into)
		// A value of digits cannot be in the words, unless it is in the key.
		secret := strings.Trim(value, "0123456789") == "" && len(value) > 3 && !strings.Contains(key, value)
		if err != nil && secret && strings.Contains(err.Error(), value) {
			t.Errorf("%q=%q: %v", key, value, err)
		}
	})
}
