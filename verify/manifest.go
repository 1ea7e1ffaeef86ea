package verify

import (
	"cmp"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/remote"
)

// renameIt is what to do about a name as long as what is in the package proposes none.
const renameIt = "rename it: plakar installs no other"

// dottedVersion is a version within the name of a file.
var dottedVersion = regexp.MustCompile(`[0-9]+\.[0-9]+\.[0-9]+`)

// proposeName says what to rename a file to that has no package's name: what the manifest and the executables say, and the
// version that is in the name all the same.
func (v *verifier) proposeName() {
	if v.identity != nil || v.doc == nil || v.doc.Manifest.Name == "" || len(v.report.Executables) == 0 {
		return
	}
	i := manifest.Identity{Name: finding.Cut(v.doc.Manifest.Name), Version: "vX.Y.Z", OS: "OS", Arch: "ARCH"}
	base := strings.TrimSuffix(filepath.Base(v.report.File), manifest.Extension)
	for _, part := range append(strings.Split(base, "_"), dottedVersion.FindString(base)) {
		if version, err := manifest.NormalizeVersion(part); err == nil {
			i.Version = version
			break
		}
	}
	if first := v.report.Executables[0]; first.OS != "" {
		i.OS, i.Arch = first.OS, first.Arch
	}
	propose := func(findings []finding.Finding) {
		for at := range findings {
			if findings[at].Hint == renameIt {
				findings[at].Hint = "rename it to " + i.FileName() + ": plakar installs no other"
			}
		}
	}
	propose(v.report.Findings)
	for _, check := range v.report.Checks {
		propose(check.Findings)
	}
}

// checkName takes the file name apart: plakar has a package's name, version and platform from nowhere else.
func (v *verifier) checkName() (int, error) {
	name := remote.Base(v.report.File)
	if name == "" {
		return 0, nil // what comes on the standard input has none
	}
	identity, err := manifest.ParseFileName(name)
	if err != nil && v.foreign {
		return 1, nil // nobody calls it a package
	}
	if err != nil {
		v.errorf("package-name", renameIt, "%v", err)
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

// checkManifest judges the manifest with the rules of kpkg validate, against the files of the package: validators and
// extra files are there and are what they should be.
func (v *verifier) checkManifest() (int, error) {
	if !v.hasManifest() {
		v.noManifest()
		return 0, nil
	}
	data, err := v.read(manifest.FileName, manifest.MaxSize+1)
	if err != nil {
		v.unreadable(manifest.FileName, err)
		return 0, nil
	}
	v.doc = manifest.Read(v.inside(manifest.FileName), data)
	if err := v.openImages(); err != nil {
		return 0, err
	}
	findings, err := v.doc.Check(v.ctx, manifest.CheckOptions{Strict: v.opts.Strict, Tree: v.pkg.FS(), Containers: v.opts.Containers})
	if err != nil {
		return 0, err
	}
	v.ofManifest = findings
	v.report.Findings = append(v.report.Findings, findings...)
	m := v.doc.Manifest
	for _, c := range m.Connectors {
		v.report.Connectors = append(v.report.Connectors,
			Connector{Type: finding.Cut(c.Type), Protocols: cut(c.Protocols), Executable: finding.Cut(c.Executable),
				ImageID: finding.Cut(c.ImageID), Image: finding.Cut(c.Image)})
	}
	v.compareName()
	v.compareVersion()
	return len(m.Connectors), nil
}

// cut is a list of strings as reports show it, never nil.
func cut(list []string) []string {
	short := make([]string, len(list))
	for i, s := range list {
		short[i] = finding.Cut(s)
	}
	return short
}

// unreadable reports a file of the package that cannot be read; that it is damaged is reported elsewhere.
func (v *verifier) unreadable(name string, err error) {
	v.errorf("package-damaged", "", "%s cannot be read: %v", name, err)
}

// compareName holds the manifest's name against the file's. Recipes and catalogues know an integration by its name.
func (v *verifier) compareName() {
	m := v.doc.Manifest
	if v.identity == nil || m.Name == "" || m.Name == v.identity.Name {
		return
	}
	v.addAt("package-name", finding.Error, "name the file "+v.renamed(finding.Cut(m.Name), v.identity.Version),
		finding.Sprintf("the manifest's name is %s, the file's is %s", m.Name, v.identity.Name), "name")
}

// compareVersion holds the version in a manifest of the older format against the file's, which alone counts.
func (v *verifier) compareVersion() {
	m := v.doc.Manifest
	if v.identity == nil || m.Version == "" {
		return
	}
	version, err := manifest.NormalizeVersion(m.Version)
	if err != nil || version == v.identity.Version {
		return
	}
	v.addAt("package-version", finding.Warning, "plakar goes by the file name; remove the key or make them equal",
		"the manifest's version is "+version+", the file's is "+v.identity.Version, "version")
}

func (v *verifier) renamed(name, version string) string {
	i := *v.identity
	i.Name, i.Version = cmp.Or(name, i.Name), version
	return i.FileName()
}

// addAt adds a finding at a key of the manifest.
func (v *verifier) addAt(rule string, severity finding.Severity, hint, message string, path ...any) {
	line, column := v.doc.Position(path...)
	v.report.Findings = append(v.report.Findings, finding.Finding{
		Rule: rule, Severity: severity, File: v.doc.File, Line: line, Column: column, Message: message, Hint: hint,
	})
}
