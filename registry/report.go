package registry

import "github.com/PlakarKorp/kpkg/finding"

// tally is a check in the JSON of a report.
type tally struct {
	Location     string `json:"location"`
	Integrations int    `json:"integrations"`
	Versions     int    `json:"versions"`
	Packages     int    `json:"packages"`
	Files        int    `json:"files"`
	Bytes        int64  `json:"bytes"`
}

// Report is the report of what was changed, or checked; err is what could not be done.
func Report(changes []Change, checked *Checked, err error) *finding.Report {
	report := &finding.Report{Command: "index"}
	tallies := []tally{}
	if checked != nil {
		tallies = append(tallies, tally{
			checked.Location, checked.Integrations, checked.Versions, checked.Packages, checked.Files, checked.Bytes,
		})
		report.Cases = finding.RuleCases(checked.Location, "registry", report.Add(checked.Findings...))
	}
	if err != nil {
		report.Fail("", err)
	}
	report.Lists = []finding.List{finding.NewList("published", changes), finding.NewList("registries", tallies)}
	return report
}
