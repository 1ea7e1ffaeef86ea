package verify

import (
	"io"
	"path"

	"golang.org/x/mod/semver"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// checkExecutables looks at each file that connectors start, once.
func (v *verifier) checkExecutables() (int, error) {
	if v.doc == nil {
		return 0, nil
	}
	seen := map[string]bool{}
	for i, c := range v.doc.Manifest.Connectors {
		name := path.Clean(c.Executable)
		if c.Executable == "" || seen[name] {
			continue
		}
		seen[name] = true
		e := executableCheck{verifier: v, name: v.fileName(name), key: []any{"connectors", i, "executable"}}
		if entry, ok := e.find(name); ok {
			e.inspect(entry)
		}
	}
	return len(v.report.Executables), nil
}

// fileName is the name of an executable's file on the package's platform.
func (v *verifier) fileName(executable string) string {
	if v.platform == nil {
		return executable
	}
	return v.platform.FileName(executable)
}

type executableCheck struct {
	*verifier
	// name is the path in the package, key the place in the manifest.
	name string
	key  []any
}

func (e *executableCheck) errorf(rule, hint, format string, args ...any) {
	e.addAt(rule, finding.Error, hint, finding.Sprintf(format, args...), e.key...)
}

// find returns the executable if it is there and can be started; written is its name in the manifest.
func (e *executableCheck) find(written string) (ptarread.Entry, bool) {
	entry, ok := e.pkg.Entry(e.name)
	switch {
	case !ok:
		hint := "build it before packing"
		if _, bare := e.pkg.Entry(written); bare {
			hint = "build it as " + e.name + ": windows starts no other, and plakar adds .exe to the manifest's name there"
		}
		e.errorf("executable-missing", hint, "the executable %s is not in the package", e.name)
		return entry, false
	case !entry.Mode.IsRegular():
		e.errorf("executable-kind", "pack the file itself", "the executable %s is not a regular file", e.name)
		return entry, false
	case entry.Mode&0o100 == 0 && (e.platform == nil || e.platform.OS != "windows"):
		e.errorf("executable-mode", "chmod +x it before packing", "the executable %s has no permission to be executed: %v",
			e.name, entry.Mode)
	}
	return entry, true
}

// inspect looks into a file of the package.
func (e *executableCheck) inspect(entry ptarread.Entry) {
	content, err := e.pkg.OpenEntry(e.name)
	if err != nil {
		e.unreadable(e.name, err)
		e.report.Executables = append(e.report.Executables, Executable{Path: e.name, Size: entry.Size, Modules: []Module{}})
		return
	}
	e.inspectContent(content, entry.Size)
}

// inspectContent compares what an executable is built for with what the package's name promises.
func (e *executableCheck) inspectContent(content io.ReaderAt, size int64) {
	described := Executable{Path: e.name, Size: size, Modules: []Module{}}
	defer func() { e.report.Executables = append(e.report.Executables, described) }()
	binary, err := executable.Inspect(content)
	if err != nil {
		e.errorf("executable-format", "build it for the package's platform", "%s: %v", e.name, err)
		return
	}
	described.Format, described.OS, described.Arch = binary.Format, finding.Cut(binary.OS), finding.Cut(binary.Arch)
	described.Stripped = binary.Stripped
	if binary.Go != nil {
		described.Go, described.Main = finding.Cut(binary.Go.GoVersion), finding.Cut(binary.Go.Path)
		described.CGO = binary.Setting("CGO_ENABLED") == "1"
		described.Trimpath = binary.Setting("-trimpath") == "true"
		for _, m := range binary.PlakarModules() {
			described.Modules = append(described.Modules, Module{m.Path, finding.Cut(m.Version)})
		}
	}
	if e.platform != nil && !binary.Runs(*e.platform) {
		e.errorf("executable-platform",
			"build it with GOOS="+e.platform.OS+" GOARCH="+e.platform.Arch+", or name the package "+e.namedFor(binary),
			"%s is built for %s, the package is for %v", e.name, target(binary), e.platform)
	}
	if level, above := binary.Level(); above {
		e.addAt("executable-level", finding.Warning,
			finding.Sprintf("build it with %s=%s, or say in the README what it needs", level.Setting, level.Baseline),
			finding.Sprintf("%s is built with %s=%s: it ends at once, or in the middle of its work, on processors that lack what that takes",
				e.name, level.Setting, level.Value), e.key...)
	}
	e.compareProtocol(described)
	e.checkSDK(described, e.key...)
}

// namedFor is the name of the package if it is for the platform of the binary.
func (e *executableCheck) namedFor(b executable.Binary) string {
	if b.OS == "" || e.identity == nil {
		return "for its platform"
	}
	i := *e.identity
	i.OS, i.Arch = finding.Cut(b.OS), finding.Cut(b.Arch)
	return i.FileName()
}

// target names what a binary is for.
func target(b executable.Binary) string {
	if b.Format == "script" {
		return "systems with a shell"
	}
	return executable.Platform{OS: b.OS, Arch: b.Arch}.String()
}

// The module whose version is the protocol's, and the manifest's api_version that released clients speak.
const (
	protocolModule = "github.com/PlakarKorp/integration-grpc"
	releasedAPI    = "v1.1.0"
)

// compareProtocol tells of an executable whose protocol is newer than its manifest's api_version.
func (e *executableCheck) compareProtocol(x Executable) {
	api := e.doc.Manifest.APIVersion
	if !semver.IsValid(api) {
		api = releasedAPI
	}
	for _, m := range x.Modules {
		if m.Path == protocolModule && semver.Compare(semver.MajorMinor(m.Version), semver.MajorMinor(api)) > 0 {
			e.addAt("executable-protocol", finding.Warning, "build it with the version of api_version, or raise that",
				finding.Sprintf("%s speaks the protocol of %s %s, newer than api_version %s",
					x.Path, path.Base(m.Path), m.Version, api), e.key...)
		}
	}
}
