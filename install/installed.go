package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/mod/semver"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/release"
	"github.com/PlakarKorp/kpkg/verify"
)

// Installed is a package that a client loads when it starts, whoever has installed it.
type Installed struct {
	File    string `json:"file"`
	Name    string `json:"name"`
	Version string `json:"version"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	Size    int64  `json:"size"`
	SHA256  string `json:"sha256,omitempty"`
	// Connectors are those of its manifest.
	Connectors []verify.Connector `json:"connectors"`
	// Signature is the one beside it that was found to be right.
	Signature *verify.Signature `json:"signature,omitempty"`
	// Broken tells that it cannot be used.
	Broken bool `json:"broken"`
}

// Settled is List after a change that was interrupted, if there is one, was brought to its end.
func Settled(ctx context.Context, folders Folders, keys []*release.PublicKey) ([]Installed, []finding.Finding, error) {
	if _, err := os.Lstat(folders.pkgFile(journalName)); err == nil {
		store, err := Open(ctx, folders)
		if err != nil {
			return nil, nil, err
		}
		if err := store.Close(); err != nil {
			return nil, nil, err
		}
	}
	return List(ctx, folders, keys)
}

// Names are the installed integrations, each once.
func (f Folders) Names() []string {
	ids, _ := f.packages("")
	var names []string
	for _, id := range ids {
		if !slices.Contains(names, id.Name) {
			names = append(names, id.Name)
		}
	}
	return names
}

// List verifies and describes the installed packages, by name and then by version, and says what is wrong with them. keys are
// those that signatures are held to; with none, nobody looks for signatures.
func List(ctx context.Context, folders Folders, keys []*release.PublicKey) ([]Installed, []finding.Finding, error) {
	ids, err := folders.packages("")
	if err != nil {
		return nil, nil, err
	}
	var list []Installed
	var findings []finding.Finding
	for i, id := range ids {
		one, found, err := describe(ctx, folders, id, keys)
		if errors.Is(err, os.ErrNotExist) {
			continue // uninstalled meanwhile
		}
		if err != nil {
			return nil, nil, err
		}
		list, findings = append(list, one), append(findings, found...)
		if i > 0 && ids[i-1].Name == id.Name {
			findings = append(findings, finding.Finding{
				Rule: "installed-twice", Severity: finding.Warning, File: one.File,
				Message: finding.Sprintf("%s is installed as %s too", id.Name, ids[i-1].Version),
			})
		}
	}
	return list, findings, nil
}

func describe(
	ctx context.Context, folders Folders, id manifest.Identity, keys []*release.PublicKey,
) (Installed, []finding.Finding, error) {
	path := folders.pkgFile(id.FileName())
	one := Installed{File: path, Name: id.Name, Version: id.Version, OS: id.OS, Arch: id.Arch, Connectors: []verify.Connector{}}
	report, err := verify.File(ctx, path, verify.Options{})
	if err != nil {
		return one, nil, err
	}
	one.Size, one.SHA256 = report.Size, report.SHA256
	if report.Connectors != nil {
		one.Connectors = report.Connectors
	}
	var findings []finding.Finding
	if one.Broken = finding.HasErrors(report.Findings); one.Broken {
		first := finding.WorstFirst(report.Findings)[0]
		findings = append(findings, finding.Finding{
			Rule: "installed-broken", Severity: finding.Error, File: path,
			Message: finding.Sprintf("%s [%s]", first.Message, first.Rule),
			Hint:    fmt.Sprintf("install %s again with --force, or: kpkg uninstall %s", id.Name, id.Name),
		})
	}
	if len(keys) > 0 && one.SHA256 != "" {
		signature, found, err := release.Trust{Keys: keys}.Judge(path, release.Sum{Name: id.FileName(), SHA256: one.SHA256},
			release.BesideFile(path))
		if err != nil {
			return one, nil, err
		}
		for _, f := range found {
			switch {
			case f.Rule == "sum-missing":
				continue // the signature says it too
			case f.Rule == "signature-missing":
				f = finding.Finding{
					Rule: "installed-unsigned", Severity: finding.Info, File: path,
					Message: finding.Sprintf("%s %s has no signature", id.Name, id.Version),
				}
			case f.Rule == "signature-key": // of a key that is not trusted any more, or never was
				f.Severity = finding.Warning
			}
			findings = append(findings, f)
		}
		one.Signature = signature
	}
	return one, findings, nil
}

// newest is the newest of several versions of an integration.
func newest(ids []manifest.Identity) manifest.Identity {
	best := ids[0]
	for _, id := range ids[1:] {
		if semver.Compare(id.Version, best.Version) > 0 {
			best = id
		}
	}
	return best
}
