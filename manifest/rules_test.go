package manifest

import (
	"context"
	"slices"
	"testing"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/finding/findingtest"
)

// TestRules holds that a bad manifest shows each rule, and that docs/checks.md explains them.
func TestRules(t *testing.T) {
	var findings []finding.Finding
	for _, e := range examples(t, "bad/*") {
		findings = append(findings, checked(t, e.document, e.options)...)
		e.options.Strict = true
		findings = append(findings, checked(t, e.document, e.options)...)
	}
	versioned := Read("manifest.yaml", []byte("name: x\nversion: 1.0.0\n"))
	_, mismatch, err := ResolveVersion(context.Background(), t.TempDir(), "v2.0.0", versioned)
	if err != nil {
		t.Fatal(err)
	}
	findings = append(findings, mismatch...)
	findings = append(findings, checked(t, Read("manifest.yaml", make([]byte, MaxSize+1)), CheckOptions{})...)
	windows := Read("manifest.yaml", []byte("name: x\nbuild: {platforms: [windows/amd64]}\n"))
	findings = append(findings, windows.NameFindings([]string{"README.md", "readme.md", "aux.txt"})...)
	findingtest.Raised(t, Rules, findings)
	findingtest.Documented(t, Rules, "../docs/checks.md", *update)
	for _, check := range checks {
		if !slices.ContainsFunc(Rules, func(r finding.Rule) bool { return r.ID == check.rule }) {
			t.Errorf("the check %s has no rule", check.rule)
		}
	}
}
