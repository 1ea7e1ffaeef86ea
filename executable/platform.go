package executable

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/suggest"
)

// Platform is a pair of GOOS and GOARCH that the Go toolchain can build for.
type Platform struct {
	OS, Arch string
}

// Host is the platform this program runs on.
func Host() Platform { return Platform{runtime.GOOS, runtime.GOARCH} }

// Shipped returns the platforms that upstream's integrations are published for, the meaning of "all" for an integration
// that names none itself.
func Shipped() []Platform {
	return []Platform{
		{"linux", "amd64"}, {"linux", "arm64"},
		{"darwin", "amd64"}, {"darwin", "arm64"},
		{"windows", "amd64"},
		{"freebsd", "amd64"},
	}
}

// String is "os/arch".
func (p Platform) String() string { return p.OS + "/" + p.Arch }

// MarshalText writes "os/arch".
func (p Platform) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what ParsePlatform accepts.
func (p *Platform) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePlatform(string(text))
	return err
}

// FileName is the name of an executable's file on the platform: windows runs nothing without ".exe". plakar's client
// appends it there to the manifest's executable unless it is written already, so the manifest names it without.
func (p Platform) FileName(executable string) string {
	if p.OS == "windows" && !strings.HasSuffix(executable, ".exe") {
		return executable + ".exe"
	}
	return executable
}

// ParsePlatform reads "os/arch". The error for anything but a pair of `go tool dist list` names the likely one.
func ParsePlatform(s string) (Platform, error) {
	os, arch, found := strings.Cut(s, "/")
	if !found {
		for _, separator := range []string{"_", "-"} {
			os, arch, found := strings.Cut(s, separator)
			if p := (Platform{os, arch}); found && slices.Contains(architectures[os], arch) {
				return Platform{}, fmt.Errorf("platform %q is not of the form os/arch; did you mean %s?", s, p)
			}
		}
	}
	if !found || os == "" || arch == "" {
		return Platform{}, fmt.Errorf("platform %q is not of the form os/arch, such as %s", s, similar(os, Host()))
	}
	p := Platform{os, arch}
	if !slices.Contains(architectures[os], arch) {
		return Platform{}, fmt.Errorf("unknown platform %q: %s", s, p.suggestion())
	}
	return p, nil
}

// Inspectable tells whether Inspect knows the format of what Go builds for the platform.
func (p Platform) Inspectable() bool {
	return !slices.Contains([]string{"aix", "js", "plan9", "wasip1"}, p.OS)
}

// similar is the platform that is mostly meant by the name of a system, other if it is none.
func similar(system string, other Platform) Platform {
	system = strings.ToLower(system)
	system = cmp.Or(otherNames[system], system)
	if at := slices.IndexFunc(Shipped(), func(p Platform) bool { return p.OS == system }); at >= 0 {
		return Shipped()[at]
	}
	return other
}

// ParsePlatforms reads a list "os/arch,os/arch" in the order given; a pair named twice counts once.
func ParsePlatforms(s string) ([]Platform, error) {
	var platforms []Platform
	for item := range strings.SplitSeq(s, ",") {
		p, err := ParsePlatform(strings.TrimSpace(item))
		if err != nil {
			return nil, err
		}
		if !slices.Contains(platforms, p) {
			platforms = append(platforms, p)
		}
	}
	return platforms, nil
}

// suggestion says what to write instead of an unknown pair.
func (p Platform) suggestion() string {
	os, arch := strings.ToLower(p.OS), strings.ToLower(p.Arch)
	arch, _, _ = strings.Cut(arch, "/") // containers name a level of the processor, too
	usual := Platform{cmp.Or(otherNames[os], os), cmp.Or(otherNames[arch], arch)}
	if slices.Contains(architectures[usual.OS], usual.Arch) {
		return fmt.Sprintf("did you mean %s?", usual)
	}
	if slices.Contains(architectures[usual.Arch], usual.OS) {
		return fmt.Sprintf("did you mean %s/%s?", usual.Arch, usual.OS)
	}
	if known, ok := architectures[usual.OS]; ok {
		return fmt.Sprintf("Go builds %s for %s", usual.OS, strings.Join(known, ", "))
	}
	if closest := suggest.Closest(usual.String(), pairs()); closest != "" {
		return fmt.Sprintf("did you mean %s?", closest)
	}
	return "the pairs Go knows are printed by `go tool dist list`"
}

// pairs are all platforms that Go knows.
func pairs() []string {
	var all []string
	for os, archs := range architectures {
		for _, arch := range archs {
			all = append(all, Platform{os, arch}.String())
		}
	}
	return all
}

// otherNames are what uname, Rust and people call a GOOS or GOARCH.
var otherNames = map[string]string{
	"macos": "darwin", "osx": "darwin", "mac": "darwin", "win": "windows", "win64": "windows", "win32": "windows",
	"x86_64": "amd64", "x64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armv8": "arm64", "armv7": "arm",
	"i386": "386", "i686": "386", "x86": "386",
}

// architectures holds the pairs of `go tool dist list`, GOARCH by GOOS. A table, because naming a platform must work
// without a Go toolchain; a test compares it with the tool.
var architectures = map[string][]string{
	"aix":       {"ppc64"},
	"android":   {"386", "amd64", "arm", "arm64"},
	"darwin":    {"amd64", "arm64"},
	"dragonfly": {"amd64"},
	"freebsd":   {"386", "amd64", "arm", "arm64"},
	"illumos":   {"amd64"},
	"ios":       {"amd64", "arm64"},
	"js":        {"wasm"},
	"linux": {"386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le",
		"riscv64", "s390x"},
	"netbsd":  {"386", "amd64", "arm", "arm64"},
	"openbsd": {"386", "amd64", "arm", "arm64", "ppc64", "riscv64"},
	"plan9":   {"386", "amd64", "arm"},
	"solaris": {"amd64"},
	"wasip1":  {"wasm"},
	"windows": {"386", "amd64", "arm64"},
}
