package verify

import (
	"path"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
)

// checkListed reports files that the manifest does not account for, and files that should be there and are not.
func (v *verifier) checkListed() (int, error) {
	files := v.files()
	for _, f := range v.pkg.Failures() {
		v.errorf("package-incomplete", "make the file readable and build the package again",
			"the package was made without %s: %s", strings.TrimPrefix(f.Path, "/"), f.Message)
	}
	if n := v.pkg.Outside(); n > 0 {
		v.warningf("package-unused", "pack the integration's folder alone",
			"%d entries are outside of the package's root, where plakar does not see them", n)
	}
	if v.doc == nil {
		return len(files), nil
	}
	listed := map[string]bool{}
	for _, c := range v.doc.Manifest.Connectors {
		listed[v.fileName(path.Clean(c.Executable))] = true
		listed[path.Clean(c.Validator)] = true
		for _, extra := range c.ExtraFiles {
			listed[path.Clean(extra)] = true
		}
	}
	for _, f := range files {
		if !listed[f.Path] && !manifest.IsExpected(f.Path) {
			v.errorf("package-unlisted", "list it in a connector's extra_files or leave it out",
				"%s is in the package but no part of the manifest names it", f.Path)
		}
	}
	v.checkReadme()
	return len(files), nil
}

// checkReadme reports a missing README.md, which plakar's next validator wants.
func (v *verifier) checkReadme() {
	if v.hasReadme() {
		return
	}
	severity := finding.Warning
	if v.opts.Strict {
		severity = finding.Error
	}
	v.add(severity, "package-readme", "write one: plakar shows it to users",
		"there is no file "+manifest.ReadmeName+" at the package's root")
}

func (v *verifier) hasReadme() bool {
	entry, ok := v.pkg.Entry(manifest.ReadmeName)
	return ok && entry.Mode.IsRegular()
}
