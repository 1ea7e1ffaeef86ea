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
	// mainModule is that of the executables.
	mainModule string
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
			a.mainModule = binary.Go.Main.Path
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

// partsList is the CycloneDX list of what a package is made of. It has no time and no random number: the same package has the
// same list.
func (r *Release) partsList(p Packaged, a *apart) ([]byte, error) {
	bom := cdx.NewBOM()
	bom.SerialNumber = "urn:uuid:" + uuid.NewSHA1(uuid.NameSpaceURL, []byte("sha256:"+p.SHA256)).String()
	hashes := &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: p.SHA256}}
	about := cdx.Component{
		BOMRef: p.Name, Type: cdx.ComponentTypeApplication, Name: r.name(), Version: r.Version, Hashes: hashes,
		Description: r.Source.Document.Manifest.Description, Licenses: licences(r.Source.Document.Manifest.License),
		ExternalReferences: &[]cdx.ExternalReference{{Type: cdx.ERTypeVCS, URL: r.repository}},
		Properties:         &[]cdx.Property{{Name: "kpkg:platform", Value: p.Platform.String()}, {Name: "kpkg:file", Value: p.Name}},
	}
	bom.Metadata = &cdx.Metadata{Component: &about}
	var components []cdx.Component
	var refs []string
	for _, m := range a.modules {
		one := cdx.Component{
			BOMRef: m.URL(), Type: cdx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, PackageURL: m.URL(),
			Licenses: licences(a.licences[m].Expression()),
		}
		if m.Sum != "" {
			one.Properties = &[]cdx.Property{{Name: "kpkg:go-sum", Value: m.Sum}}
		}
		components, refs = append(components, one), append(refs, m.URL())
	}
	for _, e := range a.executables {
		one := cdx.Component{BOMRef: p.Name + "#" + e.name, Type: cdx.ComponentTypeFile, Name: e.name}
		components, refs = append(components, one), append(refs, one.BOMRef)
	}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: p.Name, Dependencies: &refs}}
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
