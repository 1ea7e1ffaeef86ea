package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/PlakarKorp/kpkg/diff"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/web"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/release"
)

// listPage are the names of the pages of the list after the first.
var listPage = regexp.MustCompile(`^list-[0-9]{1,6}\.html$`)

// How much a page shows of what may be endless.
const (
	shownRows     = 500 // of a table
	shownVersions = 50  // of an integration
	detailed      = 10  // versions whose files are listed
	recent        = 5   // versions of one integration in the feed
)

// readSite reads what the pages in the tree were made of. Where that cannot be told, all are made again.
func (t *tree) readSite() error {
	for _, name := range []string{web.ListName, web.DataName, web.FeedName, web.SitemapName} {
		if info, err := os.Lstat(t.at(name)); err == nil && info.Mode().IsRegular() && !t.copied() {
			return fmt.Errorf("%s is there, and kpkg has not made it: move it away, for a page of the registry comes there", t.at(name))
		}
	}
	t.site, t.outdated = web.Site{}, true
	page, err := regular.Read(t.at(indexDir, web.ListName), maxJSON)
	if err != nil {
		return nil
	}
	stamp, err := web.ReadStamp(page)
	if err != nil {
		return nil
	}
	t.site.Base = stamp.Base
	if stamp.Generation != web.Generation {
		return nil
	}
	data, err := regular.Read(t.at(indexDir, web.DataName), maxJSON)
	if err != nil {
		return nil
	}
	rows, err := web.ReadRows(data)
	if err != nil {
		return nil
	}
	t.site.Rows, t.outdated = rows, false
	return nil
}

// copied tells a tree without links: what is at its root are copies.
func (t *tree) copied() bool {
	info, err := os.Lstat(t.at(IndexName))
	return err == nil && info.Mode().IsRegular()
}

// changeAll has the folders of all integrations made again.
func (t *tree) changeAll() error {
	entries, err := os.ReadDir(t.at(integrationsDir()))
	if err != nil {
		return fmt.Errorf("looking at the tree: %w", err)
	}
	for _, entry := range entries {
		if !entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if _, err := os.Stat(t.at(integrationDir(entry.Name()), versionsName)); err != nil {
			continue // it is none of kpkg's, and a check says so
		}
		c, err := t.integration(entry.Name())
		if err != nil {
			return err
		}
		c.changed = true
	}
	return nil
}

// indexSum is what the list of pages says that it was made of.
func indexSum(index, prereleases []byte) string {
	sum := sha256.Sum256(slices.Concat(index, prereleases))
	return hex.EncodeToString(sum[:])
}

// shown is the version that a page is about: the one offered, else the newest; the reason is why it is not the one offered.
func (v *Versions) shown() (shown *Version, why string) {
	offered, prerelease := v.offered()
	switch {
	case offered != nil:
		return offered, ""
	case prerelease != nil:
		return prerelease, "There are only pre-releases of it: clients install them when they are asked for by their version."
	case len(v.Versions) > 0:
		newest := &v.Versions[0]
		return newest, newest.Version + " was withdrawn: " + newest.Withdrawn + ". No other version is offered."
	}
	return nil, ""
}

// setRow puts an integration into the list of pages, or takes it out.
func (t *tree) setRow(c *changing) {
	at, found := slices.BinarySearchFunc(t.site.Rows, c.name, func(r web.Row, name string) int { return strings.Compare(r.Name, name) })
	shown, _ := c.versions.shown()
	switch {
	case (shown == nil || shown.Withdrawn != "") && found:
		t.site.Rows = slices.Delete(t.site.Rows, at, at+1)
	case shown == nil || shown.Withdrawn != "":
	case found:
		t.site.Rows[at] = c.versions.row(t.at(integrationDir(c.name)), *shown)
	default:
		t.site.Rows = slices.Insert(t.site.Rows, at, c.versions.row(t.at(integrationDir(c.name)), *shown))
	}
}

