package inspect

import (
	"time"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/verify"
)

// Rules are what can be found in an archive. Those on packages come from the rooms that judge them.
var Rules = []finding.Rule{
	{
		ID: "entry-unreadable", Severity: finding.Error,
		Title: "An entry of an archive cannot be read; the others can.",
		Fix:   "`kpkg check` says what is damaged.",
	},
	{
		ID: "entry-missing", Severity: finding.Warning,
		Title: "The snapshot lacks an entry, since it could not be read when the archive was made.",
		Fix:   "The message is why; make the archive again when it can be read.",
	},
	{
		ID: "archive-damaged", Severity: finding.Error,
		Title: "Bytes of the archive are not those that were written, or contradict each other.",
		Fix:   "Take another copy. `kpkg extract` extracts all that is not hit.",
	},
	{
		ID: "archive-format", Severity: finding.Error,
		Title: "It is no ptar, or of a kind or size that kpkg does not read.",
		Fix:   "The message says which.",
	},
}

// finding is a failure as a report has it.
func (f Failure) finding(rule string, severity finding.Severity) finding.Finding {
	return finding.Finding{Rule: rule, Severity: severity, File: f.Path, Message: finding.CutMessage(f.Error.Error())}
}

// Timestamp is how reports write times, in UTC.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// ListReport is the report of a List of a snapshot, which is nil if none was opened, with the error that ended it.
func ListReport(file string, snapshot *ptarread.Snapshot, entries *Entries, listed Listed, err error) *finding.Report {
	report := &finding.Report{Command: "ls"}
	for _, f := range listed.Failures {
		report.Add(f.finding("entry-unreadable", finding.Error))
	}
	for _, f := range listed.MissingOnes {
		report.Add(f.finding("entry-missing", finding.Warning))
	}
	report.Failed = listed.Failed > 0
	if err != nil {
		report.Fail(file, err)
	}
	report.Lists = []finding.List{finding.NewList("snapshots", snapshotItems(file, snapshot)), entries.list()}
	return report
}

// snapshotItem is a snapshot as programs read it.
type snapshotItem struct {
	File     string   `json:"file"`
	ID       string   `json:"id"`
	Name     string   `json:"name,omitempty"`
	Tags     []string `json:"tags,omitempty"`
	Time     string   `json:"time"`
	Duration float64  `json:"seconds"`
	Type     string   `json:"type"`
	Origin   string   `json:"origin"`
	Root     string   `json:"root"`
	Files    uint64   `json:"files"`
	Folders  uint64   `json:"folders"`
	Others   uint64   `json:"others"`
	Errors   uint64   `json:"errors"`
	Bytes    uint64   `json:"bytes"`
}

func itemOf(file string, info ptarread.SnapshotInfo, source ptarread.Source) snapshotItem {
	tags := make([]string, len(info.Tags))
	for i, tag := range info.Tags {
		tags[i] = finding.Cut(tag)
	}
	return snapshotItem{
		File: file, ID: info.ID, Name: finding.Cut(info.Name), Tags: tags, Time: timestamp(info.Time),
		Duration: info.Duration.Seconds(), Type: finding.Cut(source.Type), Origin: finding.Cut(source.Origin),
		Root: finding.Cut(source.Root), Files: source.Files, Folders: source.Directories, Others: source.Others,
		Errors: source.Errors, Bytes: source.Bytes,
	}
}

func snapshotItems(file string, snapshot *ptarread.Snapshot) []snapshotItem {
	if snapshot == nil {
		return nil
	}
	return []snapshotItem{itemOf(file, snapshot.Info(), snapshot.Source())}
}

// Report is the report of ptars that were inspected, and of those that could not be.
func Report(files []*Ptar, failures map[string]error) *finding.Report {
	report := &finding.Report{Command: "inspect"}
	var items []ptarItem
	for _, p := range files {
		item := p.item()
		if p.Package != nil {
			item.Package.Findings = append([]finding.Finding{}, report.Add(p.Findings()...)...)
		}
		items = append(items, item)
	}
	for file, err := range failures {
		report.Fail(file, err)
	}
	report.Lists = []finding.List{finding.NewList("ptars", items)}
	return report
}

type ptarItem struct {
	File        string         `json:"file"`
	Size        int64          `json:"size"`
	Kind        string         `json:"kind"`
	Compression string         `json:"compression"`
	Encryption  string         `json:"encryption"`
	Hashing     string         `json:"hashing"`
	Chunking    string         `json:"chunking"`
	Repository  string         `json:"repository_id"`
	State       string         `json:"state_version"`
	Snapshots   []snapshotItem `json:"snapshots"`
	Layout      []regionItem   `json:"layout"`
	Package     *verify.Report `json:"package,omitempty"`
	Manifest    string         `json:"manifest,omitempty"`
	Programs    []programItem  `json:"programs,omitempty"`
}

type regionItem struct {
	Name   string `json:"name"`
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
}

type programItem struct {
	Path     string            `json:"path"`
	Modules  []moduleItem      `json:"modules"`
	Settings map[string]string `json:"settings"`
	Sizes    []sizeItem        `json:"sizes"`
}

type moduleItem struct {
	Path     string `json:"path"`
	Version  string `json:"version"`
	Replaced string `json:"replaced,omitempty"`
}

type sizeItem struct {
	Module string `json:"module"`
	Code   int64  `json:"code"`
	Data   int64  `json:"data"`
}

func (p *Ptar) item() ptarItem {
	item := ptarItem{
		File: p.File, Size: p.Size, Kind: "archive", Compression: p.Compression(), Encryption: p.Encryption(), Hashing: p.Info.Hashing,
		Chunking: finding.Cut(p.Info.Chunking.Algorithm), Repository: p.Info.RepositoryID, State: p.Info.StateVersion,
		Snapshots: []snapshotItem{}, Layout: []regionItem{},
	}
	for _, s := range p.Snapshots {
		for _, source := range s.Sources {
			item.Snapshots = append(item.Snapshots, itemOf(p.File, s, source))
		}
	}
	for _, r := range p.Layout {
		item.Layout = append(item.Layout, regionItem{r.Name, r.Offset, r.Length})
	}
	if p.Package == nil {
		return item
	}
	report := *p.Package.Report
	item.Kind, item.Package, item.Manifest = "package", &report, p.Package.Manifest
	for _, program := range p.Package.Programs {
		one := programItem{program.Path, []moduleItem{}, map[string]string{}, []sizeItem{}}
		for _, m := range program.All {
			one.Modules = append(one.Modules, moduleItem(m))
		}
		for _, s := range program.Settings {
			one.Settings[s.Key] = s.Value
		}
		for _, s := range program.Sizes {
			one.Sizes = append(one.Sizes, sizeItem{finding.Cut(s.Module), s.Code, s.Data})
		}
		item.Programs = append(item.Programs, one)
	}
	return item
}
