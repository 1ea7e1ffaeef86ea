package verify

import (
	"github.com/PlakarKorp/kpkg/finding"
)

// Report is what File found out. Its JSON form is part of kpkg's stable output. What the file does not tell, because it
// is damaged or not a package, is left empty.
type Report struct {
	// File is the path as the caller gave it.
	File string `json:"file"`
	// SHA256 is that of the file, in lower-case hexadecimal.
	SHA256 string `json:"sha256,omitempty"`
	// Size is the length of the package, Unpacked that of all its files together, in bytes.
	Size     int64 `json:"size"`
	Unpacked int64 `json:"unpacked"`

	// Name, Version, OS and Arch are those of the file name, from which plakar takes them.
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	OS      string `json:"os,omitempty"`
	Arch    string `json:"arch,omitempty"`

	Connectors  []Connector  `json:"connectors"`
	Executables []Executable `json:"executables"`
	Files       []PackedFile `json:"files"`
	Encoding    Encoding     `json:"encoding"`
	// Images is nil where no connector names one, or no archive of them was given or beside the package.
	Images *Images `json:"image,omitempty"`

	// Clients are the lines of plakar's releases, from the oldest to the one to come; none when there is no manifest.
	Clients []Client `json:"clients"`

	// Checks lists what was checked; a package that does not open leaves most out.
	Checks []Check `json:"checks"`
	// Findings are sorted.
	Findings []finding.Finding `json:"findings"`

	// Signature is the one that was found to be right, nil when there is none or nobody has looked for one.
	Signature *Signature `json:"signature,omitempty"`

	opening []finding.Finding // why it did not open
}

// Signature says who has signed a file.
type Signature struct {
	// Key is the id of the key, in hexadecimal.
	Key string `json:"key"`
	// File is where the key was read from, Comment what its first line says, for which nobody vouches.
	File    string `json:"file"`
	Comment string `json:"comment,omitempty"`
}

// Connector is one that the package's manifest declares.
type Connector struct {
	Type       string   `json:"type"`
	Protocols  []string `json:"protocols"`
	Executable string   `json:"executable,omitempty"`
	// ImageID and Image are those of the container image that serves it in place of an executable.
	ImageID string `json:"image_id,omitempty"`
	Image   string `json:"image,omitempty"`
}

// Executable is one file that connectors start.
type Executable struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
	// Format is elf, macho, pe or script; OS and Arch are what the file is built for.
	Format string `json:"format,omitempty"`
	OS     string `json:"os,omitempty"`
	Arch   string `json:"arch,omitempty"`
	// Go is the version of the toolchain that built it, empty if Go did not.
	Go string `json:"go,omitempty"`
	// Main is the path of its main package.
	Main string `json:"main,omitempty"`
	// Modules are those that decide which plakar it can speak to: SDK, protocol, kloset.
	Modules  []Module `json:"modules"`
	CGO      bool     `json:"cgo"`
	Trimpath bool     `json:"trimpath"`
	Stripped bool     `json:"stripped"`
}

// Module is a Go module in an executable.
type Module struct {
	Path    string `json:"path"`
	Version string `json:"version"`
}

// PackedFile is a regular file of the package.
type PackedFile struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
	// Mode is in the form of ls, such as "-rwxr-xr-x".
	Mode string `json:"mode"`
}

// Encoding is how the package is stored.
type Encoding struct {
	// Compression is "LZ4", "GZIP" or "none".
	Compression  string `json:"compression,omitempty"`
	Hashing      string `json:"hashing,omitempty"`
	Chunking     string `json:"chunking,omitempty"`
	ChunkMaximum uint32 `json:"chunk_maximum,omitempty"`
	Blobs        int    `json:"blobs"`
	// State is the version of the format that decides which clients read the package, such as "v1.0.0".
	State        string `json:"state_version,omitempty"`
	RepositoryID string `json:"repository_id,omitempty"`
	Snapshot     string `json:"snapshot,omitempty"`
}

// Check is one family of checks that ran.
type Check struct {
	ID string `json:"id"`
	// Count is how many of Unit it has looked at.
	Count int    `json:"count"`
	Unit  string `json:"unit"`
	// Findings are those of the check alone; the report's are all.
	Findings []finding.Finding `json:"-"`
}

func newReport(path string) *Report {
	return &Report{
		File:       path,
		Connectors: []Connector{}, Executables: []Executable{}, Files: []PackedFile{},
		Clients: []Client{}, Checks: []Check{}, Findings: []finding.Finding{},
	}
}

// describe fills in what the open package says without judging it.
func (v *verifier) describe() {
	r, info := v.report, v.pkg.Info()
	for _, e := range v.files() {
		r.Unpacked += e.Size
		r.Files = append(r.Files, PackedFile{e.Path, e.Size, e.Mode.String()})
	}
	r.Encoding = Encoding{
		Compression:  finding.Cut(info.Compression),
		Hashing:      finding.Cut(info.Hashing),
		Chunking:     finding.Cut(info.Chunking.Algorithm),
		ChunkMaximum: info.Chunking.Most,
		Blobs:        v.pkg.Blobs(),
		State:        info.StateVersion,
		RepositoryID: info.RepositoryID,
		Snapshot:     info.Snapshot,
	}
	if info.Compression == "" {
		r.Encoding.Compression = "none"
	}
}

// Combined is the report of packages that were judged: their findings, and the packages as a list. In CI systems each package
// is a suite and each check a case. What a report does not show for its length is left out of the packages' findings too.
func Combined(packages []*Report) *finding.Report {
	report := &finding.Report{Command: "verify"}
	for _, p := range packages {
		report.Cases = append(report.Cases, p.cases()...)
		p.Findings = append([]finding.Finding{}, report.Add(p.Findings...)...)
	}
	report.Lists = []finding.List{finding.NewList("packages", packages)}
	return report
}

func (r *Report) cases() []finding.Case {
	cases := []finding.Case{finding.CaseOf(r.File, "opens", finding.Bound(r.opening))}
	for _, c := range r.Checks {
		cases = append(cases, finding.CaseOf(r.File, c.ID, finding.Bound(c.Findings)))
	}
	return cases
}

// Unopened is the report on a file that nobody has looked into, with its SHA-256 and its size in bytes.
func Unopened(path, sha256 string, size int64) *Report {
	r := newReport(path)
	r.SHA256, r.Size = sha256, size
	return r
}