// row is what the list of pages says of a version; folder is that of the integration.
func (v *Versions) row(folder string, shown Version) web.Row {
	e := shown.Entry
	row := web.Row{
		Name: v.Name, Title: e.DisplayName, Description: e.Description, Version: shown.Version, Published: shown.Published,
		Prerelease: shown.IsPrerelease(), Signed: shown.signed(folder) != nil, License: e.License, Tags: e.Tags,
	}
	if e.Icon != "" {
		row.Icon = path.Base(e.Icon)
	}
	for _, c := range e.Connectors {
		row.Types, row.Classes = append(row.Types, c.Type), append(row.Classes, c.Class)
		for _, p := range c.Protocols {
			row.Protocols = append(row.Protocols, p.Scheme)
		}
	}
	for _, p := range shown.platforms() {
		row.Platforms = append(row.Platforms, p.String())
	}
	for _, one := range v.Versions {
		if one.Withdrawn == "" && !one.Published.IsZero() {
			row.Recent = append(row.Recent, web.Recent{Version: one.Version, Time: one.Published.UTC()})
		}
	}
	slices.SortStableFunc(row.Recent, func(a, b web.Recent) int { return b.Time.Compare(a.Time) })
	row.Recent = row.Recent[:min(len(row.Recent), recent)]
	return row.Cut()
}

// page writes the page of an integration into its new folder.
func (t *tree) page(ctx context.Context, c *changing) error {
	shown, notice := c.versions.shown()
	if shown == nil {
		return nil
	}
	data, err := regular.Read(filepath.Join(c.folder, versionsName), maxJSON)
	if err != nil {
		return err
	}
	of := sha256.Sum256(data)
	look, err := c.insight(ctx, *shown)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		// A version may be withdrawn because its packages are damaged: a check tells of it, and the rest is shown.
		look, notice = &insight{}, notice+" Its packages cannot be read."
	}
	page := web.Integration{
		Row: c.versions.row(c.folder, *shown), Of: hex.EncodeToString(of[:]), Notice: web.Text(notice, 600),
		Connectors: connectors(look.side),
	}
	page.Description = web.Text(shown.Entry.Description, 1000)
	for _, client := range look.clients {
		page.Clients = append(page.Clients, web.Client{
			Name: client.Versions, Usable: client.Usable, Why: web.Text(strings.Join(client.Refusals, "; "), 300),
		})
	}
	if shown.Entry.Documentation != "" {
		page.Readme, page.ReadmeCut = web.Markdown(readShown(c.folder, manifest.ReadmeName))
	}
	page.Notes, _ = web.Markdown(readShown(c.folder, path.Join(shown.Version, release.NotesName)))
	page.Parts, page.PartsSum, page.PartsFiles = shown.parts(c.folder)
	if s := shown.signed(c.folder); s != nil {
		page.Signature, page.Comment = s.Key.String(), web.Text(s.Comment, 80)
	}
	if shown.Withdrawn == "" {
		page.Install, page.Downloads = install(*shown, c.folder)
		page.Use = use(look.side)
	}
	page.Facts = facts(*shown, look)
	page.Versions, page.MoreVersions = versions(c.versions, c.folder)
	if before := c.versions.before(shown.Version); before != nil {
		c.changes(ctx, &page, *before, *shown)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	written, err := page.Page()
	if err != nil {
		return err
	}
	return t.write(ctx, filepath.Join(c.folder, web.PageName), written)
}

// before is the version that users of another come from: the one before it that is for everybody, withdrawn or not.
func (v *Versions) before(version string) *Version {
	at := slices.IndexFunc(v.Versions, func(one Version) bool { return one.Version == version })
	for i := at + 1; i < len(v.Versions); i++ {
		if !v.Versions[i].IsPrerelease() {
			return &v.Versions[i]
		}
	}
	return nil
}

// changes has the page show what changed between two versions, unless the packages of one cannot be read.
func (c *changing) changes(ctx context.Context, page *web.Integration, before, after Version) {
	compared, err := c.compared(ctx, before, after)
	if err != nil {
		return
	}
	page.Since = "From " + before.Version + " to " + after.Version + "."
	for _, change := range compared.Changes {
		page.Changes = append(page.Changes, web.ShownChange{
			Step: change.Step.String(), Subject: web.Text(change.Subject, 120), Message: web.Text(change.Message, 300),
			Breaks: change.Step == diff.Major,
		})
	}
	for _, fact := range compared.Manifest {
		if !slices.Contains([]string{"contact", "homepage", "license", "tier"}, fact.Name) {
			continue
		}
		message := "it was " + strconv.Quote(fact.Was) + ", and is " + strconv.Quote(fact.Is)
		page.Changes = append(page.Changes, web.ShownChange{Step: diff.Patch.String(), Subject: fact.Name, Message: web.Text(message, 300)})
	}
	page.Changes = page.Changes[:min(len(page.Changes), shownRows)]
}

