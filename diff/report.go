package diff

import (
	"github.com/PlakarKorp/kpkg/finding"
)

// Report is the report of a comparison, for programs. versions is nil where not both sides are integrations.
func Report(differences []Difference, versions *Versions, err error) *finding.Report {
	report := &finding.Report{Command: "diff"}
	if err != nil {
		report.Fail("", err)
	}
	type entry struct {
		Path    string   `json:"path"`
		Kind    string   `json:"kind"`
		OldSize int64    `json:"size_before"`
		NewSize int64    `json:"size_after"`
		What    []string `json:"what"`
		Facts   []Fact   `json:"facts"`
	}
	entries := make([]entry, 0, len(differences))
	for _, d := range differences {
		e := entry{finding.Cut(d.Path()), d.Kind, d.Old.Size, d.New.Size, []string{}, append([]Fact{}, d.Facts...)}
		for _, what := range d.What {
			e.What = append(e.What, finding.CutMessage(what))
		}
		entries = append(entries, e)
	}
	report.Lists = []finding.List{finding.NewList("differences", entries)}
	if versions == nil {
		return report
	}
	type step struct {
		Old   string `json:"old"`
		New   string `json:"new"`
		Asked Step   `json:"asked"`
		Wrong string `json:"wrong,omitempty"`
		// Bytes of the packages.
		OldSize int64 `json:"size_before,omitempty"`
		NewSize int64 `json:"size_after,omitempty"`
	}
	asked := step{Old: versions.Old, New: versions.New, Asked: versions.Asked, OldSize: versions.OldSize, NewSize: versions.NewSize}
	if versions.Step != nil {
		asked.Wrong = versions.Step.Error()
	}
	report.Lists = append(report.Lists, finding.NewList("changes", versions.Changes), finding.NewList("manifest", versions.Manifest),
		finding.NewList("step", []step{asked}))
	return report
}
