package verify

import (
	"path"
	"regexp"
	"strings"
)

// reserved are names that Windows keeps for devices, with any extension, and characters and endings that it refuses.
var reserved = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$|[<>:"|?*]|[. ]$`)

// checkPaths reports names that do not survive an installation on a system that tells fewer names apart than Linux.
func (v *verifier) checkPaths() (int, error) {
	entries := v.pkg.Entries()
	spellings := map[string]string{}
	for _, e := range entries {
		folded := strings.ToLower(e.Path)
		if other, twice := spellings[folded]; twice {
			v.warningf("package-case", "rename one of them", "%s and %s are one file on systems that ignore case", other, e.Path)
		}
		spellings[folded] = e.Path
		if v.identity == nil || v.identity.OS != "windows" || e.Path == "." {
			continue
		}
		if name := path.Base(e.Path); reserved.MatchString(name) {
			v.errorf("package-path", "rename it", "windows has no file named %s", e.Path)
		}
	}
	return len(entries), nil
}
