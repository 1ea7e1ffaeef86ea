package create

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
)

// shownFiles are the files in a tree that clients show and that are packed without being named by the manifest. The findings
// tell of those that are left out, where the manifest does not name them; dir is what they call the tree.
func shownFiles(tree *os.Root, dir string, named map[string]bool) (names []string, findings []finding.Finding) {
	omit := func(name, hint, format string, args ...any) {
		if named[name] {
			return
		}
		findings = append(findings, finding.Finding{
			Rule: "file-omitted", Severity: finding.Warning, File: filepath.Join(dir, name),
			Message: name + " is left out of the package: " + fmt.Sprintf(format, args...), Hint: hint,
		})
	}
	for _, shown := range manifest.ShownFiles() {
		info, err := tree.Lstat(shown.Name)
		switch {
		case err != nil:
			if other := spelledOtherwise(tree, shown.Name); other != "" {
				omit(other, "rename it to "+shown.Name, "clients look for %s", shown.Name)
			}
		case !info.Mode().IsRegular():
			omit(shown.Name, "put the file itself there", "it is not a regular file")
		case !shown.Fits(info.Size()):
			omit(shown.Name, "make it smaller, or list it in extra_files to have it packed",
				"it is %d bytes long, and clients show at most %d", info.Size(), shown.Limit)
		default:
			names = append(names, shown.Name)
		}
	}
	return names, findings
}

// spelledOtherwise finds a file whose name differs by case alone.
func spelledOtherwise(tree *os.Root, name string) string {
	entries, err := fs.ReadDir(tree.FS(), path.Dir(name))
	if err != nil {
		return ""
	}
	for _, entry := range entries {
		if other := path.Join(path.Dir(name), entry.Name()); other != name && strings.EqualFold(other, name) {
			return other
		}
	}
	return ""
}

// missingReadme reports a tree whose package plakar's next validator refuses for want of a README. Without strict it is left to
// the verification of the package.
func missingReadme(dir string, shown []string, named map[string]bool) []finding.Finding {
	if slices.Contains(shown, manifest.ReadmeName) || named[manifest.ReadmeName] {
		return nil
	}
	return []finding.Finding{{
		Rule: "package-readme", Severity: finding.Error, File: dir, Hint: "write one: plakar shows it to users",
		Message: "there is no file " + manifest.ReadmeName + " to pack",
	}}
}
