package verify

import (
	"io/fs"
	"path"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarread"
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

// checkModes looks at what each entry is and who may do what with it once installed. plakar restores types and all
// permission bits, and, when root installs, the owners of directories.
func (v *verifier) checkModes() (int, error) {
	entries := v.pkg.Entries()
	for _, e := range entries {
		v.checkMode(e)
	}
	return len(entries), nil
}

func (v *verifier) checkMode(e ptarread.Entry) {
	if !e.Mode.IsRegular() && !e.Mode.IsDir() {
		what := "is neither a file nor a directory: " + e.Mode.String()
		if e.Mode&fs.ModeSymlink != 0 {
			what = "is a symbolic link to " + e.LinkTarget
		}
		v.errorf("package-kind", "pack files and directories only", "%s %s", e.Path, what)
		return
	}
	if special := e.Mode & (fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky); special != 0 {
		v.errorf("package-mode", "remove the bit before packing", "%s has a setuid, setgid or sticky bit: %v", e.Path, e.Mode)
	}
	if e.Mode&0o002 != 0 {
		v.errorf("package-mode", "chmod o-w it before packing", "%s may be written by everyone: %v", e.Path, e.Mode)
	}
	needed := fs.FileMode(0o400)
	if e.Mode.IsDir() {
		needed = 0o500
	}
	if e.Mode&needed != needed {
		v.errorf("package-mode", "make it readable before packing", "%s cannot be read by its owner once installed: %v", e.Path, e.Mode)
	}
	if e.Mode.IsRegular() && e.Links > 1 {
		v.errorf("package-links", "build it again with kpkg create",
			"%s is recorded with %d hard links; plakar does not install such files", e.Path, e.Links)
	}
	if e.Mode.IsDir() && e.UID != 0 {
		v.warningf("package-owner", "build it again with kpkg create",
			"%s belongs to user %d, who can replace what is in it when root installs the package", e.Path, e.UID)
	}
}

// checkPaths reports names that do not survive an installation on a system that tells fewer names apart than Linux.
func (v *verifier) checkPaths() (int, error) {
	var paths []string
	for _, e := range v.pkg.Entries() {
		if e.Mode.IsDir() {
			e.Path += "/"
		}
		paths = append(paths, e.Path)
	}
	for _, fault := range manifest.NameFaults(paths, v.identity != nil && v.identity.OS == "windows") {
		v.add(fault.Severity, fault.Rule, fault.Hint, fault.Message)
	}
	return len(paths), nil
}

// checkSizes reports files that are too large for their purpose. The limits on the package as a whole, which protect
// who reads it, are those of ptarread: they stop it from being opened.
func (v *verifier) checkSizes() (int, error) {
	for _, shown := range manifest.ShownFiles() {
		entry, found := v.pkg.Entry(shown.Name)
		if found && entry.Mode.IsRegular() && !shown.Fits(entry.Size) {
			v.warningf("package-size", "make it smaller", "%s is %d bytes long; clients show at most %d",
				shown.Name, entry.Size, shown.Limit)
		}
	}
	return len(v.files()), nil
}
