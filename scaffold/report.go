package scaffold

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/PlakarKorp/kpkg/finding"
)

// Rules are what is said of files that are there.
var Rules = []finding.Rule{
	{
		ID: "file-there", Severity: finding.Error,
		Title: "A new integration has a file of this name, and there is one already.",
		Fix:   "Move it away, or begin in another folder with `--out-dir`. Nothing was written.",
	},
	{
		ID: "sdk-modified", Severity: finding.Error,
		Title: "A file of the SDK in an integration's tree was modified after kpkg had written it, and is kept as it is.",
		Fix:   "Look at the difference; `--force` replaces the file.",
	},
}

// outcome is what has become of a file.
type outcome struct {
	File string `json:"file"`
	What string `json:"what"`
}

// Report is the report of a tree that was written, or was not.
func Report(tree *Tree, err error) *finding.Report {
	report := &finding.Report{Command: "init"}
	var conflict *ConflictError
	switch {
	case errors.As(err, &conflict):
		for _, name := range conflict.Files {
			report.FailBy("file-there", under(conflict.Folder, name), errors.New("it is there already, and is not replaced"))
		}
	case err != nil:
		report.Fail("", err)
	}
	var files []outcome
	if err == nil {
		for _, f := range tree.Files {
			files = append(files, outcome{under(tree.Folder, f.Path), "added"})
		}
		for _, name := range tree.Kept {
			files = append(files, outcome{under(tree.Folder, name), "kept"})
		}
	}
	report.Lists = []finding.List{finding.NewList("written", files)}
	return report
}

// UpdateReport is the report of an SDK that was updated, or was not.
func UpdateReport(folder string, changes []Change, err error) *finding.Report {
	report := &finding.Report{Command: "init"}
	if err != nil {
		report.Fail("", err)
	}
	var files []outcome
	for _, c := range changes {
		name := under(folder, filepath.FromSlash(c.Path))
		files = append(files, outcome{name, c.What})
		if c.What == "kept" {
			report.Add(finding.Finding{
				Rule: "sdk-modified", Severity: finding.Error, File: name,
				Message: fmt.Sprintf("%s was modified and is kept", name), Hint: "--force replaces it",
			})
		}
	}
	report.Lists = []finding.List{finding.NewList("written", files)}
	return report
}
