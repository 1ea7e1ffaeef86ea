package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

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
}

func newVersionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the versions of kpkg, of the kloset it writes with, and of Go",
		Example: `  kpkg version`,
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
		OS: runtime.GOOS, Arch: runtime.GOARCH,
	}
	if v.Kpkg == "" {
		v.Kpkg = "(devel)"
	}
	for _, module := range info.Deps {
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
	_, err := fmt.Fprintf(out, "kpkg %s\n%skloset %s\ngo %s %s/%s\n", v.Kpkg, commit, v.Kloset, v.Go, v.OS, v.Arch)
	return err
}
