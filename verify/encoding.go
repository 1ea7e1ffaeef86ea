package verify

import "github.com/PlakarKorp/kpkg/ptarread"

// checkEncoding reports encodings that clients read and that serve users badly.
func (v *verifier) checkEncoding() (int, error) {
	info := v.pkg.Info()
	if info.Compression == "" {
		v.warningf("package-uncompressed", "build it with LZ4 or GZIP",
			"the package is not compressed, so that plakar installs a damaged executable without noticing: "+
				"it compares no MACs when it extracts")
	}
	if most := info.Chunking.Most; most > ptarread.MaxBlob {
		v.warningf("package-chunks", "build it with chunks of at most 8 MiB",
			"the package was cut into chunks of up to %d bytes; plakar's reads of large ones can pass the end of the file", most)
	}
	if snapshot := info.SnapshotVersion; snapshot != "v1.0.0" {
		v.warningf("package-version", "", "the snapshot is of version %s; released clients know v1.0.0", snapshot)
	}
	return 3, nil
}
