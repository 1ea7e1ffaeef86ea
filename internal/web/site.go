package web

// The pages of a registry: a list of integrations, and one page for each. They are files that any web server serves, and that open
// from a folder; each has its style sheet and its script in it, so that its policy lets nothing else run, wherever it is.

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize/english"

	"github.com/PlakarKorp/kpkg/finding"
)

var (
	//go:embed site.css
	siteOwnStyle string
	//go:embed site.js
	siteScript string
	//go:embed site.tmpl
	sitePages string

	siteStyle     = baseStyle + siteOwnStyle
	siteTemplates = sync.OnceValue(func() *template.Template { return template.Must(template.New("").Parse(sitePages)) })

	// Nothing is asked of anybody: the list's script may load integrations.js, which is beside it. "file:" is for folders, of
	// which 'self' says nothing, "data:" for the icon in the pages.
	pagePolicy = policy("img-src 'self' file: data:", "style-src "+digest(siteStyle), "script-src "+digest(siteScript))
	listPolicy = policy("img-src 'self' file: data:", "style-src "+digest(siteStyle), "script-src "+digest(siteScript)+" 'strict-dynamic'")
)

// What a site consists of, beside a page for each integration. ListName is the first of several pages.
const (
	ListName    = "index.html"
	DataName    = "integrations.js"
	FeedName    = "feed.atom"
	SitemapName = "sitemap.xml"
	PageName    = "index.html"
)

// NextListName is the name of a page of the list after the first, from 2 on.
func NextListName(number int) string { return "list-" + strconv.Itoa(number) + ".html" }

// listed is how many integrations a page of the list has: the first is to come quickly, and all are searched anyway.
const listed = 200

// madeBy is raised when the code that makes pages makes others of the same.
const madeBy = "1"

// Generation names what makes pages: those of another generation are made again.
var Generation = func() string {
	sum := sha256.Sum256([]byte(madeBy + "\x00" + sitePages + "\x00" + siteStyle + "\x00" + siteScript))
	return hex.EncodeToString(sum[:8])
}()

// Stamp says in a page what it was made of, and by what.
type Stamp struct {
	// Of is the SHA-256 of what it was made of, in hexadecimal.
	Of string
	// Generation is that of the program.
	Generation string
	// Pages is how many pages the list has, Base where the site is, "" if nobody has said; both only in the list.
	Pages int
	Base  string
}

func (s Stamp) String() string {
	return fmt.Sprintf("of=%s generation=%s pages=%d base=%s", s.Of, s.Generation, s.Pages, s.Base)
}

var stamped = regexp.MustCompile(`<meta name="kpkg" ` +
	`content="of=([0-9a-f]{64}) generation=([0-9a-f]{16}) pages=([0-9]{1,6}) base=([^" ]*)">`)

// ReadStamp finds the stamp of a page.
func ReadStamp(page []byte) (s Stamp, err error) {
	parts := stamped.FindSubmatch(page)
	if parts == nil {
		return s, errors.New("it does not say what it was made of")
	}
	s.Of, s.Generation, s.Base = string(parts[1]), string(parts[2]), string(parts[4])
	s.Pages, err = strconv.Atoi(string(parts[3]))
	return s, err
}

// Row is an integration in the list.
type Row struct {
	Name, Title, Description, Version string
	Published                         time.Time
	Prerelease, Signed                bool
	// Icon is the name of a file beside the page of the integration, "" for none.
	Icon, License                              string
	Types, Classes, Protocols, Platforms, Tags []string
	// Recent are the versions that came last, for the feed.
	Recent []Recent
}

// Recent is a version, and when it was published.
type Recent struct {
	Version string
	Time    time.Time
}

// URL is the page of the integration, below the root of the site.
func (r Row) URL() string { return integrationFolder + url.PathEscape(r.Name) + "/" + PageName }

// integrationFolder is where a registry has its integrations; site.js knows it too.
const integrationFolder = "community/v1.1.0/"

// How much of what strangers say a row has, in characters and in items.
const (
	rowTitle       = 80
	rowDescription = 240
	rowItems       = 16
)

