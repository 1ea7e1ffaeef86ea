package create

import (
	"context"
	"errors"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/manifest"
)

// madeIntegration is an integration in the JSON of a report.
type madeIntegration struct {
	Manifest      string                 `json:"manifest"`
	Name          string                 `json:"name"`
	Version       string                 `json:"version,omitempty"`
	VersionSource manifest.VersionSource `json:"version_source,omitempty"`
	TimeSource    TimeSource             `json:"time_source,omitempty"`
	Error         string                 `json:"error,omitempty"`
	Findings      []finding.Finding      `json:"findings"`
	Packages      []madePackage          `json:"packages"`
}

// madePackage is a package in the JSON of a report, with the names that verify has for the same things.
type madePackage struct {
	File      string              `json:"file"`
	Name      string              `json:"name"`
	Version   string              `json:"version"`
	Platform  executable.Platform `json:"platform"`
	OS        string              `json:"os"`
	Arch      string              `json:"arch"`
	Size      int64               `json:"size,omitempty"`
	Unpacked  int64               `json:"unpacked,omitempty"`
	SHA256    string              `json:"sha256,omitempty"`
	Files     []madeFile          `json:"files"`
	Prebuilt  bool                `json:"prebuilt"`
	Cached    bool                `json:"cached"`
	Unchanged bool                `json:"unchanged"`
	Image     *Image              `json:"image,omitempty"`
	Seconds   float64             `json:"seconds"`
	Error     string              `json:"error,omitempty"`
	Findings  []finding.Finding   `json:"findings"`
}

type madeFile struct {
	Path       string `json:"path"`
	Size       int64  `json:"size"`
	Executable bool   `json:"executable"`
	Built      string `json:"built_from,omitempty"`
}

// Report is the report of a Run: what was found in each integration and in each package made, and what failed. err is the
// error of Run. In CI systems an integration is a suite, each package a case, and each rule that found something.
func Report(integrations []*Integration, err error) *finding.Report {
	report := &finding.Report{Command: "create"}
	var made []madeIntegration
	for _, i := range integrations {
		m := i.Source.Document.Manifest
		one := madeIntegration{
			Manifest: i.Source.Document.File, Name: finding.Cut(m.Name),
			Version: i.Version.Value, VersionSource: i.Version.Source, TimeSource: i.Time,
			Error: message(i.Err), Findings: shown(report, i.Findings), Packages: []madePackage{},
		}
		report.Cases = append(report.Cases, finding.RuleCases(one.Manifest, "manifest", one.Findings)...)
		if i.Err != nil {
			fail(report, one.Manifest, i.Err)
		}
		for _, p := range i.Packages {
			one.Packages = append(one.Packages, i.made(report, p))
		}
		made = append(made, one)
	}
	if err != nil {
		report.Fail("", err)
	}
	report.Lists = []finding.List{finding.NewList("integrations", made)}
	return report
}

// made adds the findings on a package to the report.
func (i *Integration) made(report *finding.Report, p *Package) madePackage {
	one := madePackage{
		File: p.File, Name: p.Name, Version: i.Version.Value, Platform: p.Platform, OS: p.Platform.OS, Arch: p.Platform.Arch,
		Size: p.Size, Unpacked: p.Unpacked, SHA256: p.SHA256, Files: []madeFile{},
		Prebuilt: p.Prebuilt, Cached: p.Cached, Unchanged: p.Unchanged, Image: p.Image, Seconds: p.Seconds,
		Error: message(p.Err), Findings: shown(report, p.Findings),
	}
	for _, f := range p.Files {
		one.Files = append(one.Files, madeFile{Path: f.Name, Size: f.Size, Executable: f.Executable, Built: f.Built})
	}
	all := one.Findings
	// The findings of a rejected package say why; that all was interrupted is said once, by the report.
	if p.Err != nil && !errors.Is(p.Err, ErrRejected) && !errors.Is(p.Err, context.Canceled) {
		all = append(all, fail(report, p.File, p.Err)...)
	}
	c := finding.CaseOf(i.Source.Document.File, p.Platform.String(), all)
	if build := (*gobuild.BuildError)(nil); errors.As(p.Err, &build) {
		c.Failure = p.Err.Error() // with the compiler's lines
	}
	c.Seconds = p.Seconds
	report.Cases = append(report.Cases, c)
	return one
}

// shown adds findings to the report and returns what it shows of them, never nil.
func shown(report *finding.Report, findings []finding.Finding) []finding.Finding {
	return append([]finding.Finding{}, report.Add(findings...)...)
}

// fail adds what could not be made to the report.
func fail(report *finding.Report, file string, err error) []finding.Finding {
	if build := (*gobuild.BuildError)(nil); errors.As(err, &build) {
		return report.FailBy("build-failed", file, err)
	}
	return report.Fail(file, err)
}

// message is what an error says; "" for none.
func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// ValidateReport is the report of manifests that were validated.
func ValidateReport(all []Validated) *finding.Report {
	report := &finding.Report{Command: "validate"}
	var fixed []*Fixed
	for _, one := range all {
		if one.Err != nil {
			report.Fail(one.Path, one.Err)
			continue
		}
		cases := finding.RuleCases(one.Source.Document.File, "manifest", report.Add(one.Source.Findings...))
		report.Cases = append(report.Cases, cases...)
		if one.Source.Fixed != nil {
			fixed = append(fixed, one.Source.Fixed)
		}
	}
	report.Lists = []finding.List{finding.NewList("fixed", fixed)}
	return report
}
