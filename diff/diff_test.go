package diff

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/PlakarKorp/kpkg/executable"
)

// base is the version before.
const base = `name: a
display_name: A
description: a
connectors:
  - type: importer
    protocols: [a, b]
    class: service
    executable: imp
    location_flags: [stream]
    validator: ./schema.json
  - type: exporter
    protocols: [a]
    executable: exp
`

const baseSchema = `{"type": "object", "required": ["location"], "properties": {
	"location": {"type": "string"},
	"port": {"type": "integer", "default": 21},
	"level": {"type": ["string", "integer"]},
	"mode": {"type": "string", "enum": ["x", "y"]},
	"free": {}
}}`

func side(t *testing.T, manifest, schema string, platforms ...string) Side {
	t.Helper()
	tree := fstest.MapFS{"manifest.yaml": {Data: []byte(manifest)}}
	if schema != "" {
		tree["schema.json"] = &fstest.MapFile{Data: []byte(schema)}
	}
	var all []executable.Platform
	for _, text := range platforms {
		p, err := executable.ParsePlatform(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	s, err := Read(FromFS(tree), all)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCompare(t *testing.T) {
	for name, test := range map[string]struct {
		manifest  func(string) string
		schema    func(string) string
		platforms []string
		want      string
	}{
		"nothing":                  {nil, nil, nil, ""},
		"schema gone, storage new": {swap("    validator: ./schema.json\n", "", "    executable: exp\n", "    executable: exp\n  - type: storage\n    protocols: [s]\n    executable: st\n"), nil, nil, "minor connector-added storage:s"},
		"executable renamed":       {swap("executable: imp", "executable: other"), nil, nil, ""},
		"connector gone":           {swap("  - type: exporter\n    protocols: [a]\n    executable: exp\n", ""), nil, nil, "major connector-removed exporter:a"},
		"protocol gone":            {swap("[a, b]", "[a]"), nil, nil, "major protocol-removed importer:b"},
		"protocol added":           {swap("[a, b]", "[a, b, c]"), nil, nil, "minor connector-added importer:c"},
		"flag gone":                {swap("[stream]", "[]"), nil, nil, "major flag-removed importer:a, major flag-removed importer:b"},
		"flag added":               {swap("[stream]", "[stream, needack]"), nil, nil, "major flag-added importer:a, major flag-added importer:b"},
		"class":                    {swap("class: service", "class: network"), nil, nil, "minor class-changed importer:a, minor class-changed importer:b"},
		"platform gone":            {nil, nil, []string{"linux/amd64"}, "major platform-removed linux/arm64"},
		"platform added":           {nil, nil, []string{"linux/amd64", "linux/arm64", "darwin/arm64"}, "minor platform-added darwin/arm64"},
		"option gone":              {nil, swap(`"free": {}`, `"other": {}`), nil, "major option-removed free, minor option-added other"},
		"option required":          {nil, swap(`["location"]`, `["location", "port"]`), nil, "major option-required port"},
		"new required":             {nil, swap(`"free": {}`, `"free": {}, "new": {"type": "string"}`, `["location"]`, `["location", "new"]`), nil, "major option-required new"},
		"only required":            {nil, swap(`["location"]`, `["location", "new"]`), nil, "major option-required new"},
		"no longer required":       {nil, swap(`["location"]`, `[]`), nil, "minor option-optional location"},
		"other type":               {nil, swap(`"location": {"type": "string"}`, `"location": {"type": "integer"}`), nil, "major option-type location"},
		"narrower type":            {nil, swap(`["string", "integer"]`, `"string"`), nil, "major option-type level"},
		"wider type":               {nil, swap(`"port": {"type": "integer"`, `"port": {"type": ["integer", "string"]`), nil, "minor option-type-wider port"},
		"integer to number":        {nil, swap(`"port": {"type": "integer"`, `"port": {"type": "number"`), nil, "minor option-type-wider port"},
		"number to integer":        {nil, swap(`"location": {"type": "string"}`, `"location": {"type": "number"}`), nil, "major option-type location"},
		"any to a type":            {nil, swap(`"free": {}`, `"free": {"type": "string"}`), nil, "major option-type free"},
		"a type to any":            {nil, swap(`"location": {"type": "string"}`, `"location": {}`), nil, "minor option-type-wider location"},
		"value gone":               {nil, swap(`["x", "y"]`, `["x"]`), nil, "major option-values mode"},
		"values from any":          {nil, swap(`"location": {"type": "string"}`, `"location": {"type": "string", "enum": ["q"]}`), nil, "major option-values location"},
		"value added":              {nil, swap(`["x", "y"]`, `["x", "y", "z"]`), nil, "minor option-values-wider mode"},
		"values to any":            {nil, swap(`, "enum": ["x", "y"]`, ``), nil, "minor option-values-wider mode"},
		"default":                  {nil, swap(`"default": 21`, `"default": 22`), nil, "minor option-default port"},
		"schema gone":              {swap("    validator: ./schema.json\n", ""), nil, nil, ""},
		"schema that is none":      {nil, func(string) string { return "[" }, nil, ""},
		"description and tags":     {swap("description: a", "description: b\ntags: [x]"), nil, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			manifest, schema, platforms := base, baseSchema, test.platforms
			if test.manifest != nil {
				manifest = test.manifest(manifest)
			}
			if test.schema != nil {
				schema = test.schema(schema)
			}
			if platforms == nil {
				platforms = []string{"linux/amd64", "linux/arm64"}
			}
			changes := Compare(side(t, base, baseSchema, "linux/amd64", "linux/arm64"), side(t, manifest, schema, platforms...))
			var got []string
			for _, c := range changes {
				subject := c.Subject
				if connector, option, isOption := strings.Cut(subject, " "); isOption {
					if connector == "importer:b" { // as importer:a
						continue
					}
					subject = option
				}
				got = append(got, fmt.Sprintf("%s %s %s", c.Step, c.Kind, subject))
				if c.Message == "" {
					t.Errorf("%v says nothing", c)
				}
			}
			if text := strings.Join(got, ", "); text != test.want {
				t.Errorf("%s\nwant %s", text, test.want)
			}
		})
	}
}

// swap replaces pairs of texts, each of which must be there.
func swap(pairs ...string) func(string) string {
	return func(s string) string {
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(s, pairs[i]) {
				panic("there is no " + pairs[i])
			}
			s = strings.Replace(s, pairs[i], pairs[i+1], 1)
		}
		return s
	}
}

func TestCheckStep(t *testing.T) {
	for _, test := range []struct {
		from, to string
		asked    Step
		want     string // of the error
	}{
		{"v1.2.3", "v1.2.4", Patch, ""},
		{"v1.2.3", "v1.2.4", Minor, "v1.3.0 or later"},
		{"v1.2.3", "v1.3.0", Minor, ""},
		{"v1.2.3", "v1.3.0", Major, "v2.0.0 or later"},
		{"v1.2.3", "v2.0.0", Major, ""},
		{"v1.2.3", "v2.0.0-rc.1", Major, ""},
		{"v2.0.0-rc.1", "v2.0.0", Patch, ""},
		{"v1.2.3", "v1.2.3", Patch, "does not come after"},
		{"v1.2.3", "v1.2.2", Patch, "does not come after"},
		{"v1.2.3", "v1.2.3-rc.1", Patch, "does not come after"},
		{"v0.2.3", "v0.2.4", Minor, ""},
		{"v0.2.3", "v0.2.4", Major, "v0.3.0 or later"},
		{"v0.2.3", "v0.3.0", Major, ""},
		{"v0.2.3", "v1.0.0", Major, ""},
	} {
		err := CheckStep(test.from, test.to, test.asked)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s to %s, %s: %v; want %q", test.from, test.to, test.asked, err, test.want)
		}
	}
}

func TestReadNone(t *testing.T) {
	for name, tree := range map[string]fs.FS{
		"no manifest":   fstest.MapFS{},
		"no connectors": fstest.MapFS{"manifest.yaml": {Data: []byte("name: a\n")}},
	} {
		if _, err := Read(FromFS(tree), nil); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
