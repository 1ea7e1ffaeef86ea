package release

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/internal/modules"
	"github.com/PlakarKorp/kpkg/internal/scratch"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/verify"
)

// apart is what a finished package says of what is in it.
type apart struct {
	executables []part
	modules     []modules.Module
	licences    map[modules.Module]modules.Licence
}

// part is an executable in a package, or in an image that serves it.
type part struct {
	// in is the base name of the file that it is in, the package or the archive of the images.
	in   string
	name string
	info *debug.BuildInfo
}

func (a *apart) add(in, name string, content io.ReaderAt) {
	binary, err := executable.Inspect(content)
	if err != nil {
		return // verification has judged those that connectors start
	}
	a.executables = append(a.executables, part{in, name, binary.Go})
}

// takeApart reads the executables of the package at path, and those in the images beside it that serve its connectors, nil for none: what
// is told is of the package itself, not of the build.
func (r *Release) takeApart(ctx context.Context, path string, images *verify.Images) (*apart, error) {
	p, err := ptarread.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	a := &apart{licences: map[modules.Module]modules.Licence{}}
	for _, entry := range p.Entries() {
		if !entry.Mode.IsRegular() || entry.Mode.Perm()&0o111 == 0 {
			continue
		}
		content, err := p.OpenEntry(entry.Path)
		if err != nil {
			return nil, err
		}
		a.add(filepath.Base(path), entry.Path, content)
	}
	if images != nil {
		if err := a.addImages(ctx, image.Beside(path), images); err != nil {
			return nil, err
		}
	}
	var infos []*debug.BuildInfo
	for _, e := range a.executables {
		if e.info != nil {
			infos = append(infos, e.info)
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

// addImages adds what the images of an archive run, by its path in them.
func (a *apart) addImages(ctx context.Context, path string, images *verify.Images) error {
	archive, err := image.Read(ctx, path)
	if err != nil {
		return err
	}
	defer archive.Close()
	folder, err := scratch.Make("release")
	if err != nil {
		return err
	}
	defer folder.Remove()
	for n, its := range images.Images {
		found, there := archive.Find(its.ID)
		if !there {
			return fmt.Errorf("%s has no image %s any more: something else writes there", path, its.ID)
		}
		program, err := os.Create(filepath.Join(folder.Path, fmt.Sprint(n)))
		if err != nil {
			return fmt.Errorf("making a temporary file: %w", err)
		}
		if _, err = archive.Program(ctx, found, program); err == nil {
			a.add(images.File, strings.TrimPrefix(found.Entrypoint[0], "/"), program)
		}
		if err := errors.Join(err, program.Close()); err != nil {
			return err
		}
	}
	return nil
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
		if e.in == p.Name {
			parts.Executables = append(parts.Executables, e.name)
		}
	}
	if p.images != nil {
		parts.Images = &PartImages{File: p.images.File, SHA256: p.images.SHA256}
		for _, i := range p.images.Images {
			parts.Images.IDs = append(parts.Images.IDs, i.ID)
		}
		for _, e := range a.executables {
			if e.in == p.images.File {
				parts.Images.Executables = append(parts.Images.Executables, e.name)
			}
		}
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
	// Images are the container images that run its connectors; nil for none.
	Images *PartImages
}

// PartImages is the archive of the images that belong to a file.
type PartImages struct {
	// File is its name, SHA256 its sum in hexadecimal.
	File, SHA256 string
	// IDs are those of the images, Executables the paths in them of what they run.
	IDs, Executables []string
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
	dependencies := []cdx.Dependency{{Ref: p.File, Dependencies: &refs}}
	if i := p.Images; i != nil {
		one := cdx.Component{
			BOMRef: i.File, Type: cdx.ComponentTypeContainer, Name: i.File, Version: p.Version,
			Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: i.SHA256}}, Properties: &[]cdx.Property{},
		}
		for _, id := range i.IDs {
			*one.Properties = append(*one.Properties, cdx.Property{Name: "kpkg:image-id", Value: id})
		}
		var in []string
		for _, name := range i.Executables {
			program := cdx.Component{BOMRef: i.File + "#" + name, Type: cdx.ComponentTypeFile, Name: name}
			components, in = append(components, program), append(in, program.BOMRef)
		}
		components, refs = append(components, one), append(refs, one.BOMRef)
		dependencies = append(dependencies, cdx.Dependency{Ref: i.File, Dependencies: &in})
	}
	bom.Components = &components
	bom.Dependencies = &dependencies
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
