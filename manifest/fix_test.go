package manifest

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const fixHead = "name: ftp\ndisplay_name: FTP\ndescription: d\n"

// TestFix holds each kind of repair, and what is left alone.
func TestFix(t *testing.T) {
	for _, test := range []struct {
		name, in, want string
		rules          []string
	}{
		{"nothing to do", fixHead + "connectors: []\n", fixHead + "connectors: []\n", nil},
		{
			"bytes", "\ufeffname: ftp\r\n# é\r\ndescription: |\r\n  a\r\n  b\r\n", "name: ftp\n# é\ndescription: |\n  a\n  b\n",
			[]string{"yaml-bom", ""},
		},
		{"utf-16", "\xff\xfen\x00a\x00m\x00e\x00:\x00 \x00f\x00t\x00p\x00\n\x00", "name: ftp\n", []string{"yaml-encoding"}},
		{
			"out of a connector", `# the head
name: ftp # the name

# about the connectors
connectors:
  # the first
  - type: importer
    # about the page
    homepage: https://example.org/x # here
    license: ISC

    executable: ftpImporter
    protocols: [ftp]
`, `# the head
name: ftp # the name
# about the page
homepage: https://example.org/x # here
license: ISC

# about the connectors
connectors:
  # the first
  - type: importer

    executable: ftpImporter
    protocols: [ftp]
`, []string{"key-misplaced", "key-misplaced"},
		},
		{
			"the first of an item, and the same in two", `name: ftp
connectors:
- license: ISC
  type: importer
- type: exporter
  license: ISC
`, `name: ftp
license: ISC
connectors:
- type: importer
- type: exporter
`, []string{"key-misplaced", "key-misplaced"},
		},
		{
			"two that differ: which is meant is the author's to say", `license: ISC
connectors:
- type: importer
  license: MIT
`, `license: ISC
connectors:
- type: importer
  license: MIT
`, nil,
		},
		{
			"a list in the column of its key, at the end", `name: ftp
connectors:
- type: importer
  tags:
  - ftp
  # both
  - backup
# the end`, `name: ftp
tags:
- ftp
# both
- backup
connectors:
- type: importer
# the end`, []string{"key-misplaced"},
		},
		{
			"text of several lines", `name: ftp
connectors:
  - type: importer
    description: |
      one
        two

      three
    protocols: [ftp]
`, `name: ftp
description: |
  one
    two

  three
connectors:
  - type: importer
    protocols: [ftp]
`, []string{"key-misplaced"},
		},
		{
			"into the one connector, and into build", `name: ftp
executable: ftpImporter
ldflags: -s
connectors:
- type: importer
  protocols: [ftp]
`, `name: ftp
connectors:
- type: importer
  protocols: [ftp]
  executable: ftpImporter
build:
  ldflags: -s
`, []string{"key-misplaced", "key-misplaced"},
		},
		{
			"into one of two connectors: the author knows which", "args: [x]\nconnectors:\n- type: importer\n- type: exporter\n",
			"args: [x]\nconnectors:\n- type: importer\n- type: exporter\n", nil,
		},
		{
			"brackets", "name: ftp\nconnectors:\n- {license: ISC, type: importer, homepage: \"https://example.org/a,b\"}\n",
			"name: ftp\nhomepage: \"https://example.org/a,b\"\nlicense: ISC\nconnectors:\n- {type: importer}\n", []string{"key-misplaced", "key-misplaced"},
		},
		{
			"spelling", "displayName: FTP\nconnectors:\n- type: importer\n  flags: [localfs]\n  \"extra-files\": [a]\n",
			"display_name: FTP\nconnectors:\n- type: importer\n  location_flags: [localfs]\n  \"extra_files\": [a]\n",
			[]string{"key-unknown", "key-unknown", "key-unknown"},
		},
		{
			"both spellings", "connectors:\n- type: importer\n  flags: [localfs]\n  location_flags: []\n",
			"connectors:\n- type: importer\n  flags: [localfs]\n  location_flags: []\n", nil,
		},
		{
			"lists", "tags: ftp, backup # words\nconnectors:\n- type: importer\n  protocols: ftp\n  flags: localfs\n",
			"tags: [ftp, backup] # words\nconnectors:\n- type: importer\n  protocols: [ftp]\n  location_flags: [localfs]\n",
			[]string{"key-unknown", "kind", "kind"},
		},
		{
			"the version", "name: ftp\nversion: 1.10.0 # of May\nconnectors: []\n", "name: ftp\n# version: 1.10.0 # of May\nconnectors: []\n",
			[]string{"version-key"},
		},
		{
			"the version of a connector", "name: ftp\nconnectors:\n- version: v1.0.0\n  type: importer\n",
			"name: ftp\n# version: v1.0.0\nconnectors:\n- type: importer\n", []string{"key-misplaced", "version-key"},
		},
		{"what is no YAML", "name: [\n", "name: [\n", nil},
		{"a shared mapping", "x: &a {type: importer, license: ISC}\nconnectors: [*a, *a]\n", "x: &a {type: importer, license: ISC}\nconnectors: [*a, *a]\n", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, repairs, err := Fix(t.Context(), []byte(test.in))
			if err != nil {
				t.Fatal(err)
			}
			var rules []string
			for _, r := range repairs {
				rules = append(rules, r.Rule)
			}
			slices.Sort(rules)
			slices.Sort(test.rules)
			if string(got) != test.want || !slices.Equal(rules, test.rules) {
				t.Errorf("repaired %q:\n%s\nwant %q:\n%s", rules, got, test.rules, test.want)
			}
			checkFixed(t, []byte(test.in), got)
		})
	}
}

