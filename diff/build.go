package diff

import (
	"io"
	"maps"
	"runtime/debug"
	"slices"

	"github.com/PlakarKorp/kpkg/executable"
)

// Fact is what Go recorded of a build, on both sides: a build setting, the version of Go or of a module. What is not recorded
// is "".
type Fact struct {
	Name string `json:"name"`
	Was  string `json:"was"`
	Is   string `json:"is"`
}

// builds are the facts in which two executables of Go differ; none for anything else.
func builds(before, after io.ReaderAt) []Fact {
	a, err := executable.Inspect(before)
	if err != nil || a.Go == nil {
		return nil
	}
	b, err := executable.Inspect(after)
	if err != nil || b.Go == nil {
		return nil
	}
	was, is := recorded(a.Go), recorded(b.Go)
	keys := slices.AppendSeq(slices.Collect(maps.Keys(was)), maps.Keys(is))
	slices.Sort(keys)
	var facts []Fact
	for _, key := range slices.Compact(keys) {
		if was[key] != is[key] {
			facts = append(facts, Fact{key, was[key], is[key]})
		}
	}
	return facts
}

// recorded is all that decides what Go builds, as far as the executable tells.
func recorded(info *debug.BuildInfo) map[string]string {
	all := map[string]string{"the Go version": info.GoVersion, "the main package": info.Path}
	for _, s := range info.Settings {
		all["build setting "+s.Key] = s.Value
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		version := m.Version
		if m.Replace != nil {
			version += " replaced by " + m.Replace.Path + " " + m.Replace.Version
		}
		all["module "+m.Path] = version
	}
	return all
}
