package finding_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
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
	report := finding.Report{Command: "validate"}
	report.Add(all...)
	report.Lists = []finding.List{finding.NewList("numbers", []int{1, 2}), finding.NewList[string]("nothing", nil)}
	var out bytes.Buffer
	if err := finding.Write(&out, "json", &report); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json.golden", out.Bytes())

	var back struct {
		Version, Errors, Warnings int
		Command                   string
		Findings                  []finding.Finding
		Numbers                   []int
		Nothing                   []string
	}
	if err := json.Unmarshal(out.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if back.Findings[1] != all[1] || back.Version != finding.JSONVersion || back.Command != "validate" || len(back.Numbers) != 2 {
		t.Errorf("the report comes back from JSON as %+v", back)
	}
	if back.Errors != report.Count(finding.Error) || back.Nothing == nil {
		t.Errorf("%d errors and a list of nothing %v", back.Errors, back.Nothing)
	}
}

// TestFormats holds that all formats are written, and that an unknown one is an error.
func TestFormats(t *testing.T) {
	if diff := cmp.Diff([]string{"text", "github", "json", "junit", "sarif"}, finding.Formats()); diff != "" {
		t.Error(diff)
	}
	report := finding.Report{Command: "verify"}
	report.Add(all...)
	for _, format := range finding.Formats() {
		var out bytes.Buffer
		if err := finding.Write(&out, format, &report); err != nil || out.Len() == 0 {
			t.Errorf("%s: %d bytes, %v", format, out.Len(), err)
		}
		if err := finding.Write(full{}, format, &report); err == nil {
			t.Errorf("%s: writing to a full disk is no error", format)
		}
	}
	if err := finding.Write(io.Discard, "yaml", &report); err == nil {
		t.Error("an unknown format is written")
	}
}

// full takes nothing.
type full struct{}

var errNoSpace = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errNoSpace }

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

// TestUnknownSeverity holds that a number which is no severity does not stop what is written.
func TestUnknownSeverity(t *testing.T) {
	for _, s := range []finding.Severity{-1, finding.Error + 1} {
		if got := s.String(); got == "" || got == finding.Error.String() || got == finding.Info.String() {
			t.Errorf("severity %d is %q", int(s), got)
		}
	}
}

// TestSourceAfterEmptyLine shows the line of a finding behind lines without a letter.
func TestSourceAfterEmptyLine(t *testing.T) {
	report := &finding.Report{}
	report.Text.Source = func(string) []byte { return []byte("\n\nname: x\n\nkind: y\n") }
	report.Add(finding.Finding{Rule: "r", Severity: finding.Warning, File: "f", Line: 5, Column: 1, Message: "odd"})
	var out strings.Builder
	if err := finding.Write(&out, "text", report); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "kind: y") {
		t.Errorf("it shows:\n%s", out.String())
	}
}
