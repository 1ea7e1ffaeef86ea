package release

import (
	"errors"

	"github.com/PlakarKorp/kpkg/diff"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/verify"
)

// reported is a release in the JSON of a report.
type reported struct {
	Manifest string            `json:"manifest"`
	Name     string            `json:"name"`
	Version  string            `json:"version,omitempty"`
	Tag      string            `json:"tag,omitempty"`
	Previous string            `json:"previous,omitempty"`
	Outcome  Outcome           `json:"outcome"`
	Dir      string            `json:"dir,omitempty"`
	Error    string            `json:"error,omitempty"`
	Changes  []diff.Change     `json:"changes"`
	Files    []File            `json:"files"`
	Images   []verify.Images   `json:"images,omitempty"`
	Findings []finding.Finding `json:"findings"`
}

// Report is the report of a Run: what was found in each release, and what failed. err is the error of Run.
func Report(releases []*Release, outcome Outcome, err error) *finding.Report {
	report := &finding.Report{Command: "release"}
	var all []reported
	for _, r := range releases {
		one := reported{
			Manifest: r.Source.Document.File, Name: finding.Cut(r.name()), Version: r.Version, Tag: r.Tag, Previous: r.Previous,
			Outcome: outcome, Changes: append([]diff.Change{}, r.Changes...), Files: append([]File{}, r.Files...), Images: r.Images,
			Findings: append([]finding.Finding{}, report.Add(r.Findings...)...),
		}
		if outcome == Written || outcome == Unchanged {
			one.Dir = r.Dir
		}
		for i := range one.Changes {
			one.Changes[i].Subject, one.Changes[i].Message = finding.Cut(one.Changes[i].Subject), finding.CutMessage(one.Changes[i].Message)
		}
		report.Cases = append(report.Cases, finding.RuleCases(one.Manifest, "release", one.Findings)...)
		if r.Err != nil {
			one.Error = r.Err.Error()
			if build := (*gobuild.BuildError)(nil); errors.As(r.Err, &build) {
				report.FailBy("build-failed", one.Manifest, r.Err)
			} else {
				report.Fail(one.Manifest, r.Err)
			}
		}
		all = append(all, one)
	}
	if err != nil {
		report.Fail("", err)
	}
	report.Lists = []finding.List{finding.NewList("releases", all)}
	return report
}
