package gobuild

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/internal/regular"
)

// Setting is a variable of the environment, or of go's own settings file, or one flag of the variable GOFLAGS.
type Setting struct {
	Name, Value string
}

func (s Setting) String() string { return s.Name + "=" + s.Value }

// maxSettings is how much of go's own settings and of a go.mod is read, in bytes.
const maxSettings = 1 << 20

// deciding are the variables by which go makes other executables of the same source for the same platform. Those of the
// process have no part in a build: the package of a name would depend on who made it. Those that begin with CGO_ are as
// these.
var deciding = []string{
	"GO386", "GOAMD64", "GOARM", "GOARM64", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64", "GOWASM",
	"GOEXPERIMENT", "GOFIPS140", "GO_EXTLINK_ENABLED", "GOCOMPILEDEBUG", "GOCLOBBERDEADHASH",
	"GOWORK",
}

func decides(name string) bool {
	return slices.Contains(deciding, name) || strings.HasPrefix(name, "CGO_")
}

// passing are the flags of GOFLAGS that find modules, or say how hard to work and how much to print.
var passing = []string{"-mod", "-modfile", "-modcacherw", "-p", "-v"}

// redundant are flags that every build has.
var redundant = []string{"-trimpath", "-trimpath=true", "-buildvcs=false"}

// environment is what go is run with, beside what the manifest and the platform say.
type environment struct {
	passed []string // NAME=value
	left   []Setting
}

// readEnvironment takes apart the process's environment, and go's settings file, whose values count where the environment
// has none.
func readEnvironment(environ []string) environment {
	var e environment
	set := map[string]string{}
	for _, variable := range environ {
		if name, value, _ := strings.Cut(variable, "="); value != "" { // go takes an empty one as none
			set[name] = value
		}
	}
	file := settingsFile(set["GOENV"])
	for name, value := range file {
		if set[name] == "" {
			environ = append(environ, name+"="+value)
			set[name] = value
		}
	}
	for _, variable := range environ {
		if name, _, _ := strings.Cut(variable, "="); name != "GOFLAGS" && name != "GOENV" && !decides(name) {
			e.passed = append(e.passed, variable)
		}
	}
	flags, left := filterFlags(set["GOFLAGS"])
	e.passed = append(e.passed, "GOENV=off", "GOWORK=off", "GOFLAGS="+flags, "CGO_ENABLED=0")
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if decides(name) && !executable.IsBaseline(name, set[name]) {
			e.left = append(e.left, Setting{name, set[name]})
		}
	}
	for _, flag := range left {
		e.left = append(e.left, Setting{"GOFLAGS", flag})
	}
	return e
}

// cacheProgram is the program that go asks for what is compiled; "" for none.
func cacheProgram(environ []string) (program string) {
	for _, variable := range environ {
		if value, ok := strings.CutPrefix(variable, "GOCACHEPROG="); ok {
			program = value // of one name, the last counts
		}
	}
	return program
}

// filterFlags splits GOFLAGS into what passes and the flags that do not.
func filterFlags(flags string) (passed string, left []string) {
	var kept []string
	for _, field := range splitFlags(flags) {
		flag := strings.Trim(field, `"'`)
		if strings.HasPrefix(flag, "--") {
			flag = flag[1:]
		}
		name, _, _ := strings.Cut(flag, "=")
		switch {
		case slices.Contains(passing, name):
			kept = append(kept, field)
		case !slices.Contains(redundant, flag):
			left = append(left, flag)
		}
	}
	return strings.Join(kept, " "), left
}

// splitFlags splits as go does: at white space, but for fields that begin with a quote and reach to the next such quote.
// The quotes stay.
func splitFlags(flags string) []string {
	var fields []string
	for {
		flags = strings.TrimLeft(flags, " \t\n\r")
		if flags == "" {
			return fields
		}
		end := strings.IndexAny(flags, " \t\n\r")
		if quote := flags[0]; quote == '"' || quote == '\'' {
			end = strings.IndexByte(flags[1:], quote)
			if end >= 0 {
				end += 2
			}
		}
		if end < 0 {
			end = len(flags)
		}
		fields, flags = append(fields, flags[:end]), flags[end:]
	}
}

// settingsFile reads what go env -w has written: lines NAME=value, in the file that GOENV names or in the user's
// configuration folder. go itself is told to leave it alone, because nothing in the environment undoes a setting of it.
func settingsFile(path string) map[string]string {
	if path == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return nil
		}
		path = filepath.Join(dir, "go", "env")
	}
	if path == "off" {
		return nil
	}
	data, err := regular.Read(path, maxSettings)
	if err != nil {
		return nil
	}
	settings := map[string]string{}
	for line := range strings.Lines(string(data)) {
		name, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if found && name != "" && name[0] >= 'A' && name[0] <= 'Z' {
			settings[name] = value
		}
	}
	return settings
}

// LeftOut returns the settings of the process's environment, and of go's settings file, that would change what is built and
// have no part in it, because build.env does not set them. Of GOFLAGS it returns the flags, one by one.
func (p *Plan) LeftOut() []Setting {
	if !p.Builds() {
		return nil
	}
	return slices.DeleteFunc(readEnvironment(os.Environ()).left, func(s Setting) bool {
		if _, ours := p.settings.Env[s.Name]; ours {
			return true
		}
		// Without cgo its settings decide nothing.
		return s.Name == "GOWORK" || s.Name == "CGO_ENABLED" || strings.HasPrefix(s.Name, "CGO_") && !p.cgo()
	})
}

// Workspace returns the path of the go.work that go would use if builds did not leave it out; "" if there is none, or if
// build.env says GOWORK.
func (p *Plan) Workspace() string {
	if _, ours := p.settings.Env["GOWORK"]; ours || !p.Builds() {
		return ""
	}
	switch named := os.Getenv("GOWORK"); named {
	case "off":
		return ""
	case "", "auto":
		return workspaceAbove(workingDir(p.Dir))
	default:
		return named
	}
}

func workspaceAbove(dir string) string {
	for {
		file := filepath.Join(dir, "go.work")
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// environment is the process's, as far as it has a part in builds, then the manifest's, then the target, with the folder: of
// one name, the last counts.
func (b *Builder) environment(plan *Plan, platform executable.Platform, temporary string) []string {
	env := slices.Clone(b.environ)
	for _, name := range slices.Sorted(maps.Keys(plan.settings.Env)) {
		env = append(env, name+"="+plan.settings.Env[name])
	}
	return append(env, "GOOS="+platform.OS, "GOARCH="+platform.Arch, "GOTMPDIR="+temporary, "PWD="+workingDir(plan.Dir))
}
