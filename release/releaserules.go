package release

import "github.com/PlakarKorp/kpkg/finding"

// Rules are what the findings of a release say beside those of the rooms that it is made by.
var Rules = []finding.Rule{
	{
		ID: "release-dirty", Severity: finding.Error,
		Title: "The repository is not as its commit has it, or git does not tell.",
		Fix:   "Commit what belongs to it, have git ignore the rest; or `--allow release-dirty`.",
	},
	{
		ID: "release-commit", Severity: finding.Error,
		Title: "The source is in no git repository with a commit: nobody can make the packages again.",
		Fix:   "Commit it; or `--allow release-commit`.",
	},
	{
		ID: "release-exists", Severity: finding.Error,
		Title: "The version is there already: its tag is on another commit, or the folder holds another release.",
		Fix:   "Give a new version, or another folder; or `--allow release-exists`, which replaces the folder.",
	},
	{
		ID: "release-tag", Severity: finding.Error,
		Title: "The tags of the commit say another version.",
		Fix:   "Release that version, or tag the commit; or `--allow release-tag`.",
	},
	{
		ID: "release-untagged", Severity: finding.Warning,
		Title: "No tag says the version, and the recipe names one.",
		Fix:   "Tag the commit and push the tag before what was released is published.",
	},
	{
		ID: "release-step", Severity: finding.Error,
		Title: "The version goes up by less than what changed asks for: a connector, protocol, platform or option that is gone, an " +
			"option newly required or of another type, a changed flag take a major step, what is new a minor one; before 1.0.0 a minor " +
			"step and a patch.",
		Fix: "Take the step that the message names, or keep what users rely on; or `--allow release-step`.",
	},
	{
		ID: "release-license", Severity: finding.Error,
		Title: "There is no LICENSE to pack.",
		Fix:   "Put it beside the manifest; or `--allow release-license`.",
	},
	{
		ID: "release-readme", Severity: finding.Error,
		Title: "There is no README.md to pack.",
		Fix:   "Write one beside the manifest; or `--allow release-readme`.",
	},
	{
		ID: "release-secret", Severity: finding.Error,
		Title: "A file is about to be packed that holds a secret key, or whose name says so: `.env`, `*.key`, `id_ed25519` and the like.",
		Fix:   "Take it out of `extra_files`; or `--allow release-secret`.",
	},
	{
		ID: "release-untested", Severity: finding.Error,
		Title: "A connector was not tested: nothing says where, its type has no tests, or no package is for this machine.",
		Fix:   "Say where in kpkg-test.yaml; or `--skip-test TYPE:PROTOCOL`.",
	},
	{
		ID: "release-module-licence", Severity: finding.Warning,
		Title: "The licence of a module in the executables is not known.",
		Fix:   "Find out whether you may hand it on.",
	},
}

// Overridable are the rules that Options.Allow takes.
func Overridable() []string {
	return []string{
		"release-dirty", "release-commit", "release-exists", "release-tag", "release-step", "release-license", "release-readme", "release-secret",
	}
}
