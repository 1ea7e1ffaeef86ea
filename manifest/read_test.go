package manifest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/pkg"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/PlakarKorp/kpkg/finding"
)

func TestRead(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(manifests, "good", "every-key", "manifest.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := Manifest{
		Name:        "ftp",
		DisplayName: "FTP",
		Description: "Back up and restore FTP servers\n",
		Tier:        "community",
		Contact:     "mailto:someone@example.com",
		Homepage:    "https://example.com/ftp",
		License:     "MIT OR Apache-2.0",
		Tags:        []string{"ftp", "backup"},
		APIVersion:  "v1.1.0",
		Connectors: []Connector{{
			Type:          "importer",
			Class:         "service",
			Subclass:      "ftp",
			Validator:     "./importer/schema.json",
			Protocols:     []string{"ftp", "ftps", "ftp+tls"},
			LocationFlags: []string{"stream", "needack", "nomerge"},
			Executable:    "./bin/ftpImporter",
			Args:          []string{"--passive", ""},
			ExtraFiles:    []string{"assets/ca.pem", "bin/../assets/fonts/a.ttf"},
		}},
		Build: &Build{
			Platforms: []string{"linux/amd64", "windows/arm64"},
			Packages:  map[string]string{"./bin/ftpImporter": "./plugin/importer"},
			LDFlags:   "-s -w",
			Tags:      []string{"netgo", "osusergo"},
			Env:       map[string]string{"CGO_ENABLED": "0"},
		},
	}
	if diff := cmp.Diff(want, Read("manifest.yaml", data).Manifest); diff != "" {
		t.Error(diff)
	}
}

// TestReadAsPlakar compares what Read decodes with what plakar decodes, on every manifest of the test data that it takes.
func TestReadAsPlakar(t *testing.T) {
	compared := 0
	for _, pattern := range []string{"good/*", "bad/*"} {
		for name, e := range examples(t, pattern) {
			var theirs pkg.Manifest
			if err := theirs.Parse(bytes.NewReader(e.document.Raw)); err != nil {
				if pattern == "good/*" || !finding.HasErrors(checked(t, e.document, CheckOptions{})) {
					t.Errorf("%s: plakar cannot read it: %v", name, err)
				}
				continue
			}
			if e.document.root == nil {
				continue
			}
			compared++
			if diff := cmp.Diff(theirs, asPlakar(e.document.Manifest), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-plakar +kpkg):\n%s", name, diff)
			}
		}
	}
	if compared < 80 {
		t.Errorf("only %d manifests compared", compared)
	}
}

// asPlakar is the manifest in plakar's type.
func asPlakar(m Manifest) pkg.Manifest {
	theirs := pkg.Manifest{
		Name: m.Name, DisplayName: m.DisplayName, Description: m.Description, Tier: m.Tier, Contact: m.Contact,
		Homepage: m.Homepage, License: m.License, Tags: m.Tags, APIVersion: m.APIVersion,
	}
	for _, c := range m.Connectors {
		theirs.Connectors = append(theirs.Connectors, pkg.ManifestConnector{
			Type: pkg.ConnectorType(c.Type), Class: pkg.ResourceClass(c.Class), SubClass: pkg.ResourceSubClass(c.Subclass),
			Validator: c.Validator, Protocols: c.Protocols, LocationFlags: c.LocationFlags,
			Executable: c.Executable, Args: c.Args, ExtraFiles: c.ExtraFiles,
		})
	}
	return theirs
}

func TestReadBounds(t *testing.T) {
	many := strings.Repeat("- a\n", maxValues)
	tests := map[string]struct{ text, rule string }{
		"too large":        {strings.Repeat("#", MaxSize+1), "yaml-size"},
		"as large as may":  {"#" + strings.Repeat(" ", MaxSize-1), "yaml-empty"},
		"too many values":  {"tags:\n" + many, "yaml-alias"},
		"too deep":         {"tags: " + strings.Repeat("[", 20_000), "yaml-syntax"},
		"deep":             {"tags: " + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000), "kind"},
		"long line":        {strings.Repeat("ü", 100_000) + ": [", "yaml-syntax"},
		"many lines":       {strings.Repeat("a:\n", 100_000) + "b: c: d", "yaml-syntax"},
		"long license":     {"license: " + strings.Repeat("(", 500_000), "license"},
		"long unknown key": {strings.Repeat("x", 1000) + ": y", "key-unknown"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			findings := checked(t, Read("manifest.yaml", []byte(test.text)), CheckOptions{})
			if !slices.ContainsFunc(findings, func(f finding.Finding) bool { return f.Rule == test.rule }) {
				t.Errorf("no finding of rule %s among %v", test.rule, findings)
			}
		})
	}
}

