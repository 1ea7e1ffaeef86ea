package finding_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/PlakarKorp/kpkg/finding"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var source = []byte("name: ftp\nconnectors:\n- type: \"importr\"\n\texecutable: x\n  protocols: [fs]\n  homepage: https://example.org/#top\nlast")

var all = []finding.Finding{
	{Rule: "tree", Severity: finding.Error, File: "manifest.yaml", Message: "no executable"},
	{Rule: "type-known", Severity: finding.Error, File: "manifest.yaml", Line: 3, Column: 9, Message: `unknown type "importr"`, Hint: `did you mean "importer"?`},
	{Rule: "tab", Severity: finding.Warning, File: "manifest.yaml", Line: 4, Column: 2, Message: "tab"},
	{Rule: "protocol-builtin", Severity: finding.Error, File: "manifest.yaml", Line: 5, Column: 15, Message: "protocol fs is built in"},
	{Rule: "misplaced", Severity: finding.Info, File: "manifest.yaml", Line: 6, Column: 13, Message: "homepage belongs to the top level"},
	{Rule: "line-only", Severity: finding.Info, File: "manifest.yaml", Line: 6, Message: "about a line"},
	{Rule: "end", Severity: finding.Info, File: "manifest.yaml", Line: 7, Column: 5, Message: "at the end"},
	{Rule: "beyond", Severity: finding.Info, File: "manifest.yaml", Line: 99, Column: 1, Message: "beyond the end"},
	{Rule: "hostile", Severity: finding.Error, File: "a\x1b[2Jb", Message: "line\nbreak \xff and \u202e", Hint: "\r"},
	{Rule: "no-file", Severity: finding.Warning, Message: "about nothing in particular"},
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestRenderers(t *testing.T) {
	show := func(file string) []byte {
		if file == "manifest.yaml" {
			return source
		}
		return nil
	}
	for name, text := range map[string]finding.Text{
		"plain.golden":    {},
		"snippets.golden": {Source: show},
		"color.golden":    {Source: show, Color: true},
	} {
		var out bytes.Buffer
		if err := text.Write(&out, all); err != nil {
			t.Fatal(err)
		}
		golden(t, name, out.Bytes())
	}
	var out bytes.Buffer
	if err := finding.WriteJSON(&out, finding.NewReport(all)); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json.golden", out.Bytes())

	var back finding.Report
	if err := json.Unmarshal(out.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if back.Findings[1] != all[1] {
		t.Errorf("a finding comes back from JSON as %+v", back.Findings[1])
	}
}

func TestSort(t *testing.T) {
	want := []finding.Finding{
		{File: "a", Message: "file"},
		{File: "a", Line: 1, Column: 2, Severity: finding.Error, Rule: "y"},
		{File: "a", Line: 1, Column: 2, Severity: finding.Warning, Rule: "x", Message: "1"},
		{File: "a", Line: 1, Column: 2, Severity: finding.Warning, Rule: "x", Message: "2"},
		{File: "a", Line: 1, Column: 10},
		{File: "a", Line: 10},
		{File: "b"},
	}
	got := []finding.Finding{want[6], want[3], want[5], want[1], want[4], want[2], want[0]}
	finding.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTally(t *testing.T) {
	for want, findings := range map[string][]finding.Finding{
		"no findings":                nil,
		"1 error":                    {{Severity: finding.Error}},
		"2 warnings":                 {{Severity: finding.Warning}, {Severity: finding.Warning}},
		"1 error, 1 warning, 2 info": {{Severity: finding.Warning}, {Severity: finding.Info}, {Severity: finding.Error}, {Severity: finding.Info}},
	} {
		if got := finding.Tally(findings); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSeverityText(t *testing.T) {
	for _, s := range []finding.Severity{finding.Info, finding.Warning, finding.Error} {
		text, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back finding.Severity
		if err := back.UnmarshalText(text); err != nil || back != s {
			t.Errorf("%s comes back as %v, %v", s, back, err)
		}
	}
	var s finding.Severity
	if err := s.UnmarshalText([]byte("fatal")); err == nil {
		t.Error("an unknown severity is accepted")
	}
}