// flagWords say what location flags mean to those who use a connector (docs/manifest.md).
var flagWords = map[string]string{
	"localfs":      "A location is a folder or file of the machine itself.",
	"file":         "A store is one file, written as a whole.",
	"stream":       "The source is read only once, from beginning to end.",
	"needack":      "It waits to hear what became of each entry.",
	"nomerge":      "Its data never goes into one snapshot with that of another source.",
	"exportxattr":  "Extended attributes are restored.",
	"walkdirorder": "Folders are read in order.",
}

func connectors(side diff.Side) (all []web.ShownConnector) {
	for i, c := range side.Manifest.Connectors[:min(len(side.Manifest.Connectors), 50)] {
		one := web.ShownConnector{Type: web.Text(c.Type, 40), Class: web.Text(strings.Trim(c.Class+" "+c.Subclass, " "), 60)}
		for _, p := range c.Protocols[:min(len(c.Protocols), 30)] {
			one.Protocols = append(one.Protocols, web.Text(p, 40))
		}
		for _, flag := range c.LocationFlags[:min(len(c.LocationFlags), 10)] {
			words := flagWords[flag]
			if words == "" {
				words = web.Text(flag, 40)
			}
			one.Flags = append(one.Flags, words)
		}
		for _, name := range ordered(side.Options[i]) {
			o := side.Options[i][name]
			one.Options = append(one.Options, web.Option{
				Name: web.Text(name, 80), Type: web.Text(strings.ReplaceAll(o.Type, "|", " or "), 60), Default: web.Text(o.Default, 120),
				Required: o.Required, Description: web.Text(o.Description, 500), Values: web.Text(strings.Join(o.Values, ", "), 300),
			})
		}
		const most = 100
		one.MoreOptions = len(one.Options) - min(len(one.Options), most)
		one.Options = one.Options[:min(len(one.Options), most)]
		all = append(all, one)
	}
	return all
}

// ordered are the names of options: the location, then what is required, then the rest.
func ordered(options diff.Options) (names []string) {
	weight := func(name string) string {
		switch {
		case name == "location":
			return "0"
		case options[name].Required:
			return "1" + name
		}
		return "2" + name
	}
	for name := range options {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(weight(a), weight(b)) })
	return names
}

// What goes into commands that are copied into a shell has to be a word of its own there, whoever has written it.
var (
	shellName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$`)
	scheme    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]{0,39}$`)
	publicKey = regexp.MustCompile(`^verify with ([A-Za-z0-9][A-Za-z0-9._-]{0,60}\.pub)$`)
)

func line(text string) []web.Piece { return []web.Piece{{Text: text}} }

// install are the ways to install a version, and its packages.
func install(v Version, folder string) (commands []web.Command, downloads []web.Download) {
	example := ""
	for _, f := range v.packages() {
		identity, err := manifest.ParseFileName(f.Name)
		if err != nil || !shellName.MatchString(f.Name) {
			continue
		}
		downloads = append(downloads, web.Download{
			Text: identity.OS + "/" + identity.Arch, URL: pathOf(f.Name), Size: humanize.IBytes(uint64(max(f.Size, 0))),
		})
		if example == "" || identity.OS == "linux" && identity.Arch == "amd64" {
			example = f.Name
		}
	}
	if example == "" || !shellName.MatchString(v.Entry.Name) {
		return nil, downloads
	}
	named := v.Entry.Name
	if v.IsPrerelease() {
		named += "@" + v.Version
	}
	commands = []web.Command{
		{
			What: "From this registry, with plakar's newer clients:", Lines: [][]web.Piece{
				{{Text: "plakar pkg registry add packages "}, {Text: "https://ADDRESS-OF-THIS-REGISTRY", Address: true}},
				line("plakar pkg add " + named),
			},
		},
		{What: "With plakar v1.1, or without a network: download the package for your platform, then", Lines: [][]web.Piece{
			line("plakar pkg add ./" + example),
		}},
	}
	if s := v.signed(folder); s != nil {
		key := "KEY.pub"
		if parts := publicKey.FindStringSubmatch(s.Comment); parts != nil {
			key = parts[1]
		}
		commands = append(commands, web.Command{
			What: "To hold it to its signature first, with what stands beside it (" + example + release.SumExtension + " and " +
				release.SignatureExtension + "):",
			Lines: [][]web.Piece{line("kpkg verify --key " + key + " --require-signature " + example)},
		})
	}
	return commands, downloads
}

