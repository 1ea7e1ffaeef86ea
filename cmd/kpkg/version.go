package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
)

// versions are what kpkg is made of.
type versions struct {
	Kpkg   string `json:"kpkg"`
	Kloset string `json:"kloset"`
	Go     string `json:"go"`
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	// Commit and its Time are missing where kpkg was built without its repository.
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"`
	Modified bool   `json:"modified"`
	// Modules are those in this program, by path.
	Modules []moduleVersion `json:"modules"`
}

// moduleVersion is a module in this program. The sum is that of go.sum.
type moduleVersion struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	Sum     string `json:"sum,omitempty"`
}

func newVersionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of kpkg, of its modules, and of Go",
		Long: `Print the version of kpkg and the commit that it was built from, the version of kloset, which it writes with, and that of Go;
with --verbose, and in JSON, those of all Go modules in it.

Exit status: 0 fine; 2 wrong usage.`,
		Example: `  kpkg version
  kpkg version --verbose`,
	}
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		v := ownVersions()
		return format.write(cmd, &finding.Report{
			Command: "version",
			Lists:   []finding.List{finding.NewList("versions", []versions{v})},
			Show:    func(out io.Writer) error { return v.print(out) },
		})
	}
	return cmd
}

// ownVersions are those of this program.
func ownVersions() versions {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return versionsOf(info)
}

// versionsOf reads what the Go toolchain stamped.
func versionsOf(info *debug.BuildInfo) versions {
	v := versions{
		Kpkg: info.Main.Version, Kloset: "unknown", Go: strings.TrimPrefix(runtime.Version(), "go"),
		OS: runtime.GOOS, Arch: runtime.GOARCH, Modules: []moduleVersion{},
	}
	if v.Kpkg == "" {
		v.Kpkg = "(devel)"
	}
	for _, module := range info.Deps {
		v.Modules = append(v.Modules, moduleVersion{module.Path, module.Version, module.Sum})
		if module.Path == "github.com/PlakarKorp/kloset" {
			v.Kloset = module.Version
		}
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func (v versions) print(out io.Writer) error {
	commit := ""
	if v.Commit != "" {
		commit = fmt.Sprintf("commit %.12s of %s", v.Commit, v.Time)
		if v.Modified {
			commit += ", modified"
		}
		commit += "\n"
	}
	if _, err := fmt.Fprintf(out, "kpkg %s\n%skloset %s\ngo %s %s/%s\n", v.Kpkg, commit, v.Kloset, v.Go, v.OS, v.Arch); err != nil {
		return err
	}
	if !screen.verbose {
		_, err := fmt.Fprintf(out, "%s, which --verbose lists\n", english.Plural(len(v.Modules), "module", ""))
		return err
	}
	for _, m := range v.Modules {
		if _, err := fmt.Fprintf(out, "  %s %s\n", m.Path, m.Version); err != nil {
			return err
		}
	}
	return nil
}
