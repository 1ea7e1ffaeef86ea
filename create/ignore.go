package create

import (
	"fmt"
	"slices"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/internal/suggest"
	"github.com/PlakarKorp/kpkg/manifest"
)

// ignorable are the rules that a source is judged by, which build.ignore may name.
func ignorable() []string {
	var ids []string
	for _, rule := range slices.Concat(manifest.Rules, gobuild.Rules, Rules) {
		ids = append(ids, rule.ID)
	}
	return append(ids, "package-readme")
}

// checkIgnored reports rules that a manifest wants silenced and that do not exist: the finding that they are meant for stays.
func checkIgnored(doc *manifest.Document) []finding.Finding {
	if doc.Manifest.Build == nil {
		return nil
	}
	var findings []finding.Finding
	known := ignorable()
	for i, rule := range doc.Manifest.Build.Ignore {
		if slices.Contains(known, rule) {
			continue
		}
		line, column := doc.Position("build", "ignore", i)
		hint := suggest.DidYouMean(rule, known)
		if hint == "" {
			hint = "findings name their rules in brackets"
		}
		findings = append(findings, finding.Finding{
			Rule: "ignore-unknown", Severity: finding.Warning, File: doc.File, Line: line, Column: column,
			Message: fmt.Sprintf("no check of sources has the rule %q", rule), Hint: hint,
		})
	}
	return findings
}
