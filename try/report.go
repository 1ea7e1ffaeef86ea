package try

import (
	"errors"
	"fmt"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/entrymode"
	"github.com/PlakarKorp/kpkg/internal/regular"
)

// transfer is a backup or a restore as programs read it.
type transfer struct {
	Package  string    `json:"package"`
	Data     string    `json:"data"`
	Files    int       `json:"files"`
	Folders  int       `json:"folders"`
	Others   int       `json:"others"`
	Failed   int       `json:"failed"`
	Bytes    int64     `json:"bytes"`
	Size     int64     `json:"size,omitempty"`
	Store    string    `json:"store,omitempty"`
	Snapshot string    `json:"snapshot,omitempty"`
	Made     bool      `json:"made,omitempty"`
	Failures []Failure `json:"failures"`
}

// TransferReport is the report of a Backup or Restore: what it copied, and findings on what it did not. warnings are those
// that the options' Warn was told.
func TransferReport(command string, opts Options, warnings []string, result Result, err error) *finding.Report {
	report := &finding.Report{Command: command}
	addWarnings(report, warnings)
	for _, f := range result.Failures {
		report.Add(f.finding(finding.Error))
	}
	if n := result.AttributesLeft; n > 0 {
		report.Add(finding.Finding{
			Rule: "attributes-left", Severity: finding.Warning,
			Message: fmt.Sprintf("the exporter takes no extended attributes: %d not restored", n),
		})
	}
	report.Failed = result.Failed > 0
	var rejected *host.RejectedError
	switch {
	case errors.As(err, &rejected):
		report.Add(rejected.Findings...)
	case err != nil:
		report.Fail("", err)
	}
	copied := transfer{
		Package: opts.Package, Data: opts.Data, Files: result.Files, Folders: result.Directories, Others: result.Others,
		Failed: result.Failed, Bytes: result.Bytes, Size: result.Size, Failures: shown(result.Failures),
	}
	if opts.Store != nil {
		copied.Data, copied.Store, copied.Snapshot, copied.Made = opts.Store.String(), opts.Store.Package, result.Snapshot, result.Made
	}
	report.Lists = []finding.List{finding.NewList("transfers", []transfer{copied})}
	return report
}

func addWarnings(report *finding.Report, warnings []string) {
	for _, text := range warnings {
		report.Add(finding.Finding{Rule: "setting-unknown", Severity: finding.Warning, Message: text})
	}
}

// ListReport is the report of a List, or of a ListStore, whose options' Warn was told the warnings.
func ListReport(path string, entries []Entry, contents Contents, warnings []string, err error) *finding.Report {
	report := &finding.Report{Command: "try ls"}
	addWarnings(report, warnings)
	for _, f := range contents.Failures {
		report.Add(f.finding(finding.Warning))
	}
	var rejected *host.RejectedError
	switch {
	case errors.As(err, &rejected):
		report.Add(rejected.Findings...)
	case err != nil:
		report.Fail(path, err)
	}
	type data struct {
		File     string    `json:"file"`
		Type     string    `json:"type"`
		Origin   string    `json:"origin"`
		Root     string    `json:"root"`
		Time     string    `json:"time"`
		Failures []Failure `json:"failures"`
	}
	var files []data
	if err == nil {
		files = []data{{path, finding.Cut(contents.Type), finding.Cut(contents.Origin), finding.Cut(contents.Root),
			contents.Time.UTC().Format("2006-01-02T15:04:05Z"), shown(contents.Failures)}}
	}
	type entry struct {
		Path   string `json:"path"`
		Kind   string `json:"kind"`
		Mode   string `json:"mode"`
		Size   int64  `json:"size"`
		Time   string `json:"time"`
		Target string `json:"target,omitempty"`
	}
	listed := finding.List{Name: "entries", Items: make([]any, len(entries))}
	for i, e := range entries {
		listed.Items[i] = entry{
			e.Path, regular.Kind(e.Mode), entrymode.Text(e.Mode), e.Size, e.ModTime.UTC().Format("2006-01-02T15:04:05Z"), e.Target,
		}
	}
	report.Lists = []finding.List{finding.NewList("data", files), listed}
	return report
}

func (f Failure) finding(severity finding.Severity) finding.Finding {
	return finding.Finding{Rule: "entry-failed", Severity: severity, File: f.Path, Message: finding.CutMessage(f.Error)}
}

// shown are failures as an array of JSON, which is never null.
func shown(failures []Failure) []Failure { return append([]Failure{}, failures...) }
