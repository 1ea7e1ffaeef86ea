package manifest

import (
	"fmt"
	"path"
	"strings"

	"golang.org/x/mod/semver"
)

// Extension ends the file name of a package.
const Extension = ".ptar"

// Identity is what the file name of a package says: NAME_vX.Y.Z_OS_ARCH.ptar. plakar takes a package's name, version and
// platform from there and from nowhere else.
type Identity struct {
	Name    string
	Version string // with its "v"
	OS      string // as in GOOS
	Arch    string // as in GOARCH
}

// FileName is the name under which plakar installs the package.
func (i Identity) FileName() string {
	return i.Name + "_" + i.Version + "_" + i.OS + "_" + i.Arch + Extension
}

// maxFileName is the longest name of a package, in bytes: file systems take no longer one.
const maxFileName = 255

// ParseFileName takes the base name of a package apart. What it accepts, plakar's package manager accepts.
func ParseFileName(base string) (Identity, error) {
	if len(base) > maxFileName {
		return Identity{}, fmt.Errorf("a package's name has at most %d bytes, as file systems have it; here are %d", maxFileName, len(base))
	}
	fail := func(format string, args ...any) (Identity, error) {
		return Identity{}, fmt.Errorf("%q is no package's name, NAME_vX.Y.Z_OS_ARCH%s: %s",
			base, Extension, fmt.Sprintf(format, args...))
	}
	if path.Ext(base) != Extension {
		return fail("it does not end in %s", Extension)
	}
	parts := strings.Split(strings.TrimSuffix(base, Extension), "_")
	if len(parts) != 4 {
		return fail("three underscores divide it, here are %d", len(parts)-1)
	}
	i := Identity{Name: parts[0], Version: parts[1], OS: parts[2], Arch: parts[3]}
	switch {
	case !isName(i.Name):
		return fail("%q is not a name of letters, digits and hyphens", i.Name)
	case !semver.IsValid(i.Version):
		return fail("%q is not a version", i.Version)
	case !isPlatformPart(i.OS):
		return fail("%q is not an operating system", i.OS)
	case !isPlatformPart(i.Arch):
		return fail("%q is not an architecture", i.Arch)
	}
	return i, nil
}

func isName(s string) bool {
	return s != "" && strings.Trim(s, "-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") == ""
}

func isPlatformPart(s string) bool { return isName(s) && !strings.Contains(s, "-") }
