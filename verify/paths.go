package verify

import "github.com/PlakarKorp/kpkg/manifest"

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
