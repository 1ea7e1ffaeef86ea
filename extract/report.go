package extract

import (
	"github.com/dustin/go-humanize/english"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// Rules are what can be found when a snapshot is extracted.
var Rules = []finding.Rule{
	{
		ID: "entry-not-extracted", Severity: finding.Error,
		Title: "An entry was not extracted as the snapshot has it; the others were.",
		Fix:   "The message is why. `--force` replaces what is in the way; `kpkg check` says what is damaged.",
	},
	{
		ID: "setid-left", Severity: finding.Warning,
		Title: "Files were extracted without setuid or setgid, which gives whoever runs them the rights of another.",
		Fix:   "Set it with chmod on those that need it.",
	},
	{
		ID: "owners-left", Severity: finding.Warning,
		Title: "Files of others became those of the user who extracts: only root can give files away.",
		Fix:   "Nothing, or extract as root.",
	},
}

// Warnings say what was left out on purpose.
func (r Result) Warnings() []finding.Finding {
	var all []finding.Finding
	warn := func(rule, message string) {
		all = append(all, finding.Finding{Rule: rule, Severity: finding.Warning, Message: message})
	}
	if r.SetIDs > 0 {
		warn("setid-left", english.Plural(r.SetIDs, "file was", "files were")+" extracted without setuid or setgid")
	}
	if r.Owners > 0 {
		warn("owners-left", "only root can give files to others: "+
			english.Plural(r.Owners, "entry that was another's is", "entries that were others' are")+" yours now")
	}
	return all
}

// extracted is what came of an extraction as programs read it.
type extracted struct {
	File     string        `json:"file"`
	Snapshot string        `json:"snapshot"`
	To       string        `json:"to"`
	Files    int           `json:"files"`
	Folders  int           `json:"folders"`
	Links    int           `json:"links"`
	Bytes    int64         `json:"bytes"`
	Failed   int           `json:"failed"`
	Missing  int           `json:"missing"`
	Failures []failureItem `json:"failures"`
}

type failureItem struct {
	Path  string `json:"path,omitempty"`
	Error string `json:"error"`
}

// Report is the report of an extraction out of the ptar file to a folder, a tar or a zip, with the error that ended it. snapshot is
// nil if none was opened.
func Report(file string, snapshot *ptarread.Snapshot, to string, r Result, err error) *finding.Report {
	report := &finding.Report{Command: "extract"}
	one := extracted{
		File: file, To: to, Files: r.Files, Folders: r.Folders, Links: r.Links, Bytes: r.Bytes, Failed: r.Failed, Missing: r.Missing,
		Failures: []failureItem{},
	}
	var found []finding.Finding
	for _, f := range r.Failures {
		text := finding.CutMessage(f.Error.Error())
		found = append(found, finding.Finding{Rule: "entry-not-extracted", Severity: finding.Error, File: f.Path, Message: text})
		one.Failures = append(one.Failures, failureItem{finding.Cut(f.Path), text})
	}
	report.Add(found...)
	report.Add(r.Warnings()...)
	report.Failed = r.Failed+r.Missing > 0
	if err != nil {
		report.Fail(file, err)
	}
	if snapshot != nil {
		one.Snapshot = snapshot.Info().ID
		report.Lists = []finding.List{finding.NewList("extracted", []extracted{one})}
		return report
	}
	report.Lists = []finding.List{finding.NewList("extracted", []extracted{})}
	return report
}