// Cut is the row with all of it printable, and no longer than a list is to be.
func (r Row) Cut() Row {
	r.Title, r.Description, r.License = Text(cmp.Or(r.Title, r.Name), rowTitle), Text(r.Description, rowDescription), Text(r.License, rowTitle)
	for _, items := range []*[]string{&r.Types, &r.Classes, &r.Protocols, &r.Platforms, &r.Tags} {
		var all []string
		for _, item := range *items {
			if item = Text(item, 40); item != "" && !slices.Contains(all, item) && len(all) < rowItems {
				all = append(all, item)
			}
		}
		slices.Sort(all)
		*items = all
	}
	return r
}

// Text is a stranger's text in one line, cut to a number of characters.
func Text(s string, most int) string {
	s = strings.Join(strings.FieldsFunc(s, unicode.IsSpace), " ")
	if len(s) > 4*most {
		s = s[:4*most]
		for !utf8.ValidString(s) && len(s) > 4*most-utf8.UTFMax {
			s = s[:len(s)-1]
		}
	}
	if runes := []rune(finding.Printable(s)); len(runes) > most {
		return string(runes[:most-1]) + "…"
	} else {
		return string(runes)
	}
}

// The columns of a row in integrations.js. Recent versions are pairs of a version and a Unix time.
const columns = 14

func (r Row) columns() []string {
	state, recent := "", []string{}
	if r.Prerelease {
		state += "p"
	}
	if r.Signed {
		state += "s"
	}
	for _, one := range r.Recent {
		recent = append(recent, one.Version, unix(one.Time))
	}
	return []string{
		r.Name, r.Title, r.Description, r.Version, unix(r.Published), state, r.Icon, r.License, lines(r.Types), lines(r.Classes),
		lines(r.Protocols), lines(r.Platforms), lines(r.Tags), lines(recent),
	}
}

func rowOf(c []string) (r Row, err error) {
	if len(c) != columns {
		return r, fmt.Errorf("a row has %d columns", len(c))
	}
	r = Row{
		Name: c[0], Title: c[1], Description: c[2], Version: c[3], Prerelease: strings.Contains(c[5], "p"), Signed: strings.Contains(c[5], "s"),
		Icon: c[6], License: c[7], Types: items(c[8]), Classes: items(c[9]), Protocols: items(c[10]), Platforms: items(c[11]), Tags: items(c[12]),
	}
	if r.Published, err = fromUnix(c[4]); err != nil {
		return r, err
	}
	for pair := range slices.Chunk(items(c[13]), 2) {
		if len(pair) != 2 {
			return r, errors.New("a version has no time")
		}
		when, err := fromUnix(pair[1])
		if err != nil {
			return r, err
		}
		r.Recent = append(r.Recent, Recent{pair[0], when})
	}
	return r, nil
}

func lines(all []string) string { return strings.Join(all, "\n") }

func items(joined string) []string {
	if joined == "" {
		return nil
	}
	return strings.Split(joined, "\n")
}

func unix(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.Unix(), 10)
}

func fromUnix(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(n, 0).UTC(), err
}

const dataHead, dataTail = "window.kpkgIntegrations = [\n", "];\n"

// data is integrations.js: a script, since pages of a folder may ask for no other file; one row a line.
func (s Site) data() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(dataHead)
	for _, row := range s.Rows {
		line, err := json.Marshal(row.columns())
		if err != nil {
			return nil, err
		}
		b.Write(line)
		b.WriteString(",\n")
	}
	b.WriteString(dataTail)
	return b.Bytes(), nil
}

