package verify

import "github.com/PlakarKorp/kpkg/finding"

// Answer is the report of packages that were judged: their findings, and the packages as a list. In CI systems each package
// is a suite and each check a case. What a report does not show for its length is left out of the packages' findings too.
func Answer(packages []*Report) *finding.Report {
	answer := &finding.Report{Command: "verify"}
	for _, p := range packages {
		answer.Cases = append(answer.Cases, p.cases()...)
		p.Findings = append([]finding.Finding{}, answer.Add(p.Findings...)...)
	}
	answer.Lists = []finding.List{finding.NewList("packages", packages)}
	return answer
}

func (r *Report) cases() []finding.Case {
	cases := []finding.Case{finding.CaseOf(r.File, "opens", finding.Bound(r.opening))}
	for _, c := range r.Checks {
		cases = append(cases, finding.CaseOf(r.File, c.ID, finding.Bound(c.Findings)))
	}
	return cases
}
