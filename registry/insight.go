package registry

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/PlakarKorp/kpkg/diff"
	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/internal/jsonbound"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/web"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/release"
	"github.com/PlakarKorp/kpkg/verify"
)

// insight is what a page shows of a version that only its packages tell: they all have the same manifest and schemas.
type insight struct {
	side     diff.Side
	clients  []verify.Client
	unpacked int64
}

func newInsight(p *ptarread.Package, report *verify.Report) (*insight, error) {
	side, err := diff.Read(diff.FromFS(p.FS()), nil)
	if err != nil {
		return nil, err
	}
	return &insight{side, report.Clients, report.Unpacked}, nil
}

// insight looks into a version: the release that comes in has been looked into already.
func (c *changing) insight(ctx context.Context, v Version) (*insight, error) {
	in := c.comes(v.Version)
	if in != nil && in.insight != nil {
		return in.insight, nil
	}
	packages := v.packages()
	if len(packages) == 0 {
		return nil, fmt.Errorf("%s has no package", v.Version)
	}
	file := filepath.Join(c.folder, filepath.FromSlash(packages[0].Name))
	report, err := verify.File(ctx, file, verify.Options{})
	if err != nil {
		return nil, err
	}
	p, err := ptarread.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return newInsight(p, report)
}

// packages are those of the version.
func (v Version) packages() []release.File {
	return slices.DeleteFunc(slices.Clone(v.Files), func(f release.File) bool { return !strings.HasSuffix(f.Name, manifest.Extension) })
}

// platforms are those that the version has packages for.
func (v Version) platforms() (all []executable.Platform) {
	for _, f := range v.packages() {
		identity, err := manifest.ParseFileName(path.Base(f.Name))
		if err != nil {
			continue
		}
		if p, err := executable.ParsePlatform(identity.OS + "/" + identity.Arch); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// compared is what changed between two versions.
func (c *changing) compared(ctx context.Context, before, after Version) (diff.Versions, error) {
	old, err := c.insight(ctx, before)
	if err != nil {
		return diff.Versions{}, err
	}
	now, err := c.insight(ctx, after)
	if err != nil {
		return diff.Versions{}, err
	}
	a, b := old.side, now.side
	a.Platforms, b.Platforms = before.platforms(), after.platforms()
	from, to := &diff.Integration{Side: a, Version: before.Version}, &diff.Integration{Side: b, Version: after.Version}
	return diff.CompareIntegrations(from, to), nil
}

// signature is the one beside a file of an integration, nil when there is none of these bytes. Whose it is, nobody has judged.
func signature(folder string, f release.File) *release.Signature {
	data, err := sidecar(filepath.Join(folder, filepath.FromSlash(f.Name)), release.SignatureExtension)
	if err != nil || data == nil {
		return nil
	}
	s, err := release.ParseSignature(data)
	if err != nil {
		return nil
	}
	if sum, err := release.ParseSum(s.Message); err != nil || sum.SHA256 != f.SHA256 {
		return nil
	}
	return s
}

// signed is the signature of the version's packages, nil unless all are signed with one key.
func (v Version) signed(folder string) (one *release.Signature) {
	for _, f := range v.packages() {
		s := signature(folder, f)
		if s == nil || one != nil && one.Key != s.Key {
			return nil
		}
		one = s
	}
	return one
}

// maxParts is how large a list of parts is read, in bytes.
const maxParts = 4 << 20

// maxPartsMemory is how much memory the values of such a list may take, in bytes: some ten thousand parts.
const maxPartsMemory = 16 << 20

// parts are what all packages of a version are made of, by their lists; how many there are of each licence; where the lists are.
func (v Version) parts(folder string) (parts []web.Part, sum string, lists []web.Link) {
	seen, count := map[web.Part]bool{}, map[string]int{}
	for _, f := range v.Files {
		base := path.Base(f.Name)
		of, found := strings.CutSuffix(base, release.PartsExtension)
		if !found {
			continue
		}
		lists = append(lists, web.Link{Text: web.Text(platformOf(of), 80), URL: pathOf(f.Name)})
		data, err := regular.Read(filepath.Join(folder, filepath.FromSlash(f.Name)), maxParts)
		if err != nil {
			continue // the link to it stays
		}
		var bom cdx.BOM
		if jsonbound.Check(data, maxPartsMemory) != nil ||
			cdx.NewBOMDecoder(bytes.NewReader(data), cdx.BOMFileFormatJSON).Decode(&bom) != nil || bom.Components == nil {
			continue
		}
		for _, component := range *bom.Components {
			if component.Type != cdx.ComponentTypeLibrary {
				continue
			}
			part := web.Part{
				Name: web.Text(component.Name, 200), Version: web.Text(component.Version, 80), Licence: web.Text(licence(component), 120),
			}
			if !seen[part] {
				seen[part] = true
				count[part.Licence]++
				parts = append(parts, part)
			}
		}
	}
	slices.SortFunc(parts, func(a, b web.Part) int { return strings.Compare(a.Name+" "+a.Version, b.Name+" "+b.Version) })
	var said []string
	for _, name := range slices.Sorted(maps.Keys(count)) {
		if name != "" {
			said = append(said, fmt.Sprintf("%d × %s", count[name], name))
		}
	}
	if n := count[""]; n > 0 {
		said = append(said, fmt.Sprintf("%d × not known", n))
	}
	sum = web.Text("Licences of the modules in it: "+strings.Join(said, ", ")+".", 600)
	return parts[:min(len(parts), shownRows)], sum, lists
}

// licence is what a list says of a part.
func licence(component cdx.Component) string {
	if component.Licenses == nil {
		return ""
	}
	var all []string
	for _, one := range *component.Licenses {
		switch {
		case one.Expression != "":
			all = append(all, one.Expression)
		case one.License != nil && one.License.ID != "":
			all = append(all, one.License.ID)
		case one.License != nil:
			all = append(all, one.License.Name)
		}
	}
	return strings.Join(all, " AND ")
}

// platformOf is that of a package, else its name.
func platformOf(name string) string {
	if identity, err := manifest.ParseFileName(name); err == nil {
		return identity.OS + "/" + identity.Arch
	}
	return name
}

// readShown reads a file beside the page; nil when it is not there or too large.
func readShown(folder, name string) []byte {
	data, err := regular.Read(filepath.Join(folder, filepath.FromSlash(name)), maxShown+1)
	if err != nil || len(data) > maxShown {
		return nil
	}
	return data
}
