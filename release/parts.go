package release

import (
	"bytes"
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/internal/modules"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// apart is what a finished package says of what is in it.
type apart struct {
	executables []part
	modules     []modules.Module
	licences    map[modules.Module]modules.Licence
}

// part is an executable in a package.
type part struct {
	name string
	info *debug.BuildInfo
}

// takeApart reads the executables of the package at path: what is told is of the package itself, not of the build.
func (r *Release) takeApart(ctx context.Context, path string) (*apart, error) {
	p, err := ptarread.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	a := &apart{licences: map[modules.Module]modules.Licence{}}
	var infos []*debug.BuildInfo
	for _, entry := range p.Entries() {
		if !entry.Mode.IsRegular() || entry.Mode.Perm()&0o111 == 0 {
			continue
		}
		content, err := p.OpenEntry(entry.Path)
		if err != nil {
			return nil, err
		}
		binary, err := executable.Inspect(content)
		if err != nil {
			continue // verification has judged those that connectors start
		}
		a.executables = append(a.executables, part{entry.Path, binary.Go})
		if binary.Go != nil {
			infos = append(infos, binary.Go)
		}
	}
	source, err := r.Source.Plan.ModuleSource(ctx)
	if err != nil {
		return nil, err
	}
	a.modules = source.Of(infos)
	for _, m := range a.modules {
		licence := m.Licence()
		a.licences[m] = licence
		message := fmt.Sprintf("the licence of %s %s is not known", m.Path, m.Version)
		if licence.Expression() == "" && !r.said(message) {
			r.warn("release-module-licence", message, "find out whether you may hand it on with your packages")
		}
	}
	return a, nil
}

func (r *Release) said(message string) bool {
	for _, f := range r.Findings {
		if f.Message == message {
			return true
		}
	}
	return false
}

// partsList is the list of what a package is made of.
func (r *Release) partsList(p Packaged, a *apart) ([]byte, error) {
	parts := Parts{
		File: p.Name, SHA256: p.SHA256, Name: r.name(), Version: r.Version, Platform: p.Platform, Repository: r.repository,
		Description: r.Source.Document.Manifest.Description, Licence: r.Source.Document.Manifest.License,
		Modules: a.modules, Licences: a.licences,
	}
	for _, e := range a.executables {
		parts.Executables = append(parts.Executables, e.name)
	}
	return parts.List()
}

// Parts are what a file of a release is made of, and what is to be said of it.
type Parts struct {
	// File is the name of the file, SHA256 its sum in hexadecimal.
	File, SHA256 string
	Name         string
	Version      string
	Platform     executable.Platform
	// Repository is the address of the source.
	Repository  string
	Description string
	// Licence is an expression of SPDX.
	Licence string
	// Modules are those of all executables in the file, Licences what is known of each.
	Modules  []modules.Module
	Licences map[modules.Module]modules.Licence
	// Executables are their paths in the file.
	Executables []string
}

// List is the CycloneDX list. It has no time and no random number: the same file has the same list.
func (p Parts) List() ([]byte, error) {
	bom := cdx.NewBOM()
	bom.SerialNumber = "urn:uuid:" + uuid.NewSHA1(uuid.NameSpaceURL, []byte("sha256:"+p.SHA256)).String()
	hashes := &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: p.SHA256}}
	about := cdx.Component{
		BOMRef: p.File, Type: cdx.ComponentTypeApplication, Name: p.Name, Version: p.Version, Hashes: hashes,
		Description: p.Description, Licenses: licences(p.Licence),
		ExternalReferences: &[]cdx.ExternalReference{{Type: cdx.ERTypeVCS, URL: p.Repository}},
		Properties:         &[]cdx.Property{{Name: "kpkg:platform", Value: p.Platform.String()}, {Name: "kpkg:file", Value: p.File}},
	}
	bom.Metadata = &cdx.Metadata{Component: &about}
	var components []cdx.Component
	var refs []string
	for _, m := range p.Modules {
		one := cdx.Component{
			BOMRef: m.URL(), Type: cdx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, PackageURL: m.URL(),
			Licenses: licences(p.Licences[m].Expression()),
		}
		if m.Sum != "" {
			one.Properties = &[]cdx.Property{{Name: "kpkg:go-sum", Value: m.Sum}}
		}
		components, refs = append(components, one), append(refs, m.URL())
	}
	for _, name := range p.Executables {
		one := cdx.Component{BOMRef: p.File + "#" + name, Type: cdx.ComponentTypeFile, Name: name}
		components, refs = append(components, one), append(refs, one.BOMRef)
	}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: p.File, Dependencies: &refs}}
	var b bytes.Buffer
	if err := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// licences are one licence or an expression of several; nil when none is known.
func licences(expression string) *cdx.Licenses {
	if expression == "" {
		return nil
	}
	if strings.Contains(expression, " ") {
		return &cdx.Licenses{{Expression: expression}}
	}
	return &cdx.Licenses{{License: &cdx.License{ID: expression}}}
}
