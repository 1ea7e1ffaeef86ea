package conformance

import (
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/finding"
)

// TestMeanings holds that every check says what it sends and how a failure hurts, and that both are printed.
func TestMeanings(t *testing.T) {
	known := map[string]bool{}
	for _, connectorType := range Types() {
		for _, check := range Checks(connectorType) {
			known[check.ID] = true
			is := meanings[check.ID]
			if is.sent == "" || is.hurts == "" {
				t.Errorf("%s says that it sends %q, and that a failure hurts by %q", check.ID, is.sent, is.hurts)
			}
			r := Result{ID: check.ID, Connector: connectorType + ":x", Title: check.Title, Status: Fail, Detail: "it came late"}
			(&suite{}).explain(&r)
			printed := Findings("x.ptar", []Result{r})[0]
			if is.never != "" {
				if r.Status != Skip || printed.Severity != finding.Info || !strings.Contains(printed.Message, is.never+": it came late") {
					t.Errorf("%s, which plakar cannot trigger, is %v", check.ID, printed)
				}
				continue
			}
			if printed.Severity != finding.Error || !strings.HasSuffix(printed.Message, "it came late") ||
				!strings.Contains(printed.Hint, is.sent) || !strings.Contains(printed.Hint, is.hurts) {
				t.Errorf("%s is printed as %v", check.ID, printed)
			}
		}
	}
	for id := range meanings {
		if !known[id] {
			t.Errorf("there is no check %s", id)
		}
	}
	for _, id := range itsFaults {
		if !known[id] {
			t.Errorf("there is no check %s", id)
		}
	}
	for _, rule := range Rules() {
		if !strings.Contains(rule.Fix, meanings[rule.ID].hurts) {
			t.Errorf("explain says of %s: %s", rule.ID, rule.Fix)
		}
	}
}

// TestFaultsOfSDK tells an SDK's faults once, whichever connectors have them, and keeps the author's own apart.
func TestFaultsOfSDK(t *testing.T) {
	s := &suite{sdk: sdk{name: "go-kloset-sdk v1.1.0"}}
	var results []Result
	for _, connector := range []string{"importer:x", "importer:y"} {
		for _, id := range []string{"plugin-empty-init", "plugin-minimal-init", "importer-bad-name", "importer-no-xattr", "plugin-ping"} {
			r := Result{ID: id, Connector: connector, Status: Fail, Detail: "EOF"}
			s.explain(&r)
			results = append(results, r)
		}
	}
	found := Findings("x.ptar", results)
	slices.SortStableFunc(found, func(a, b finding.Finding) int { return strings.Compare(a.Message, b.Message) })
	if len(found) != 4 || found[0].Severity != finding.Info || found[1].Severity != finding.Error {
		t.Fatalf("got %v", found)
	}
	for i, parts := range [][]string{
		{"go-kloset-sdk v1.1.0", "plugin-empty-init, plugin-minimal-init"},
		{"go-kloset-sdk v1.1.0", "importer-bad-name (EOF", "importer-no-xattr"},
		{"importer:x: EOF"}, {"importer:y: EOF"},
	} {
		for _, part := range parts {
			if !strings.Contains(found[i].Message, part) {
				t.Errorf("%q, want %q in it", found[i].Message, part)
			}
		}
	}
	old := &suite{sdk: sdk{name: "go-kloset-sdk v1.0.5", old: true}}
	if err := pluginStarts(t.Context(), &subject{suite: old}); err == nil || !strings.Contains(err.Error(), "built on go-kloset-sdk v1.0.5") {
		t.Errorf("of an old SDK: %v", err)
	}
}

// TestOlderProtocol says what a plugin is that answers as those of plakar v1.0 do, whatever it was built with.
func TestOlderProtocol(t *testing.T) {
	r := Result{ID: "importer-complete", Status: Fail, Detail: "Import: unknown method Import for service importer.Importer"}
	if (&suite{}).explain(&r); !strings.Contains(r.Detail, "for plakar v1.0") {
		t.Errorf("got %q", r.Detail)
	}
}
