package verify

import (
	"io/fs"

	"github.com/PlakarKorp/kpkg/ptarread"
)

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
