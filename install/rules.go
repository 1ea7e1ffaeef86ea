package install

import "github.com/PlakarKorp/kpkg/finding"

// Rules are what keeps a package from being installed, beside what verifying it and its signature find.
var Rules = []finding.Rule{
	{
		ID: "install-platform", Severity: finding.Error,
		Title: "The package is for another platform than the machine.",
		Fix:   "Install the one for this platform; --platform says for which machine an image is.",
	},
	{
		ID: "install-older", Severity: finding.Error,
		Title: "A newer version is installed.",
		Fix:   "Give --allow-downgrade if the older one is wanted.",
	},
	{
		ID: "install-different", Severity: finding.Error,
		Title: "The same version is installed, with other bytes.",
		Fix:   "Find out which of the two is the one that was released; --force replaces what is installed.",
	},
	{
		ID: "install-conflict", Severity: finding.Error,
		Title: "Another installed package serves the same protocol, and plakar would start with one of the two.",
		Fix:   "Uninstall the other one first.",
	},
	{
		ID: "install-untrusted", Severity: finding.Error,
		Title: "No key is trusted for the registry or the address that a package is from.",
		Fix:   "Make sure by another way whose key it is, and trust it: `kpkg trust add KEY.pub --scope ADDRESS`.",
	},
	{
		ID: "install-withdrawn", Severity: finding.Error,
		Title: "The registry has withdrawn the version.",
		Fix:   "Install the one that it offers.",
	},
	{
		ID: "installed-broken", Severity: finding.Error,
		Title: "An installed package cannot be used, which may keep plakar from starting at all.",
		Fix:   "Install it again with --force, or uninstall it.",
	},
	{
		ID: "installed-twice", Severity: finding.Warning,
		Title: "Several versions of an integration are installed, of which plakar loads one.",
		Fix:   "Install the newest again, which removes the others.",
	},
	{
		ID: "installed-unsigned", Severity: finding.Info,
		Title: "Nobody whose key is trusted has signed an installed package.",
		Fix:   "Nothing, for a package of one's own; else install it from its registry.",
	},
	{
		ID: "installed-outdated", Severity: finding.Warning,
		Title: "The registry offers a newer version than the one that is installed.",
		Fix:   "`kpkg upgrade NAME`.",
	},
	{
		ID: "installed-withdrawn", Severity: finding.Warning,
		Title: "The registry has withdrawn the version that is installed.",
		Fix:   "Install the version that it offers: `kpkg upgrade NAME`, or with --allow-downgrade `kpkg install NAME@VERSION`.",
	},
}
