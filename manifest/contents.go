package manifest

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
)

// FileName is the name of the manifest in an integration's folder and in a package. plakar knows no other.
const FileName = "manifest.yaml"

// ReadmeName is the file that plakar's next validator wants at a package's root.
const ReadmeName = "README.md"

// Shown is a file that plakar's clients show from a package, and that belongs into it without being named by the manifest.
type Shown struct {
	Name string
	// Limit is the size, in bytes, up to which newer clients show it; 0 means any.
	Limit int64
}

// Fits tells whether clients show the file when it has the size.
func (s Shown) Fits(size int64) bool { return s.Limit == 0 || size <= s.Limit }

var shown = []Shown{{ReadmeName, 1 << 20}, {"LICENSE", 0}, {"assets/icon.svg", 256 << 10}, {"assets/icon.png", 256 << 10}}

// ShownFiles are the files that kpkg packs when they are there.
func ShownFiles() []Shown { return slices.Clone(shown) }

// IsExpected tells whether a file may be in a package that does not name it: the manifest, what clients show, and LICENSE*
// and NOTICE at the root.
func IsExpected(name string) bool {
	return name == FileName || name == "NOTICE" || slices.ContainsFunc(shown, func(s Shown) bool { return s.Name == name }) ||
		!strings.Contains(name, "/") && strings.HasPrefix(name, "LICENSE")
}

// NameFault is what keeps a file's name in a package from meaning the same on every system.
type NameFault struct {
	// Rule, Severity, Message and Hint are those of a finding about the file Name.
	Rule, Name, Message, Hint string
	Severity                  finding.Severity
}

// reserved are names that Windows keeps for devices, with any extension, and characters and endings that it refuses.
var reserved = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$|[<>:"|?*]|[. ]$`)

// NameFaults judges the paths of what a package holds, those of folders with a "/" at the end: whether two become one on
// systems that ignore case, and for a package for windows whether that has such names. Two folders that become one still
// hold what they should.
func NameFaults(paths []string, windows bool) []NameFault {
	var faults []NameFault
	spellings := map[string]string{}
	for _, written := range paths {
		name, isFolder := strings.CutSuffix(written, "/")
		folded := strings.ToLower(name)
		if other, twice := spellings[folded]; twice && other != written {
			fault := NameFault{
				Rule: "package-case", Severity: finding.Warning, Name: name, Hint: "rename one of them",
				Message: strings.TrimSuffix(other, "/") + " and " + name + " are one file on systems that ignore case",
			}
			if windows && !(isFolder && strings.HasSuffix(other, "/")) {
				fault.Severity, fault.Message = finding.Error, strings.TrimSuffix(other, "/")+" and "+name+" are one file on windows"
			}
			faults = append(faults, fault)
		}
		spellings[folded] = written
		if windows && name != "." && reserved.MatchString(path.Base(name)) {
			faults = append(faults, NameFault{
				Rule: "package-path", Severity: finding.Error, Name: name, Hint: "rename it", Message: "windows has no file named " + name,
			})
		}
	}
	return faults
}

// NameFindings are the NameFaults of the package to be made: of the files that the manifest names, each reported there, and
// of the others that are packed. A package for windows is to be made where build.platforms says so.
func (d *Document) NameFindings(others []string) []finding.Finding {
	if d.root == nil {
		return nil
	}
	c := &checker{Document: d}
	paths, places := append([]string{FileName}, others...), map[string]place{}
	add := func(written string, at place) {
		name := strings.TrimSuffix(written, "/")
		if _, twice := places[name]; !twice && !slices.Contains(others, name) && name != FileName {
			places[name] = at
			paths = append(paths, written)
		}
	}
	for _, file := range c.namedFiles() {
		clean, fault := localPath(file.path)
		if fault != "" {
			continue
		}
		for i := range clean {
			if clean[i] == '/' {
				add(clean[:i+1], file.at)
			}
		}
		add(clean, file.at)
	}
	windows := d.Manifest.Build != nil && slices.ContainsFunc(d.Manifest.Build.Platforms, func(platform string) bool {
		return strings.HasPrefix(platform, "windows/")
	})
	for _, fault := range NameFaults(paths, windows) {
		c.rule = fault.Rule
		c.report(fault.Severity, places[fault.Name], fault.Hint, "%s", fault.Message)
	}
	return c.findings
}
