package try

import (
	"strings"
	"testing"
)

func TestCheckSettings(t *testing.T) {
	const schema = `{
		"type": "object", "required": ["location", "username"],
		"properties": {
			"location": {"type": "string"}, "username": {"type": "string", "minLength": 1}, "password": {"type": "string", "pattern": "^[a-z]+$"},
			"port": {"$ref": "#/$defs/port"}, "secure": {"type": "boolean"}, "tls": {"enum": ["none", "explicit"]}
		},
		"patternProperties": {"^x-": {}},
		"$defs": {"port": {"type": "integer", "minimum": 1}}
	}`
	strict := strings.Replace(schema, `"type": "object",`, `"type": "object", "additionalProperties": false,`, 1)
	for _, test := range []struct {
		name, schema, settings string
		unknown, refused       string
	}{
		{"all", schema, "username=me port=21 secure=true tls=none x-a=b password=abc", "", ""},
		{"unknown", schema, "username=me usrename=you", `no setting "usrename"; did you mean "username"?`, ""},
		{"unknown and refused", strict, "username=me usrename=you", "", `no setting "usrename"; did you mean "username"?`},
		{"lacking", schema, "port=21", "", "it lacks 'username'"},
		{"no number", schema, "username=me port=ftp", "", "port: expected integer"},
		{"too small", schema, "username=me port=0", "", "port: must be >= 1"},
		{"beyond all numbers", schema, "username=me port=1e-2000000", "", "port: expected integer"},
		{"beyond all bounds", `{"properties": {"rate": {"type": "number", "minimum": 1e-2000000}}}`, "rate=1", "", ""},
		{"not one of them", schema, "username=me tls=yes", "", `tls: value must be one of "none", "explicit"`},
		{"several", schema, "username= secure=maybe", "", "secure: expected boolean; username: length must be >= 1"},
		{"a secret", schema, "username=me password=HUNTER22", "", "password: "},
		{"nothing known", `{"type": "object"}`, "username=me", `no setting "username"`, ""},
		{"no schema", `{"type": 3}`, "username=me", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := map[string]string{"location": "ftp://host"}
			for _, s := range strings.Fields(test.settings) {
				key, value, _ := strings.Cut(s, "=")
				config[key] = value
			}
			unknown, err := checkSettings("importer", []byte(test.schema), config, nil)
			if got := strings.Join(unknown, "; "); (got == "") != (test.unknown == "") || !strings.Contains(got, test.unknown) {
				t.Errorf("unknown %q, want %q", got, test.unknown)
			}
			if (err == nil) != (test.refused == "") || err != nil && !strings.Contains(err.Error(), test.refused) {
				t.Errorf("error %v, want %q", err, test.refused)
			}
			if err != nil && strings.Contains(err.Error(), "HUNTER22") {
				t.Errorf("a secret is told: %v", err)
			}
		})
	}
}
