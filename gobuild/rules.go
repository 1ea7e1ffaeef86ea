package gobuild

import "github.com/PlakarKorp/kpkg/finding"

// Rules are all that the findings on executables, their main packages and the Makefile say.
var Rules = []finding.Rule{
	{
		ID: "executable-unbuilt", Severity: finding.Error,
		Title: "No main package builds an executable and no file provides it; or `build.packages` or the Makefile name " +
			"a folder that is no main package.",
		Fix: "Name the main package under `build.packages`, write one where the conventions look, or put the finished " +
			"file in its place.",
	},
	{
		ID: "executable-not-made", Severity: finding.Warning,
		Title: "The Makefile builds other executables but not this one: kpkg finds its package, `plakar pkg build` fails.",
		Fix:   "Add the executable to the Makefile, or remove it from the manifest.",
	},
	{
		ID: "wrong-package", Severity: finding.Warning,
		Title: "The storage is built from the exporter's package, and the like.",
		Fix:   "Name the right main package under `build.packages`.",
	},
	{
		ID: "same-package", Severity: finding.Warning,
		Title: "The conventions lead from two executables to one package.",
		Fix:   "Let one executable serve several connectors, or name each one's main package under `build.packages`.",
	},
	{
		ID: "module-missing", Severity: finding.Error,
		Title: "No go.mod in the manifest's folder or above. Go takes one in the folder for temporary files (`TMPDIR`) for none.",
		Fix:   "Run `go mod init`.",
	},
	{
		ID: "go-file-kind", Severity: finding.Error,
		Title: "A pipe, a device or a socket named like a Go file, beside Go files: go would wait for it.",
		Fix:   "Remove it.",
	},
	{
		ID: "build-platform", Severity: finding.Error,
		Title: "An entry of `build.platforms` that Go cannot build for.",
		Fix:   "Take platforms that `go tool dist list` names.",
	},
	{
		ID: "build-program", Severity: finding.Warning, Strict: true,
		Title: "The manifest has the build start a program, or load code.",
		Fix:   "Leave it to those who build: they can set it in their own environment, or have the program in their `PATH`.",
	},
	{
		ID: "build-ldflags", Severity: finding.Error,
		Title: "An unknown field in `build.ldflags`.",
		Fix:   "Take `{{.Version}}`, `{{.Commit}}` and `{{.Date}}`; there are no others.",
	},
	{
		ID: "makefile-undeclared", Severity: finding.Warning,
		Title: "Plain `make` builds an executable that no connector names.",
		Fix:   "Name it as a connector's executable, or build it under a target of its own.",
	},
	{
		ID: "makefile-package", Severity: finding.Warning,
		Title: "The Makefile builds from a folder that is no main package; kpkg found another.",
		Fix:   "Correct the package in the Makefile.",
	},
	{
		ID: "makefile-ext", Severity: finding.Warning,
		Title: "Names without `${EXT}`: `plakar pkg build` finds no `.exe` on windows. Not where windows is no target.",
		Fix:   "Write `-o NAME${EXT}`; kpkg itself appends `.exe`.",
	},
	{
		ID: "makefile-size", Severity: finding.Warning,
		Title: "A Makefile over 1 MiB, which is not read.",
		Fix:   "Name the main packages under `build.packages` in the manifest.",
	},
	{
		ID: "makefile-missing", Severity: finding.Info,
		Title: "`plakar pkg build` needs a Makefile. Not said where the manifest has the key `build`.",
		Fix:   "Nothing, for kpkg; for `plakar pkg build` write a Makefile.",
	},
}
