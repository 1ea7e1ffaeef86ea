package verify

import "github.com/PlakarKorp/kpkg/manifest"

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
