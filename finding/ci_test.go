package finding_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/PlakarKorp/kpkg/finding"
)

// ciReport is of every kind of finding, with lines that have characters of several bytes before the column.
func ciReport() *finding.Report {
	report := &finding.Report{Command: "validate", Rules: []finding.Rule{
		{ID: "type-known", Severity: finding.Error, Title: "The type is not known.", Fix: "Write one that is."},
		{ID: "tab", Severity: finding.Warning, Title: "A tab.", Fix: "Write spaces."},
		{ID: "not-raised", Severity: finding.Error, Title: "Nothing is wrong.", Fix: "Do nothing."},
	}}
	report.Locate = func(file string) string { return "integrations/" + file }
	report.Text.Source = func(file string) []byte {
		if file == "accents.yaml" {
			return []byte("description: héé, type: x\n")
		}
		return source
	}
	report.Add(all...)
	report.Add(
		finding.Finding{Rule: "type-known", Severity: finding.Error, File: "accents.yaml", Line: 1, Column: 20, Message: "type"},
		finding.Finding{Rule: "tab", Severity: finding.Warning, File: "a,b:c%0A d.yaml", Line: 2, Message: "100%::error::x"},
	)
	return report
}

func TestGitHub(t *testing.T) {
	var out bytes.Buffer
	if err := finding.Write(&out, "github", ciReport()); err != nil {
		t.Fatal(err)
	}
	golden(t, "github.golden", out.Bytes())
	for line := range strings.Lines(out.String()) {
		if strings.Count(line, "::") != 2 && !strings.HasPrefix(line, "kpkg validate: ") && !strings.Contains(line, "100%25::error::x") {
			t.Errorf("is not one command: %s", line)
		}
	}
}

// TestSARIF holds the log to the standard's own schema, whatever is in it.
func TestSARIF(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	file, err := os.Open("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := compiler.AddResource("sarif.json", file); err != nil {
		t.Fatal(err)
	}
	compiler.AssertFormat = true
	schema, err := compiler.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	failed := &finding.Report{Command: "verify"}
	failed.Fail("/absolute/päth with space", os.ErrNotExist)
	for name, report := range map[string]*finding.Report{"all": ciReport(), "nothing": {Command: "create"}, "failed": failed} {
		var out bytes.Buffer
		if err := finding.Write(&out, "sarif", report); err != nil {
			t.Fatal(err)
		}
		var log any
		if err := json.Unmarshal(out.Bytes(), &log); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(log); err != nil {
			t.Errorf("%s: %#v\n%s", name, err, out.Bytes())
		}
		golden(t, "sarif-"+name+".golden", out.Bytes())
	}
}