// TestFailingLine looks for the line to blame where the YAML library names another one, or none.
func TestFailingLine(t *testing.T) {
	for text, want := range map[string]int{
		"name: x\n- a\n":                      2,
		"name: x\n foo: y\n":                  2,
		"a: x\nb:\n  c: d\n e: f\n":           4,
		"a:\n- b: c\n  d: e\n   f: g\nh: i\n": 4,
		"a: x\n# comment\n\nb: 'y\nc: z\n":    4,
		"a: x\nb: [c,\n  d\ne: f\n":           2,
		"a: x\nb: {c: d\n":                    2,
		"a: x\nb: c: d\ne: f\n" + "g: h\n":    2,
		"a: x\nb: *unknown\nc: d\n":           2,
		"a: x\nb: \"\\q\"\nc: d\n":            2,
		"a: x\nb:\n\tc: d\n":                  3,
		"a: x\nb: @c\n":                       2,
		"a: x\nb: %c\n":                       2,
		"%YAML 9.9\n---\na: x\n":              1,
		"a: |\n  x\n\n y\nb: c: d\n":          4,
	} {
		findings := checked(t, Read("manifest.yaml", []byte(text)), CheckOptions{})
		if len(findings) != 1 || findings[0].Rule != "yaml-syntax" || findings[0].Line != want {
			t.Errorf("%q: got %v, want one yaml-syntax on line %d", text, findings, want)
		}
	}
}

// TestFaults says where a fault of YAML begins, and what it is, in terms of the file.
func TestFaults(t *testing.T) {
	rest := "\ndisplay_name: T\nconnectors:\n- type: importer\n"
	for text, want := range map[string]string{
		"name: \"x" + rest:                         "1:7: a quote that opens here is not closed",
		"name: 'x" + rest:                          "1:7: a quote that opens here is not closed",
		"name: x # it's\ndescription: \"y" + rest:  "2:14: a quote that opens here is not closed",
		"name: |\n  it's \"\nlist: [a, 'b'" + rest: "3:7: a list that opens here is not closed",
		"name: {a: \"]\"" + rest:                   "1:7: a mapping that opens here is not closed",
		"name: \"x\ndescription: \"y\"\n":          "1:7: a quote that opens here is not closed",
		"name: x\ndescription: a: b\n":             `2:15: a second ": " stands where one value is expected`,
		"name: @x\n":                               `1:7: a value cannot begin with "@"`,
		"- `x`\n":                                  "1:3: a value cannot begin with \"`\"",
		"name: \"a\\q\"\n":                         `1:9: "\q" is no escape in double quotes`,
		"name: \"a\\u12\"\n":                       `1:9: "\u" is no escape in double quotes`,
		"name: x\nconnectors\n- type: y\n":         `2:1: "connectors" has no ":"`,
		"name: 'it's'\n":                           "1:11: something follows the quote that closes the value",
		"%YAML 9.9\n---\na: x\n":                   "1:1: this is no YAML",
	} {
		findings := checked(t, Read("f", []byte(text)), CheckOptions{})
		if got := fmt.Sprint(findings); len(findings) != 1 || !strings.HasPrefix(got, "[f:"+want[:strings.Index(want, ": ")]+": error: "+
			want[strings.Index(want, ": ")+2:]) {
			t.Errorf("%q: %s, not %s", text, got, want)
		}
	}
}

// FuzzRead holds that Read and Check take anything, say something about whatever plakar cannot read, have words for every
// violation of the schema, and point into the file.
func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"good/*/manifest.yaml", "bad/*.yaml"} {
		paths, err := filepath.Glob(filepath.Join(manifests, pattern))
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
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		document := Read("manifest.yaml", data)
		findings := checked(t, document, CheckOptions{})
		lines := bytes.Count(data, []byte("\n")) + 1
		for _, f := range findings {
			if f.Rule == "" || f.Message == "" || f.Line > lines || f.Line < 0 || f.Column < 0 {
				t.Errorf("%q: bad finding %+v", data, f)
			}
		}
		if document.root != nil {
			c := newChecker(document, CheckOptions{})
			if err := c.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, v := range c.violations {
				if !v.claimed {
					t.Errorf("%q: no rule claims %s at %v", data, v.keyword, v.path)
				}
			}
		}
		if finding.HasErrors(findings) {
			return
		}
		if err := plakarReads(data); err != nil {
			t.Errorf("%q: no error found, but plakar cannot read it: %v", data, err)
		}
	})
}

func plakarReads(data []byte) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return new(pkg.Manifest).Parse(bytes.NewReader(data))
}
