package manifest

import (
	"slices"

	"github.com/PlakarKorp/kpkg/finding"
)

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
