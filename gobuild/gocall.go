package gobuild

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/PlakarKorp/kpkg/executable"
)

// goCall is one invocation of go build.
type goCall struct {
	output   string            // -o: a file, or a folder with a separator at its end
	packages []string          // folders or .go files
	files    map[string]string // executables made, by name
}

// majorVersion is a last path element after which go names no executable.
var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// calls groups the plan's executables into as few invocations as can be: all main packages that go names after their own
// folder, and differently, are built by one, so that they share the work on what they have in common.
func calls(plan *Plan, platform executable.Platform, out string) []goCall {
	together := goCall{output: out + string(filepath.Separator), files: map[string]string{}}
	var alone []goCall
	packages := map[string]string{} // package by its base name, of those built together
	for i, e := range plan.Executables {
		if !e.built() {
			continue
		}
		base := path.Base(e.Package)
		if other, taken := packages[base]; len(e.Files) == 0 && base != "." && !majorVersion.MatchString(base) &&
			(!taken || other == e.Package) {
			if !taken {
				packages[base] = e.Package
				together.packages = append(together.packages, e.Package)
			}
			together.files[e.Name] = filepath.Join(out, platform.FileName(base))
			continue
		}
		// No package's base name has an @.
		file := filepath.Join(out, platform.FileName(fmt.Sprintf("@%d", i)))
		call := goCall{output: file, packages: e.Files, files: map[string]string{e.Name: file}}
		if len(e.Files) == 0 {
			call.packages = []string{e.Package}
		}
		alone = append(alone, call)
	}
	if len(together.packages) > 0 {
		return append([]goCall{together}, alone...)
	}
	return alone
}

// arguments are those of go build. Without -buildvcs the commit is no part of the executable, unless build.ldflags stamps
// it, so that the same source gives the same bytes in and out of a checkout.
func (b *Builder) arguments(plan *Plan, ldflags string, call goCall) []string {
	sharers := min(b.options.Jobs, int(b.pending.Load()))
	cpus := (runtime.NumCPU() + sharers - 1) / sharers
	args := []string{"build", "-buildvcs=false", "-p", fmt.Sprint(cpus)}
	if b.options.Debug {
		args = append(args, "-ldflags", ldflags, "-gcflags=all=-N -l")
	} else {
		args = append(args, "-trimpath", "-ldflags", strings.TrimSpace("-s -w "+ldflags))
		args = append(args, compilerFlags(plan, ldflags)...)
	}
	args = append(args, tagFlags(plan)...)
	if b.options.Cover {
		args = append(args, "-cover")
	}
	args = append(args, "-o", call.output)
	return append(args, call.packages...)
}

func tagFlags(plan *Plan) []string {
	if len(plan.settings.Tags) == 0 {
		return nil
	}
	return []string{"-tags", strings.Join(plan.settings.Tags, ",")}
}

// compilerFlags spare the compiler the debugging information that -w has the linker drop, a tenth of its work. The manifest's
// own flags for the compiler, and for keeping that information, come first.
func compilerFlags(plan *Plan, ldflags string) []string {
	if strings.Contains(plan.settings.Env["GOFLAGS"], "-gcflags") || strings.Contains(ldflags, "-w=") {
		return nil
	}
	return []string{"-gcflags=all=-dwarf=false"}
}
