package manifest

import (
	"slices"

	"github.com/PlakarKorp/kpkg/finding"
)

// Rules are the ids of all rules that this package judges by; docs/checks.md explains them.
func Rules() []string {
	rules := []string{ // of reading, of naming the package, and of what NameFindings finds
		"yaml-size", "yaml-encoding", "yaml-bom", "yaml-empty", "yaml-syntax", "yaml-documents", "yaml-duplicate", "yaml-key",
		"yaml-alias", "yaml-tag", "version-mismatch", "package-case", "package-path",
	}
	for _, check := range checks {
		rules = append(rules, check.rule)
	}
	for _, check := range validatorChecks {
		rules = append(rules, check.rule)
	}
	return rules
}

// Silence leaves out the findings that the manifest's build.ignore names by their rule, and counts them. Errors stay: what
// breaks a package does so whether its author wants to hear of it or not.
func (d *Document) Silence(findings []finding.Finding) (kept []finding.Finding, silenced int) {
	if d.Manifest.Build == nil {
		return findings, 0
	}
	for _, f := range findings {
		if f.Severity != finding.Error && slices.Contains(d.Manifest.Build.Ignore, f.Rule) {
			silenced++
		} else {
			kept = append(kept, f)
		}
	}
	return kept, silenced
}
