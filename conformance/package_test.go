package conformance

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/manifest"
)

// TestSelection holds which tests a selection makes of a package.
func TestSelection(t *testing.T) {
	integration := &host.Integration{Dir: "dir", Package: "x.ptar", Manifest: manifest.Manifest{Connectors: []manifest.Connector{
		{Type: Importer, Protocols: []string{"ftp", "ftps"}, Executable: "in", Args: []string{"import"}},
		{Type: Exporter, Protocols: []string{"ftp"}, Executable: "out"},
		{Type: "inventory", Protocols: []string{"ftp"}, Executable: "other"},
	}}}
	setting := func(value string) map[string]string { return map[string]string{"location": value, "own": value} }
	for name, test := range map[string]struct {
		selection Selection
		want      string // connector, location and own, of each test
		refused   string
	}{
		"everything": {Selection{Settings: map[string]string{"location": "all"}},
			"importer:ftp all , exporter:ftp all , inventory:ftp all ", ""},
		"one": {Selection{
			Settings:   map[string]string{"location": "all"},
			Connectors: []Selected{{Type: Importer, Protocol: "ftps", Settings: setting("its")}},
		}, "importer:ftps its its", ""},
		"both": {Selection{
			Settings: map[string]string{"location": "all"},
			Connectors: []Selected{
				{Type: Exporter, Protocol: "ftp", Settings: setting("its")}, {Type: Importer, Protocol: "ftp"},
			},
		}, "importer:ftp all , exporter:ftp its its", ""},
		"another": {Selection{
			Connectors: []Selected{{Type: Storage, Protocol: "ftp"}},
		}, "", "it has importer:ftp, importer:ftps, exporter:ftp, inventory:ftp"},
		"sample": {Selection{Sample: "mail"}, "importer:ftp  , exporter:ftp  , inventory:ftp  ", ""},
		"sample without an exporter": {Selection{
			Sample: "mail", Connectors: []Selected{{Type: Importer, Protocol: "ftp"}},
		}, "", "--sample"},
	} {
		configs, err := test.selection.configs(integration)
		if test.refused != "" {
			if !errors.Is(err, ErrSelection) || !strings.Contains(err.Error(), test.refused) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var got []string
		for _, c := range configs {
			got = append(got, c.Connector()+" "+c.Settings["location"]+" "+c.Settings["own"])
			if c.LocationFlags == nil {
				t.Errorf("%s: the flags of %s are not known", name, c.Connector())
			}
			if exporter := c.Type == Exporter; exporter != (filepath.Base(c.ReadBack.Executable) == "in") {
				t.Errorf("%s: %s is read back by %q", name, c.Connector(), c.ReadBack.Executable)
			}
		}
		if err != nil || strings.Join(got, ", ") != test.want {
			t.Errorf("%s: %q, %v, want %q", name, strings.Join(got, ", "), err, test.want)
		}
	}
	integration.Manifest.Connectors = integration.Manifest.Connectors[3:]
	if _, err := (Selection{}).configs(integration); err == nil || errors.Is(err, ErrSelection) {
		t.Errorf("a package with nothing to test: %v", err)
	}
}

// TestReport holds what a report says of results, and of what could not be tested.
func TestReport(t *testing.T) {
	results := []Result{
		{ID: "plugin-starts", Connector: "importer:ftp", Title: "it starts", Status: Pass},
		{ID: "plugin-ping", Connector: "importer:ftp", Title: "Ping succeeds", Status: Fail, Detail: strings.Repeat("no ", 1<<20)},
		{ID: "plugin-flags", Connector: "importer:ftp", Title: "flags", Status: Skip, Detail: "none"},
	}
	report := Report(Tested{"x.ptar", &PackageResult{Package: "x.ptar", Results: results}, nil})
	if len(report.Lists) != 2 || len(report.Lists[0].Items) != 3 || report.Count(finding.Error) != 1 || len(report.Cases) != 3 {
		t.Errorf("%+v", report)
	}
	if failed := report.Lists[0].Items[1].(packageCheck); len(failed.Detail) > 3000 {
		t.Errorf("the detail of a check has %d bytes", len(failed.Detail))
	}
	for _, f := range report.Findings {
		if _, err := finding.Lookup(Rules(), f.Rule); err != nil {
			t.Error(err)
		}
	}
	_, err := RunPackage(context.Background(), filepath.Join(t.TempDir(), "nowhere.ptar"), Selection{})
	report = Report(Tested{"nowhere.ptar", nil, err})
	if report.Count(finding.Error) != 1 || report.Findings[0].Rule != "not-done" || len(report.Lists[0].Items) != 0 {
		t.Errorf("%+v", report)
	}
	report = Report(Tested{"x.ptar", nil, &host.RejectedError{
		Path: "x.ptar", Findings: []finding.Finding{{Rule: "name", Severity: finding.Error}},
	}})
	if report.Count(finding.Error) != 1 || report.Findings[0].Rule != "name" {
		t.Errorf("%+v", report)
	}
}

// TestRuleTable holds that every check is a rule that says what is demanded.
func TestRuleTable(t *testing.T) {
	rules := Rules()
	for _, connectorType := range Types() {
		for _, check := range Checks(connectorType) {
			n := 0
			for _, rule := range rules {
				if rule.ID == check.ID && strings.Contains(rule.Title, check.Title) && rule.Fix != "" {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%s is %d rules", check.ID, n)
			}
		}
	}
	ids := map[string]bool{}
	if slices.ContainsFunc(rules, func(r finding.Rule) bool { before := ids[r.ID]; ids[r.ID] = true; return before }) {
		t.Error("a rule is there twice")
	}
}