// checkFixed holds what Fix has made of a text to its promises: it is no worse, nothing is lost, and a second run has nothing to
// do.
func checkFixed(t *testing.T, in, out []byte) {
	t.Helper()
	again, repairs, err := Fix(t.Context(), out)
	if err != nil || len(repairs) > 0 && len(repairs) < maxRepairs && !bytes.Equal(out, in) && len(in) < 2000 {
		t.Errorf("a second run changes it: %v, %v\n%s", repairs, err, again)
	}
	before, after := Read(FileName, in), Read(FileName, out)
	if bytes.Equal(in, out) || before.root == nil {
		return
	}
	was, err := before.faults(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	is, err := after.faults(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if is.worseThan(was) {
		t.Errorf("from %v to %v errors and warnings:\n%s\nwas\n%s", was, is, out, in)
	}
	// Every word and every comment is still there.
	left := string(out)
	for _, word := range words(before.root.plain(false)) {
		if !strings.Contains(left, word) && before.lines != nil && strings.Contains(string(in), word) {
			t.Errorf("%q is lost:\n%s\nwas\n%s", word, out, in)
		}
	}
	if n, m := bytes.Count(in, []byte("#")), bytes.Count(out, []byte("#")); m < n && !strings.Contains(string(in), "\"") {
		t.Errorf("a comment is lost:\n%s\nwas\n%s", out, in)
	}
}

// words are the scalars of a plain value. Lists may be of the words of what was a text.
func words(value any) []string {
	var all []string
	switch value := value.(type) {
	case map[string]any:
		for _, v := range value {
			all = append(all, words(v)...)
		}
	case []any:
		for _, v := range value {
			all = append(all, words(v)...)
		}
	case string:
		all = strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" ,\n\t", r) })
	}
	return all
}

// TestFixManifests goes over all manifests of the tests: none gets worse, and what was fine stays as it is.
func TestFixManifests(t *testing.T) {
	bad, _ := filepath.Glob("../testdata/manifests/bad/*.yaml")
	good, _ := filepath.Glob("../testdata/manifests/good/*/manifest.yaml")
	if len(bad) < 50 || len(good) < 5 {
		t.Fatalf("%d and %d manifests", len(bad), len(good))
	}
	repaired := 0
	for _, name := range append(bad, good...) {
		in, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out, repairs, err := Fix(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if len(repairs) > 0 {
			repaired++
		}
		if slices.Contains(good, name) && !bytes.Equal(bytes.ReplaceAll(in, []byte("\r\n"), []byte("\n")), out) &&
			!strings.Contains(string(in), "version:") {
			t.Errorf("%s is good and was changed: %v", name, repairs)
		}
		checkFixed(t, in, out)
	}
	if repaired < 10 {
		t.Errorf("only %d were repaired", repaired)
	}
}

// FuzzFix looks for manifests that a repair makes worse, or takes something from.
func FuzzFix(f *testing.F) {
	names, _ := filepath.Glob("../testdata/manifests/bad/*.yaml")
	for _, name := range names {
		if data, err := os.ReadFile(name); err == nil && len(data) < 2000 {
			f.Add(data)
		}
	}
	f.Add([]byte("name: ftp\nversion: 1.0.0\nconnectors:\n  # c\n  - license: ISC\n    type: importer\n    tags:\n    - a\n    flags: localfs\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 4000 {
			return
		}
		out, repairs, err := Fix(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if (len(repairs) == 0) != bytes.Equal(in, out) {
			t.Errorf("%v repairs of\n%q\nare\n%q", repairs, in, out)
		}
		checkFixed(t, in, out)
		if before, after := Read(FileName, in), Read(FileName, out); before.root != nil && after.root != nil && len(repairs) == 0 &&
			!reflect.DeepEqual(before.root.plain(false), after.root.plain(false)) {
			t.Error("it says something else")
		}
	})
}