// use are the commands that back up, restore and store with the first connector of each type.
func use(side diff.Side) (commands []web.Command) {
	seen := map[string]bool{}
	for i, c := range side.Manifest.Connectors {
		if seen[c.Type] || len(c.Protocols) == 0 || !scheme.MatchString(c.Protocols[0]) {
			continue
		}
		seen[c.Type] = true
		location := c.Protocols[0] + "://LOCATION"
		if slices.Contains(c.LocationFlags, "localfs") {
			location = c.Protocols[0] + ":///PATH"
		}
		var options []string
		for _, name := range ordered(side.Options[i]) {
			if side.Options[i][name].Required && name != "location" && shellName.MatchString(name) && len(options) < 12 {
				options = append(options, name+"="+strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name)))
			}
		}
		given := ""
		for _, option := range options {
			given += "-o " + option + " "
		}
		switch c.Type {
		case manifest.Importer:
			commands = append(commands, web.Command{
				What: "Back up into a store:", Lines: [][]web.Piece{line("plakar at STORE backup " + given + location)},
			})
		case manifest.Exporter:
			commands = append(commands, web.Command{
				What: "Restore a snapshot:", Lines: [][]web.Piece{line("plakar at STORE restore " + given + "-to " + location + " SNAPSHOT")},
			})
		case manifest.Storage:
			lines := [][]web.Piece{line("plakar at " + location + " create")}
			if len(options) > 0 {
				lines = [][]web.Piece{line("plakar store add NAME " + location + " " + strings.Join(options, " ")), line("plakar at @NAME create")}
			}
			commands = append(commands, web.Command{What: "Make a store:", Lines: lines})
		}
	}
	return commands
}

func facts(v Version, look *insight) (all []web.Fact) {
	e := v.Entry
	add := func(name, text string, link bool) {
		if text == "" {
			return
		}
		fact := web.Fact{Name: name, Text: web.Text(text, 200)}
		if link {
			fact.URL = web.WebAddress(text)
		}
		all = append(all, fact)
	}
	add("Version", v.Version, false)
	if !v.Published.IsZero() {
		add("Published", day(v.Published), false)
	}
	add("Licence", e.License, false)
	add("Tier", e.Tier, false)
	add("Contact", e.Contact, false)
	add("Homepage", e.Homepage, true)
	add("Repository", e.Repository, true)
	add("Unpacked", humanize.IBytes(uint64(max(look.unpacked, 0))), false)
	add("API", look.side.Manifest.APIVersion, false)
	return all
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

func versions(all *Versions, folder string) (shown []web.ShownVersion, more int) {
	offered, prerelease := all.offered()
	for i, v := range all.Versions {
		if i == shownVersions {
			return shown, len(all.Versions) - i
		}
		one := web.ShownVersion{Version: v.Version, Withdrawn: web.Text(v.Withdrawn, 500), State: "older"}
		switch {
		case offered != nil && v.Version == offered.Version:
			one.State = "offered"
		case v.IsPrerelease() && prerelease != nil && v.Version == prerelease.Version:
			one.State = "pre-release"
		case v.IsPrerelease():
			one.State = "older pre-release"
		}
		if !v.Published.IsZero() {
			one.Published = day(v.Published)
		}
		var platforms []string
		for _, p := range v.platforms() {
			platforms = append(platforms, p.String())
		}
		one.Platforms = web.Text(strings.Join(platforms, ", "), 400)
		if i < detailed {
			one.Files = files(v, folder)
		}
		shown = append(shown, one)
	}
	return shown, 0
}

func files(v Version, folder string) (all []web.ShownFile) {
	for _, f := range v.Files[:min(len(v.Files), 60)] {
		file := web.ShownFile{
			Name: web.Text(path.Base(f.Name), 200), URL: pathOf(f.Name), Size: humanize.IBytes(uint64(max(f.Size, 0))),
			SHA256: web.Text(f.SHA256, 64),
		}
		if s := signature(folder, f); s != nil {
			file.Signature, file.Key = pathOf(f.Name+release.SignatureExtension), s.Key.String()
		}
		all = append(all, file)
	}
	return all
}

// pathOf is a path below the page as links have it.
func pathOf(name string) string { return (&url.URL{Path: "./" + name}).String() }

// BaseURL is the address of a tree in the form that Options have it.
func BaseURL(address string) (string, error) { return web.BaseURL(address) }
