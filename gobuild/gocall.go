package gobuild

import (
	"context"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
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
func (b *Builder) arguments(plan *Plan, ldflags string, compilerFlags []string, call goCall) []string {
	sharers := min(b.options.Jobs, int(b.pending.Load()))
	cpus := (runtime.NumCPU() + sharers - 1) / sharers
	args := []string{"build", "-trimpath", "-buildvcs=false", "-p", fmt.Sprint(cpus),
		"-ldflags", strings.TrimSpace("-s -w " + ldflags)}
	args = append(args, compilerFlags...)
	if len(plan.settings.Tags) > 0 {
		args = append(args, "-tags", strings.Join(plan.settings.Tags, ","))
	}
	args = append(args, "-o", call.output)
	return append(args, call.packages...)
}

// compilerFlags spare the compiler the debugging information that -w has the linker drop, a tenth of its work. The user's
// own flags for the compiler, and for keeping that information, come first.
func (b *Builder) compilerFlags(ctx context.Context, plan *Plan, env []string, ldflags string) ([]string, error) {
	flags, err := b.run(ctx, plan.Dir, env, []string{"env", "GOFLAGS"})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("asking go for its flags: %w", err)
	}
	if strings.Contains(string(flags), "-gcflags") || strings.Contains(ldflags, "-w=") {
		return nil, nil
	}
	return []string{"-gcflags=all=-dwarf=false"}, nil
}

// environment is the process's own, then the manifest's, then the target, with the folder: of one name, the last counts.
func (b *Builder) environment(plan *Plan, platform executable.Platform, temporary string) []string {
	env := append(slices.Clone(b.environ), "CGO_ENABLED=0")
	for _, name := range slices.Sorted(maps.Keys(plan.settings.Env)) {
		env = append(env, name+"="+plan.settings.Env[name])
	}
	return append(env, "GOOS="+platform.OS, "GOARCH="+platform.Arch, "GOTMPDIR="+temporary, "PWD="+workingDir(plan.Dir))
}
