package verify

// Limits on single files, of newer clients, which show them.
const (
	maxReadme = 1 << 20
	maxIcon   = 256 << 10
)

// checkSizes reports files that are too large for their purpose. The limits on the package as a whole, which protect
// who reads it, are those of ptarread: they stop it from being opened.
func (v *verifier) checkSizes() (int, error) {
	files := v.files()
	limits := map[string]int64{"README.md": maxReadme, "assets/icon.svg": maxIcon, "assets/icon.png": maxIcon}
	for _, f := range files {
		if limit, ok := limits[f.Path]; ok && f.Size > limit {
			v.warningf("package-size", "make it smaller", "%s is %d bytes long; clients show at most %d", f.Path, f.Size, limit)
		}
	}
	return len(files), nil
}
