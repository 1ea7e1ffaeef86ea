package create

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/git"
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

// checkGit warns where the packages lack the time of a commit that is there.
func (i *Integration) checkGit() []finding.Finding {
	if i.Time != FromNone || git.Installed() || !inRepository(i.Source.Dir) {
		return nil
	}
	return []finding.Finding{{
		Rule: "git-missing", Severity: finding.Warning, File: i.Source.Document.File,
		Message: "git is not in PATH, so that the time of the commit is not known: the packages are not the bytes that others make of it",
		Hint:    "install git, or set SOURCE_DATE_EPOCH to the time of the commit",
	}}
}

// inRepository tells whether a folder, or one that it is in, has a git repository.
func inRepository(dir string) bool {
	dir, err := filepath.Abs(dir)
	for err == nil {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return true
		}
		if filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	return false
}
