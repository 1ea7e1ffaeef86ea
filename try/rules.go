package try

import "github.com/PlakarKorp/kpkg/finding"

// Rules are what can be found on a backup, a restore or a data file. Those on the package come from the packages that judge it.
var Rules = []finding.Rule{
	{
		ID: "entry-failed", Severity: finding.Error,
		Title: "An entry could not be backed up or restored; the others were. Of a data file that is listed, a warning.",
		Fix:   "The message is the connector's, about the entry at that path.",
	},
	{
		ID: "setting-unknown", Severity: finding.Warning,
		Title: "The connector's schema does not know a setting of the configuration, and allows it.",
		Fix:   "Correct its name, or leave it out.",
	},
	{
		ID: "attributes-left", Severity: finding.Warning,
		Title: "The exporter takes no extended attributes, and the data file has some.",
		Fix:   "Nothing, if the destination cannot keep them.",
	},
}
