package create

import (
	"fmt"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
)

// checkEnvironment tells of what is set where this runs and has no part in the build, so that the packages are the same
// wherever it does.
func (i *Integration) checkEnvironment() []finding.Finding {
	const rule = "build-environment"
	var findings []finding.Finding
	if settings := i.plan.LeftOut(); len(settings) > 0 {
		names := make([]string, len(settings))
		for n, s := range settings {
			names[n] = s.String()
		}
		findings = append(findings, finding.Finding{
			Rule: rule, Severity: finding.Warning, File: i.Source.Document.File,
			Message: fmt.Sprintf("set here, and left out of the build: %s", strings.Join(names, ", ")),
			Hint:    "what the packages need belongs under build in the manifest, where it is the same for everyone",
		})
	}
	if file := i.plan.Workspace(); file != "" {
		findings = append(findings, finding.Finding{
			Rule: rule, Severity: finding.Info, File: i.Source.Document.File,
			Message: fmt.Sprintf("left out of the build: the workspace of %s", file),
			Hint:    "packages are built from go.mod alone, unless the manifest has build.env: {GOWORK: auto}",
		})
	}
	return findings
}
