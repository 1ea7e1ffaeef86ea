package gobuild

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
)

// starting are the variables that name a program which go, the linker, a C compiler, git or the system's loader starts or
// loads in a build, or a place where they look for such a name.
var starting = []string{
	// of go: https://pkg.go.dev/cmd/go#hdr-Environment_variables
	"AR", "CC", "CXX", "FC", "GCC", "GCCGO", "PKG_CONFIG", "GOCACHEPROG", "GOAUTH", "GOENV", "GOROOT", "GOTOOLCHAIN", "GOTOOLDIR",
	"GOVCS",
	// of gcc: https://gcc.gnu.org/onlinedocs/gcc/Environment-Variables.html
	"COMPILER_PATH", "GCC_EXEC_PREFIX", "CCC_OVERRIDE_OPTIONS",
	// of whatever looks for programs or for their configuration
	"PATH", "PATHEXT", "COMSPEC", "HOME", "USERPROFILE", "APPDATA", "XDG_CONFIG_HOME", "SHELL", "BASH_ENV", "ENV",
	"SSH_ASKPASS", "GNUTLS_SYSTEM_PRIORITY_FILE", "OPENSSL_CONF",
}

// startingPrefixes are what the names of more such variables begin with.
var startingPrefixes = []string{"LD_", "DYLD_", "GIT_"}

// linkerFlags and goFlags are the flags that name a program.
var (
	linkerFlags = []string{"extld", "extar", "extldflags"}
	goFlags     = []string{"toolexec", "exec", "vettool", "compiler", "gccgoflags"}
)

// compilerPrefixes are what C compiler and linker flags begin with that have it start or load what they name, or flags out of
// a file. Flags in the tree's own #cgo lines are go's business, which knows the safe ones.
var compilerPrefixes = []string{"-fplugin", "-wrapper", "-B", "-specs", "--specs", "-fuse-ld", "--ld-path", "-Wl,", "-Xlinker",
	"-Xclang", "-load", "-plugin", "-dlopen", "@"}

// CheckPrograms warns of what in the manifest's build settings makes a build start a program, or load code, beyond what go
// build itself does with the tree. It does not judge the tree: its code is not run by building it, but for what go allows in
// #cgo lines.
func CheckPrograms(doc *manifest.Document) []finding.Finding {
	build := doc.Manifest.Build
	if build == nil {
		return nil
	}
	var findings []finding.Finding
	report := func(what string, at ...any) {
		f := finding.Finding{
			Rule: "build-program", Severity: finding.Warning, File: doc.File,
			Message: what + ": building this tree starts or loads what that names",
			Hint:    "leave it to those who build: they can set it in their own environment, or have the program in their PATH",
		}
		f.Line, f.Column = doc.Position(at...)
		findings = append(findings, f)
	}
	for _, name := range slices.Sorted(maps.Keys(build.Env)) {
		for _, what := range programsIn(name, build.Env[name]) {
			report(what, "build", "env", name)
		}
	}
	for _, flag := range startingFlags(build.LDFlags, linkerFlags) {
		report("build.ldflags "+flag, "build", "ldflags")
	}
	return findings
}

// programsIn are the parts of a variable of build.env that name programs.
func programsIn(name, value string) []string {
	if value == "" {
		return nil // go takes it as not set
	}
	var found []string
	prefixed := slices.ContainsFunc(startingPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	switch {
	case slices.Contains(starting, name), prefixed:
		found = append(found, fmt.Sprintf("%s=%s", name, value))
	case name == "GOFLAGS":
		for _, flag := range startingFlags(value, goFlags) {
			found = append(found, "GOFLAGS "+flag)
		}
		// A flag of go's whose value is flags for the linker, such as -ldflags=-extld=cc.
		words := strings.NewReplacer("=", " ", `"`, " ", "'", " ").Replace(value)
		if strings.Contains(value, "ldflags") && len(startingFlags(words, linkerFlags)) > 0 {
			found = append(found, "GOFLAGS="+value)
		}
	case strings.HasPrefix(name, "CGO_") && strings.HasSuffix(name, "_ALLOW"):
		found = append(found, fmt.Sprintf("%s=%s", name, value))
	case strings.HasPrefix(name, "CGO_") && strings.HasSuffix(name, "FLAGS"):
		for _, field := range splitFlags(value) {
			flag := strings.Trim(field, `"'`)
			if slices.ContainsFunc(compilerPrefixes, func(prefix string) bool { return strings.HasPrefix(flag, prefix) }) {
				found = append(found, name+" "+flag)
			}
		}
	}
	for i := range found {
		found[i] = "build.env " + found[i]
	}
	return found
}

// startingFlags are those of the flags, with one dash or two, that have one of the names, each with its value.
func startingFlags(flags string, names []string) []string {
	var found []string
	fields := splitFlags(flags)
	for i, field := range fields {
		flag := strings.Trim(field, `"'`)
		name, _, valued := strings.Cut(strings.TrimLeft(flag, "-"), "=")
		if !strings.HasPrefix(flag, "-") || !slices.Contains(names, name) {
			continue
		}
		if !valued && i+1 < len(fields) {
			flag += " " + fields[i+1]
		}
		found = append(found, flag)
	}
	return found
}
