package finding_test

import (
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/finding/findingtest"
)

func TestRules(t *testing.T) {
	findingtest.Documented(t, finding.Rules, "../docs/json.md", *update)
	findings := many("warning", finding.Warning, 1, 1)
	for _, rule := range strings.Fields("a b c d e f g h i j k l m n o p q r s t u v w x y z") {
		findings = append(findings, many(rule, finding.Error, 30, 1900)...)
	}
	report := finding.Report{}
	report.Fail("f", errNoSpace)
	if !report.Failed || report.Count(finding.Error) != 1 {
		t.Errorf("a failure makes %+v", report)
	}
	findings = append(finding.Bound(findings), report.Findings...)
	var own []finding.Finding
	for _, f := range findings {
		if strings.Contains(f.Rule, "-") {
			own = append(own, f)
		}
	}
	findingtest.Raised(t, finding.Rules, own)
}

func TestLookup(t *testing.T) {
	rules := []finding.Rule{{ID: "protocol-builtin"}, {ID: "protocol-form"}}
	if rule, err := finding.Lookup(rules, "protocol-form"); err != nil || rule.ID != "protocol-form" {
		t.Errorf("%+v, %v", rule, err)
	}
	for id, want := range map[string]string{
		"protocol-fomr":    `did you mean "protocol-form"`,
		"Protocol-Builtin": `did you mean "protocol-builtin"`,
		"colour":           "kpkg explain lists them",
	} {
		if _, err := finding.Lookup(rules, id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", id, err)
		}
	}
}
