package verify

import (
	"path/filepath"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/manifest"
)

// checkName takes the file name apart: plakar has a package's name, version and platform from nowhere else.
func (v *verifier) checkName() (int, error) {
	identity, err := manifest.ParseFileName(filepath.Base(v.report.File))
	if err != nil && v.foreign {
		return 1, nil // nobody calls it a package
	}
	if err != nil {
		v.errorf("package-name", "rename it: plakar installs no other", "%v", err)
		return 1, nil
	}
	v.identity = &identity
	v.report.Name, v.report.Version, v.report.OS, v.report.Arch = identity.Name, identity.Version, identity.OS, identity.Arch
	platform, err := executable.ParsePlatform(identity.OS + "/" + identity.Arch)
	if err != nil {
		v.errorf("package-platform", "no plakar runs there, so that none installs it", "the file name says %v", err)
		return 1, nil
	}
	v.platform = &platform
	return 1, nil
}
