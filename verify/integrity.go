package verify

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarread"
)

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
	var damage []ptarread.Problem
	for _, p := range problems {
		if p.Kind == ptarread.Damaged {
			damage = append(damage, p)
		} else {
			v.problem(p)
		}
	}
	if len(damage) > 0 {
		v.damage(damage)
	}
	return checked.Blobs, err
}

// damage tells once what has several marks: a blob, the packfile it is in, all that reads it.
func (v *verifier) damage(problems []ptarread.Problem) {
	v.damaged = true
	where := fmt.Sprintf("in its %s, from byte %d on", problems[0].Region, problems[0].Offset)
	places, files := 0, []string{}
	for _, p := range problems {
		hit := v.pkg.FilesAt(p.Offset)
		if len(hit) == 0 {
			continue
		}
		if places++; places == 1 {
			where = fmt.Sprintf("from byte %d on", p.Offset)
		}
		for _, name := range hit {
			if !slices.Contains(files, name) {
				files = append(files, name)
			}
		}
	}
	if places > 1 {
		where += fmt.Sprintf(" and in %s", english.Plural(places-1, "other place", ""))
	}
	if len(files) > 0 {
		where += ", which hits " + finding.Cut(strings.Join(files, ", "))
	}
	r := problemRules[ptarread.Damaged]
	v.errorf(r.rule, r.hint, "the package is damaged %s", where)
}

func (v *verifier) problem(p ptarread.Problem) {
	r := problemRules[p.Kind]
	switch p.Kind {
	case ptarread.Unused:
		v.warningf(r.rule, r.hint, "%v", &p)
	case ptarread.NotPackage:
		v.notPackage(p)
	case ptarread.Damaged:
		message := p.Error()
		if strings.HasPrefix(p.Message, "the file ") { // all of it
			message = p.Message
		}
		v.errorf(r.rule, r.hint, "the package is damaged: %s", message)
	default:
		v.errorf(r.rule, r.hint, "%v", &p)
	}
}

// notPackage says what was given instead of a package.
func (v *verifier) notPackage(p ptarread.Problem) {
	v.foreign = true
	rule, hint, message := problemRules[p.Kind].rule, problemRules[p.Kind].hint, p.Message
	switch ext := filepath.Ext(v.report.File); {
	case ext == ".yaml" || ext == ".yml":
		message = "it is a manifest, not a package"
		hint = "kpkg validate judges it, kpkg create makes packages of it"
	case strings.Contains(message, "is a folder"):
		hint = "name the packages in it, or have kpkg validate judge it if it is an integration's source"
	}
	v.errorf(rule, hint, "%s", message)
}

// noManifest reports a ptar that has no manifest: a data file of a backup, most often.
func (v *verifier) noManifest() {
	hint := "kpkg ls lists what a backup holds; kpkg create makes packages"
	if _, other := v.pkg.Entry("manifest.yml"); other {
		hint = "rename manifest.yml to manifest.yaml and build it again"
	}
	v.errorf("package-manifest", hint, "there is no file %s at its root: it is not a package but a backup (a data file), "+
		"or was not made by kpkg create", manifest.FileName)
}

func (v *verifier) hasManifest() bool {
	entry, ok := v.pkg.Entry(manifest.FileName)
	return ok && entry.Mode.IsRegular()
}

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
