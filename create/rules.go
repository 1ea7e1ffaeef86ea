package create

import "github.com/PlakarKorp/kpkg/finding"

// Rules are all that the findings on what is packed, and on how it came out, say. Those on manifests, executables and packages
// come from the packages that judge these.
var Rules = []finding.Rule{
	{
		ID: "source-modified", Severity: finding.Warning, Strict: true,
		Title: "The source is not the commit that the package names.",
		Fix:   "Commit what belongs to it, have git ignore the rest.",
	},
	{
		ID: "file-omitted", Severity: finding.Warning,
		Title: "A `README.md`, `LICENSE` or `assets/icon.{svg,png}` that clients would show is left out of the package: it is a " +
			"link or a folder, its name is in another case (`Readme.md`), or it is larger than they show (README 1 MiB, " +
			"icon 256 KiB).",
		Fix: "Put the file itself there.",
	},
	{
		ID: "ignore-unknown", Severity: finding.Warning,
		Title: "A rule in `build.ignore` that does not exist.",
		Fix:   "Correct it: findings name their rules in brackets.",
	},
	{
		ID: "output-name", Severity: finding.Warning,
		Title: "`-o` names a file that plakar would not install under that name.",
		Fix:   "Rename it before you publish it.",
	},
	{
		ID: "image-manifest", Severity: finding.Info,
		Title: "With `--image` the manifest in a package is not the author's: connectors have `image_id`, another for each platform, in the " +
			"place of `executable`.",
		Fix: "Offer packages with executables as well: released clients run no containers.",
	},
	{
		ID: "build-environment", Severity: finding.Warning,
		Title: "Settings of the environment that would change the bytes, and have no part in the build; as info, a go.work.",
		Fix:   "Put what the packages need under `build` in the manifest.",
	},
	{
		ID: "git-missing", Severity: finding.Warning,
		Title: "The source is in a git repository, and there is no git to ask for its commit: the times in the packages become 1970.",
		Fix:   "Install git, or set SOURCE_DATE_EPOCH to the time of the commit: the bytes are then those that others make of it.",
	},
	{
		ID: "build-cgo", Severity: finding.Warning,
		Title: "A package in an executable was built without its cgo files, with others in their place.",
		Fix:   "Try what it is used for; take another package, or `build.env: {CGO_ENABLED: 1}`, where it fails.",
	},
	{
		ID: "cache-damaged", Severity: finding.Warning,
		Title: "An executable kept by an earlier run was no longer what had been kept, and was built again.",
		Fix:   "Find out what changed it.",
	},
	{
		ID: "cache-shared", Severity: finding.Warning,
		Title: "Others can write to kpkg's cache: nothing that is kept there is used, and nothing is kept.",
		Fix:   "Remove the folder that is named, or name a place of your own in `XDG_CACHE_HOME`.",
	},
	{
		ID: "build-failed", Severity: finding.Error,
		Title: "go does not build an executable.",
		Fix:   "Correct what the compiler says.",
	},
	{
		ID: "rebuild-differs", Severity: finding.Error,
		Title: "`kpkg verify --rebuild` makes another package than the one it is given.",
		Fix:   "Build with the Go version, the settings and the modules that the message names, from the commit of the package.",
	},
}
