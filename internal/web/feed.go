package web

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// fed is how many versions the feed has.
const fed = 50

type atomLink struct {
	Rel  string `xml:"rel,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
	Updated string   `xml:"updated"`
	Link    atomLink `xml:"link"`
	Summary string   `xml:"summary"`
}

type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Author  string      `xml:"author>name"`
	Links   []atomLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

// feed is the Atom feed (RFC 4287) of the versions that came last.
func (s Site) feed() ([]byte, error) {
	type news struct {
		Row
		Recent
	}
	var all []news
	for _, row := range s.Rows {
		for _, recent := range row.Recent {
			all = append(all, news{row, recent})
		}
	}
	slices.SortStableFunc(all, func(a, b news) int { return b.Time.Compare(a.Time) })
	all = all[:min(len(all), fed)]
	about := s.Base
	if about == "" {
		about = "index.html"
	}
	feed := atomFeed{
		ID: urn(about), Title: "New versions of integrations for plakar", Author: "kpkg", Updated: time.Unix(0, 0).UTC().Format(time.RFC3339),
		Links: []atomLink{{"alternate", s.Base + "index.html"}, {"self", s.Base + "feed.atom"}},
	}
	for i, one := range all {
		when := one.Time.UTC().Format(time.RFC3339)
		if i == 0 {
			feed.Updated = when
		}
		feed.Entries = append(feed.Entries, atomEntry{
			ID: urn(about + " " + one.Name + " " + one.Recent.Version), Title: one.Row.Title + " " + one.Recent.Version, Updated: when,
			Link: atomLink{"alternate", s.Base + one.URL()}, Summary: one.Description,
		})
	}
	return marked(feed)
}

func urn(name string) string { return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).URN() }

// sitemap is the list of pages (https://www.sitemaps.org/protocol.html), which takes whole addresses, at most 50,000.
func (s Site) sitemap() ([]byte, error) {
	type address struct {
		Loc string `xml:"loc"`
	}
	pages := struct {
		XMLName xml.Name  `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
		Pages   []address `xml:"url"`
	}{Pages: []address{{s.Base}}}
	for _, row := range s.Rows[:min(len(s.Rows), 49_999)] {
		pages.Pages = append(pages.Pages, address{s.Base + row.URL()})
	}
	return marked(pages)
}

func marked(value any) ([]byte, error) {
	data, err := xml.MarshalIndent(value, "", " ")
	return append([]byte(xml.Header), append(data, '\n')...), err
}

// BaseURL is the address of a registry with the slash at its end that what is below it begins after.
func BaseURL(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("%q is no web address of a folder, such as https://packages.example.org/acme", address)
	}
	return strings.TrimRight(u.String(), "/") + "/", nil
}
