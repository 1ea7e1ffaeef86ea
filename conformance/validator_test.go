package conformance_test

import (
	"bytes"
	"maps"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/conformance"
)

// validator is what command broken's settings are, when it looks at them.
const validator = `{
  "type": "object",
  "required": ["location", "needed"],
  "properties": {
    "location": {"type": "string", "pattern": "^fis:"},
    "needed": {"type": "string", "minLength": 1},
    "mode": {"type": "string", "enum": ["fast", "safe"], "default": "fast"},
    "limit": {"type": "integer", "minimum": 1, "default": 5}
  }
}`

// TestSchema holds connectors of all types to their validators, those of one type with a fault each.
func TestSchema(t *testing.T) {
	checks := []string{"plugin-init", "plugin-schema-accepts", "plugin-schema-required", "plugin-schema-refuses", "plugin-schema-defaults"}
	test := func(connectorType, fault string, settings map[string]string) map[string]string {
		c := config(connectorType, "settings: "+fault)
		c.Validator, c.Only = []byte(validator), checks
		c.Settings = map[string]string{"location": "fis://" + t.TempDir(), "needed": "x"}
		maps.Copy(c.Settings, settings)
		return notPassed(t, c)
	}
	for _, connectorType := range conformance.Types() {
		if got := test(connectorType, "none", nil); len(got) > 0 {
			t.Errorf("%s: did not pass: %v", connectorType, got)
		}
	}
	for _, one := range []struct {
		connectorType, fault string
		settings             map[string]string
		want, detail         string
	}{
		{conformance.Importer, "forgets what is required", nil, "fail plugin-schema-required", "without needed, which"},
		{conformance.Inventory, "takes any mode", nil, "fail plugin-schema-refuses",
			`with "kpkg-test-no-such-value" as mode the validator says "mode is none of fast, safe", and Init accepts it`},
		{conformance.SecretProvider, "refuses a default", nil, "fail plugin-schema-defaults", `with "fast" as mode, its default: `},
		{conformance.Storage, "takes any mode", map[string]string{"mode": "slow"}, "fail plugin-schema-accepts",
			"the validator says: mode is none of fast, safe"},
	} {
		got := test(one.connectorType, one.fault, one.settings)
		failed := 0
		for what := range got {
			if strings.HasPrefix(what, "fail ") {
				failed++
			}
		}
		if failed != 1 || !strings.Contains(got[one.want], one.detail) {
			t.Errorf("%s: did not pass: %v, want %s with %q", one.fault, got, one.want, one.detail)
		}
	}
}

// TestWriteOnly keeps out of results and of what is printed what the validator says is a secret, and what a handle stands for.
func TestWriteOnly(t *testing.T) {
	var printed bytes.Buffer
	c := config(conformance.Inventory, "settings: tells a setting")
	c.Validator = []byte(strings.Replace(validator, `"minLength": 1`, `"writeOnly": true`, 1))
	c.Settings = map[string]string{"location": "fis:///x", "needed": "open sesame"}
	c.Stderr = &printed
	got := notPassed(t, c)
	for what, detail := range got {
		if strings.Contains(detail, "sesame") {
			t.Errorf("%s: %s", what, detail)
		}
	}
	if !strings.Contains(got["fail plugin-init"], `"***"`) || !strings.Contains(printed.String(), "needed is ***") ||
		strings.Contains(printed.String(), "sesame") {
		t.Errorf("it says %q and prints %q", got["fail plugin-init"], printed.String())
	}

	printed.Reset()
	c = config(conformance.SecretProvider, "prints the secret")
	c.Stderr = &printed
	notPassed(t, c)
	if text := printed.String(); strings.Contains(text, "s3same-open-it") || !strings.Contains(text, "the secret is ***") {
		t.Errorf("it prints %q", text)
	}
}

// TestNothingToWorkWith skips all that a connector cannot do without its location, or the settings that its validator requires, and
// takes no refusal for a fault.
func TestNothingToWorkWith(t *testing.T) {
	for _, connectorType := range conformance.Types() {
		c := config(connectorType, "refuses Init")
		c.LocationFlags, c.Validator = nil, []byte(validator)
		for _, check := range conformance.Checks(connectorType) {
			if !strings.HasPrefix(check.ID, "plugin-") {
				c.Only = append(c.Only, check.ID)
			}
		}
		results, err := conformance.Run(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Status != conformance.Skip {
				t.Errorf("%s %s: %s %s", connectorType, r.ID, r.Status, r.Detail)
			}
		}
	}
}

// TestSettingsLacked does not start what the validator says cannot work.
func TestSettingsLacked(t *testing.T) {
	c := config(conformance.SecretProvider, "settings: none")
	c.Validator = []byte(validator)
	for what, detail := range notPassed(t, c) {
		if strings.HasPrefix(what, "fail ") {
			t.Errorf("%s: %s", what, detail)
		}
		if what == "skip plugin-init" && detail != "the validator requires location and needed: add --config location=..." {
			t.Errorf("%s: %s", what, detail)
		}
	}
}
