package verify

import "github.com/PlakarKorp/kpkg/ptarread"

// problemRules are what problems of a file are called in findings, and what there is to do about them.
var problemRules = map[ptarread.Kind]struct{ rule, hint string }{
	ptarread.NotPackage:   {"package-format", "name a .ptar file that kpkg create or plakar pkg create wrote"},
	ptarread.Damaged:      {"package-damaged", "download or build it again"},
	ptarread.Unsupported:  {"package-unsupported", "build it again with kpkg create, which writes what all released clients read"},
	ptarread.Inconsistent: {"package-inconsistent", "do not install it: no writer makes such a file"},
	ptarread.Snapshots:    {"package-snapshots", "build it again: a package is one snapshot"},
	ptarread.TooLarge:     {"package-limit", "do not install it unless you know why it is that large"},
	ptarread.Unused:       {"package-unused", "build it again to have the smaller package"},
}

// checkIntegrity compares every byte of the package with its MAC.
func (v *verifier) checkIntegrity() (int, error) {
	checked, problems, err := v.pkg.Check(v.ctx)
	for _, p := range problems {
		v.problem(p)
	}
	return checked.Blobs, err
}

func (v *verifier) problem(p ptarread.Problem) {
	r := problemRules[p.Kind]
	if p.Kind == ptarread.Unused {
		v.warningf(r.rule, r.hint, "%v", &p)
		return
	}
	v.errorf(r.rule, r.hint, "%v", &p)
}
