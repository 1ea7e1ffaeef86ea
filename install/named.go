package install

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/semver"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/registry"
	"github.com/PlakarKorp/kpkg/release"
)

// Keys are those that count at a place: the address of a folder, or "local".
type Keys func(place string) ([]*release.PublicKey, error)

// Refusal is the result of a package that is not even fetched.
func Refusal(source string, findings ...finding.Finding) *Result {
	return &Result{Source: source, Action: Refused, Removed: []string{}, Findings: findings}
}

// Untrusted is what is found of a place for which no key counts.
func Untrusted(place string) finding.Finding {
	return finding.Finding{
		Rule: "install-untrusted", Severity: finding.Error, File: place, Message: "no key is trusted for it",
		Hint: "make sure by another way whose key it is, then: kpkg trust add KEY.pub --scope " + place,
	}
}

// Named installs a version of an integration from a registry, the one that it offers for "". It must be signed with a key that
// counts for it, and is refused if it was withdrawn.
func (s *Store) Named(ctx context.Context, from *registry.Registry, name, version string, keys Keys, opts Options) (*Result, error) {
	label := from.Location + ": " + name
	found, findings, err := from.Find(ctx, name, version)
	if err != nil {
		return nil, err
	}
	if finding.HasErrors(findings) {
		return Refusal(label, findings...), nil
	}
	if found.Withdrawn != "" {
		return Refusal(label, finding.Finding{
			Rule: "install-withdrawn", Severity: finding.Error, File: label,
			Message: finding.Sprintf("%s %s was withdrawn: %s", found.Name, found.Version, found.Withdrawn),
			Hint:    "kpkg install " + name + " takes the version that is offered",
		}), nil
	}
	if opts.Platform == (executable.Platform{}) {
		opts.Platform = executable.Host()
	}
	p, err := found.Package(opts.Platform)
	if err != nil {
		return nil, err
	}
	if opts.Trust.Keys, err = keys(p.Folder()); err != nil {
		return nil, err
	}
	opts.Trust.Require = true
	return s.Install(ctx, PackageSource(ctx, p), opts)
}

// Upgrade installs the version that a registry offers, where it is newer than what is installed.
func (s *Store) Upgrade(ctx context.Context, from *registry.Registry, name string, keys Keys, opts Options) (*Result, error) {
	ids, err := s.folders.packages(name)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("%s is not installed: kpkg install %[1]s", name)
	}
	its := newest(ids)
	label := from.Location + ": " + name
	state, findings, err := from.Look(ctx, name)
	if err != nil {
		return nil, err
	}
	if finding.HasErrors(findings) {
		return Refusal(label, findings...), nil
	}
	if state.Offered == "" || semver.Compare(state.Offered, its.Version) <= 0 && len(ids) == 1 {
		r := s.kept(its)
		if reason := state.Withdrawn(its.Version); reason != "" {
			r.Findings = append(r.Findings, withdrawn(r.File, name, its.Version, reason, state.Offered))
		}
		return r, nil
	}
	return s.Named(ctx, from, name, "", keys, opts)
}

// Kept is the result of an integration that stays as it is installed.
func (s *Store) Kept(name string) (*Result, error) {
	ids, err := s.folders.packages(name)
	if err != nil || len(ids) == 0 {
		return nil, errors.Join(fmt.Errorf("%s is not installed any more", name), err)
	}
	return s.kept(newest(ids)), nil
}

func (s *Store) kept(id manifest.Identity) *Result {
	return &Result{
		Source: id.Name, Name: id.Name, Version: id.Version, Action: Unchanged, File: s.folders.pkgFile(id.FileName()),
		Removed: []string{}, Findings: []finding.Finding{},
	}
}

// withdrawn is what is found of an installed version that its registry has withdrawn.
func withdrawn(file, name, version, reason, offered string) finding.Finding {
	f := finding.Finding{
		Rule: "installed-withdrawn", Severity: finding.Warning, File: file,
		Message: finding.Sprintf("%s %s was withdrawn: %s", name, version, reason), Hint: "kpkg uninstall " + name,
	}
	switch {
	case offered != "" && semver.Compare(offered, version) < 0:
		f.Hint = "kpkg install --allow-downgrade " + name + "@" + offered
	case offered != "":
		f.Hint = "kpkg upgrade " + name
	}
	return f
}

// Compare says which of the installed packages a registry has newer versions of, or has withdrawn. Of those that it does not have
// there is nothing to say; findings on the registry itself are among them.
func Compare(ctx context.Context, list []Installed, from *registry.Registry) ([]finding.Finding, error) {
	var findings []finding.Finding
	offered := map[string]bool{}
	for _, i := range from.Integrations() {
		offered[i.Name] = true
	}
	for _, one := range list {
		if !offered[one.Name] && !from.Knows(one.Name) {
			continue
		}
		state, found, err := from.Look(ctx, one.Name)
		if err != nil {
			return nil, err
		}
		if finding.HasErrors(found) {
			findings = append(findings, found...)
			continue
		}
		if reason := state.Withdrawn(one.Version); reason != "" {
			findings = append(findings, withdrawn(one.File, one.Name, one.Version, reason, state.Offered))
		} else if state.Offered != "" && semver.Compare(state.Offered, one.Version) > 0 {
			findings = append(findings, finding.Finding{
				Rule: "installed-outdated", Severity: finding.Warning, File: one.File,
				Message: finding.Sprintf("%s %s is installed, %s is offered", one.Name, one.Version, state.Offered),
				Hint:    "kpkg upgrade " + one.Name,
			})
		}
	}
	return findings, nil
}

// Available is an integration that a registry offers.
type Available struct {
	Name        string `json:"name"`
	Version     string `json:"version"`
	DisplayName string `json:"display_name"`
	Description string `json:"description"`
	// Installed is the version that is, "" for none.
	Installed string `json:"installed,omitempty"`
}

// ListAvailable are those that a registry offers.
func ListAvailable(folders Folders, from *registry.Registry) ([]Available, error) {
	ids, err := folders.packages("")
	if err != nil {
		return nil, err
	}
	installed := map[string]string{}
	for _, id := range ids {
		if semver.Compare(id.Version, installed[id.Name]) > 0 {
			installed[id.Name] = id.Version
		}
	}
	list := []Available{}
	for _, i := range from.Integrations() {
		list = append(list, Available{finding.Cut(i.Name), finding.Cut(i.Version), finding.Cut(i.DisplayName), finding.CutMessage(i.Description),
			installed[i.Name]})
	}
	return list, nil
}