// ReadRows reads what a site says of its integrations, from its integrations.js.
func ReadRows(data []byte) ([]Row, error) {
	body, found := bytes.CutPrefix(data, []byte(dataHead))
	body, whole := bytes.CutSuffix(body, []byte(dataTail))
	if !found || !whole {
		return nil, errors.New("it is no list of integrations")
	}
	var table [][]string
	if err := json.Unmarshal(append(append([]byte("["), bytes.TrimSuffix(body, []byte(",\n"))...), ']'), &table); err != nil {
		return nil, err
	}
	var rows []Row
	for _, line := range table {
		row, err := rowOf(line)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Site is what the list shows.
type Site struct {
	// Rows are sorted by their names.
	Rows []Row
	// Base is where the site is, with a slash at its end; "" if nobody has said.
	Base string
	// Of is the SHA-256 of what it is made of.
	Of string
}

// page is what every page has.
type sitePage struct {
	Root, Head string
	Policy     string
	Stamp      string
	Style      template.CSS
	Script     template.JS
}

func newSitePage(root, title, policy string, stamp Stamp) sitePage {
	stamp.Generation = Generation
	return sitePage{root, title, policy, stamp.String(), template.CSS(siteStyle), template.JS(siteScript)}
}

type icon struct{ Src, Letter string }

func newIcon(folder, name, title string) icon {
	if name != "" {
		return icon{Src: folder + url.PathEscape(name)}
	}
	first, _ := utf8.DecodeRuneInString(title)
	return icon{Letter: string(unicode.ToUpper(first))}
}

type card struct {
	Row
	Icon icon
	URL  string
}

type pageLink struct {
	Number int
	URL    string
}

type filter struct {
	Name, Label string
	Values      []string
}

// Files are the files of the list, by their names: pages, the rows for their script, the feed, and with an address the sitemap.
func (s Site) Files() (map[string][]byte, error) {
	files := map[string][]byte{}
	var err error
	if files[DataName], err = s.data(); err != nil {
		return nil, err
	}
	if files[FeedName], err = s.feed(); err != nil {
		return nil, err
	}
	if s.Base != "" {
		if files[SitemapName], err = s.sitemap(); err != nil {
			return nil, err
		}
	}
	pages := max(1, (len(s.Rows)+listed-1)/listed)
	name := func(number int) string {
		if number == 1 {
			return ListName
		}
		return NextListName(number)
	}
	for number := 1; number <= pages; number++ {
		from := (number - 1) * listed
		rows := s.Rows[from:min(from+listed, len(s.Rows))]
		page := struct {
			sitePage
			Total, Range string
			Search       bool
			Filters      []filter
			Cards        []card
			Pages        []pageLink
		}{
			sitePage: newSitePage(".", "Integrations for plakar", listPolicy, Stamp{Of: s.Of, Pages: pages, Base: s.Base}),
			Total:    "There " + english.PluralWord(len(s.Rows), "is", "are") + " " + english.Plural(len(s.Rows), "integration", "") + ".",
			Search:   number == 1,
		}
		if pages > 1 {
			page.Range = fmt.Sprintf("%d to %d", from+1, from+len(rows))
			for n := 1; n <= pages; n++ {
				link := pageLink{Number: n, URL: name(n)}
				if n == number {
					link.URL = ""
				}
				page.Pages = append(page.Pages, link)
			}
		}
		if page.Search {
			page.Filters = s.filters()
		}
		for _, row := range rows {
			one := card{Row: row, Icon: newIcon(integrationFolder+url.PathEscape(row.Name)+"/", row.Icon, row.Title), URL: row.URL()}
			one.Protocols = one.Protocols[:min(len(one.Protocols), 4)]
			page.Cards = append(page.Cards, one)
		}
		if files[name(number)], err = render("list", page); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// filters are those that a list offers: what occurs in it.
func (s Site) filters() []filter {
	filters := []filter{{"type", "Type", nil}, {"class", "Class", nil}, {"platform", "Platform", nil}}
	for i := range filters {
		seen := map[string]bool{}
		for _, row := range s.Rows {
			for _, value := range [][]string{row.Types, row.Classes, row.Platforms}[i] {
				seen[value] = true
			}
		}
		for value := range seen {
			filters[i].Values = append(filters[i].Values, value)
		}
		slices.Sort(filters[i].Values)
		filters[i].Values = filters[i].Values[:min(len(seen), 60)]
	}
	return filters
}

func render(name string, page any) ([]byte, error) {
	var b bytes.Buffer
	if err := siteTemplates().ExecuteTemplate(&b, name, page); err != nil {
		return nil, fmt.Errorf("write the page: %w", err)
	}
	return b.Bytes(), nil
}
