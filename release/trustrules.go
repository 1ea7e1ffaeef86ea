package release

import "github.com/PlakarKorp/kpkg/finding"

// TrustRules are all that the findings on sums and signatures say.
var TrustRules = []finding.Rule{
	{
		ID: "sum-missing", Severity: finding.Error,
		Title: "There is no `F.sum` beside the file F. A warning without `--require-signature`.",
		Fix:   "Fetch it with the file; whoever makes the file writes it with `kpkg sign`.",
	},
	{
		ID: "sum-form", Severity: finding.Error,
		Title: "`F.sum` is not one line `SHA256 (F) = HEX`.",
		Fix:   "Fetch it again.",
	},
	{
		ID: "sum-name", Severity: finding.Error,
		Title: "`F.sum` is the sum of a file with another name.",
		Fix:   "Fetch the sum of this one.",
	},
	{
		ID: "sum-mismatch", Severity: finding.Error,
		Title: "The file has another SHA-256 than `F.sum` says.",
		Fix:   "Fetch both again. The message says whether the file is the one that was signed.",
	},
	{
		ID: "signature-missing", Severity: finding.Error,
		Title: "There is no `F.sum.sig` beside the file F. A warning without `--require-signature`.",
		Fix:   "Ask whoever made the file for it; `kpkg sign` writes it.",
	},
	{
		ID: "signature-form", Severity: finding.Error,
		Title: "`F.sum.sig` is no embedded signature of signify's of a sum, or larger than 64 KiB.",
		Fix:   "Fetch it again, or have it signed with `kpkg sign`.",
	},
	{
		ID: "signature-key", Severity: finding.Error,
		Title: "The file is signed with a key that is none of those given.",
		Fix: "Do not use the file, unless its maker tells you by another way that the key is theirs. Of a key that is no longer " +
			"trusted this is as it should be.",
	},
	{
		ID: "signature-forged", Severity: finding.Error,
		Title: "The signature was not made by the key that it names, or what it signs was changed.",
		Fix:   "Do not use the file; fetch it again from its maker.",
	},
	{
		ID: "signature-name", Severity: finding.Error,
		Title: "The signature is that of a file with another name.",
		Fix:   "Do not use the file: it may be an older one under a new name.",
	},
	{
		ID: "signature-sum", Severity: finding.Error,
		Title: "The file has another SHA-256 than the one that was signed.",
		Fix:   "Do not use the file; fetch it and its signature again.",
	},
}
