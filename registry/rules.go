package registry

import "github.com/PlakarKorp/kpkg/finding"

// Rules are what the findings on a tree say beside those on sums, signatures and packages.
var Rules = []finding.Rule{
	{
		ID: "registry-missing", Severity: finding.Error,
		Title: "A file that the tree names is not there.",
		Fix:   "Upload it again; `kpkg index` with the release puts it back where the tree itself lacks it.",
	},
	{
		ID: "registry-form", Severity: finding.Error,
		Title: "An index, a list of versions or a recipe cannot be read, or names what is none.",
		Fix:   "Upload it again from the tree that `kpkg index` has made.",
	},
	{
		ID: "registry-stale", Severity: finding.Error,
		Title: "Two parts of the tree say different things: index, list of versions, recipe, or the bytes of a file.",
		Fix:   "Upload what is older again, the index last; locally, `kpkg index --out-dir TREE` does what an interrupted run has left.",
	},
	{
		ID: "registry-older", Severity: finding.Error,
		Title: "The tree is older than it was seen before: its index, the version that it offers, or a version that is gone.",
		Fix:   "Find out who has put the old one there: users would be kept from what mends it.",
	},
	{
		ID: "registry-changed", Severity: finding.Error,
		Title: "A version has other files than it was seen with before.",
		Fix:   "Put back what was published; what is new belongs into a new version.",
	},
	{
		ID: "registry-package", Severity: finding.Error,
		Title: "A package does not pass its verification.",
		Fix:   "`kpkg verify` says why. Withdraw the version.",
	},
	{
		ID: "registry-stray", Severity: finding.Warning,
		Title: "A file is in the tree that nothing names.",
		Fix:   "Remove it, or have `kpkg index` put it there. What a killed run has left, the next one removes.",
	},
	{
		ID: "registry-http", Severity: finding.Warning,
		Title: "The tree is read over http, which plakar's clients refuse.",
		Fix:   "Serve it over https.",
	},
}
