package settings_test

import (
	"fmt"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/sdk/settings"
)

const schema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["location", "user"],
  "additionalProperties": false,
  "dependentRequired": {"password": ["tls"]},
  "patternProperties": {"^x_": {"type": "integer"}},
  "properties": {
    "location": {"type": "string", "pattern": "^ftp://"},
    "user": {"type": "string", "minLength": 1, "maxLength": 12},
    "password": {"type": "string", "minLength": 8, "writeOnly": true},
    "tls": {"type": "string", "enum": ["none", "explicit"], "default": "none"},
    "port": {"$ref": "#/$defs/port"},
    "passive": {"type": "boolean", "default": true},
    "rate": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 10},
    "size": {"type": ["integer", "number"]},
    "step": {"type": "integer", "multipleOf": 4},
    "retries": {"type": ["integer", "boolean"]},
    "label": {"type": ["string", "integer"], "not": {"const": "none"}},
    "kind": {"type": "string", "const": "tree"},
    "never": {"type": "string", "allOf": [false]}
  },
  "$defs": {"port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": 21}}
}`

type config struct {
	Location, User, Password, TLS, Label, Kind string
	Port                                       uint16
	Passive                                    bool
	Rate                                       float64
	Step                                       int
	Retries                                    any
	X                                          int `json:"x_a"`
}

// with are the settings that are required, and others.
func with(others ...string) map[string]string {
	settings := map[string]string{"location": "ftp://host", "user": "joe"}
	for i := 0; i < len(others); i += 2 {
		settings[others[i]] = others[i+1]
	}
	return settings
}

func TestDecode(t *testing.T) {
	base := config{Location: "ftp://host", User: "joe", TLS: "none", Port: 21, Passive: true}
	for name, test := range map[string]struct {
		settings map[string]string
		want     func(*config)
	}{
		"defaults": {with(), func(*config) {}},
		"all": {
			with("password", "hunter22", "tls", "explicit", "port", "8080", "passive", "false", "rate", "2.5e0", "step", "-8", "retries", "3",
				"label", "5", "kind", "tree", "x_a", "7"),
			func(c *config) {
				c.Password, c.TLS, c.Port, c.Passive, c.Rate, c.Step = "hunter22", "explicit", 8080, false, 2.5, -8
				c.Retries, c.Label, c.Kind, c.X = 3.0, "5", "tree", 7
			},
		},
		"the second of two types":  {with("retries", "true"), func(c *config) { c.Retries = true }},
		"text that looks like one": {with("user", "8080", "label", "true"), func(c *config) { c.User, c.Label = "8080", "true" }},
	} {
		want := base
		test.want(&want)
		var got config
		if err := settings.Decode([]byte(schema), test.settings, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v and error %v, want %+v", name, got, err, want)
		}
	}
}

// TestRefused holds the errors to their words, which never repeat a value: that would be the 3s in each.
func TestRefused(t *testing.T) {
	for _, test := range []struct {
		settings map[string]string
		want     string
	}{
		{map[string]string{}, "location is required; user is required"},
		{with("location", "sftp://h333"), "location does not match ^ftp://"},
		{with("user", ""), "user is empty"},
		{with("user", strings.Repeat("3", 13)), "user has more than 12 characters"},
		{with("password", "h333", "tls", "none"), "password has less than 8 characters"},
		{with("tls", "h333"), "tls is none of none, explicit"},
		{with("port", "h333"), "port is no integer"},
		{with("port", ""), "port is no integer"},
		{with("port", " 333"), "port is no integer"},
		{with("port", "0333"), "port is no integer"},
		{with("port", "33333333333333333333333"), "port is no integer"},
		{with("port", "-333"), "port is less than 1"},
		{with("port", "333333"), "port is more than 65535"},
		{with("passive", "h333"), "passive is no boolean"},
		{with("passive", "1"), "passive is no boolean"},
		{with("passive", "TRUE"), "passive is no boolean"},
		{with("rate", "0"), "rate is not more than 0"},
		{with("rate", "333"), "rate is not less than 10"},
		{with("rate", "0x333"), "rate is no number"},
		{with("rate", "Inf"), "rate is no number"},
		{with("rate", "1e333"), "rate is no number"},
		{with("rate", "1e-3330000"), "rate is no number"},
		{with("rate", "0e3330000"), "rate is no number"},
		{with("rate", "0."+strings.Repeat("3", 1000)), "rate is no number"},
		{with("size", "1e-3330000"), "size is no integer or number"},
		{with("step", "333"), "step is no multiple of 4"},
		{with("retries", "h333"), "retries is no integer or boolean"},
		{with("label", "none"), `label is refused by "not" in the schema`},
		{with("kind", "h333"), "kind is not tree"},
		{with("never", "h333"), "never is not allowed"},
		{with("x_a", "h333"), "x_a is no integer"},
		{with("pasive", "h333", "z", ""), "pasive is no setting; z is no setting"},
		{map[string]string{"port": "h333", "tls": "h333"}, "location is required; port is no integer; tls is none of none, explicit; " +
			"user is required"},
	} {
		err := settings.Decode([]byte(schema), test.settings, &config{})
		if err == nil || err.Error() != test.want {
			t.Errorf("%v: error %v, want %q", test.settings, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "333") {
			t.Errorf("%v repeats a value", err)
		}
	}
}

// TestTogether has rules over several keys.
func TestTogether(t *testing.T) {
	rules := `{"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
		"dependentRequired": {"a": ["b"]}, "if": {"required": ["b"]}, "then": {"required": ["c"]}, "maxProperties": 3}`
	for _, test := range []struct {
		config map[string]string
		want   string
	}{
		{map[string]string{"a": "1"}, "b is required with a"},
		{map[string]string{"b": "1"}, "c is required"},
		{map[string]string{"1": "", "2": "", "3": "", "4": ""}, `the settings together are refused by "maxProperties" in the schema`},
		{map[string]string{"a": "1", "b": "2", "c": "3"}, "<nil>"},
	} {
		if err := settings.Decode([]byte(rules), test.config, &map[string]any{}); fmt.Sprint(err) != test.want {
			t.Errorf("%v: %v, want %s", test.config, err, test.want)
		}
	}
}

// TestProgrammers has schemas and structs that no user can mend. They too keep values to themselves.
func TestProgrammers(t *testing.T) {
	number := `{"type": "object", "properties": {"n": {"type": "integer"}}}`
	for name, test := range map[string]struct {
		schema string
		into   any
		want   string
	}{
		"no JSON":                 {"{", &struct{}{}, "cannot be used"},
		"no schema":               {`{"type": "objekt"}`, &struct{}{}, "cannot be used"},
		"another file":            {`{"$ref": "other.json"}`, &struct{}{}, "another file"},
		"of the network":          {`{"$ref": "https://example.org/s.json"}`, &struct{}{}, "another file"},
		"a field too small":       {number, &struct{ N int8 }{}, "n is beyond what can be used"},
		"a field of another type": {number, &struct{ N string }{}, "n is beyond what can be used"},
		"no struct":               {number, new(int), "another form"},
		"no pointer":              {number, struct{}{}, "another form"},
		"a default beyond all": {`{"type": "object", "properties": {"n": {"type": "integer"}, "m": {"default": 1e-2000000, "minimum": 0}}}`,
			&struct{}{}, "cannot be"},
	} {
		err := settings.Decode([]byte(test.schema), map[string]string{"n": "33333"}, test.into)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "33333") {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// TestNotLinked keeps the schema library out of plugins that do not import this package.
func TestNotLinked(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "..").Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "jsonschema") {
		t.Error("the SDK imports the schema library")
	}
}
