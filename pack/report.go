package pack

import "github.com/PlakarKorp/kpkg/finding"

// Report is the report of an archive that was made at path, or not.
func Report(path string, result Result, err error) *finding.Report {
	report := &finding.Report{Command: "pack"}
	for _, f := range result.Failures {
		report.Add(finding.Finding{Rule: "entry-failed", Severity: finding.Error, File: f.Path, Message: finding.CutMessage(f.Error)})
	}
	report.Failed = result.Failed > 0
	if err != nil {
		report.Fail("", err)
	}
	type archive struct {
		File    string `json:"file"`
		Files   int    `json:"files"`
		Folders int    `json:"folders"`
		Others  int    `json:"others"`
		Failed  int    `json:"failed"`
		Bytes   int64  `json:"bytes"`
		Size    int64  `json:"size"`
	}
	var archives []archive
	if err == nil {
		archives = append(archives,
			archive{path, result.Files, result.Folders, result.Others, result.Failed, result.Bytes, result.Size})
	}
	report.Lists = []finding.List{finding.NewList("archives", archives)}
	return report
}
