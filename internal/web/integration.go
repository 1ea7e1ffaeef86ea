package web

import (
	"cmp"
	"html/template"
	"net/url"
)

// Integration is what the page of one shows. What strangers say is cut by Text where it comes from; nothing of it is HTML but
// what Markdown has made.
type Integration struct {
	Row
	// Of is the SHA-256 of the list of versions that the page is made of.
	Of string
	// Notice is what has to be known first, such as that no version is offered.
	Notice        string
	Install, Use  []Command
	Readme, Notes template.HTML
	ReadmeCut     bool
	Connectors    []ShownConnector
	Since         string // the version that Changes are from, "" where there is none
	Changes       []ShownChange
	Versions      []ShownVersion
	MoreVersions  int
	Parts         []Part
	PartsSum      string
	PartsFiles    []Link
	Downloads     []Download
	Facts         []Fact
	Clients       []Client
	Signature     string // the number of the key, "" where nobody has signed
	Comment       string
}

// Command is something to copy. Each line is parts, of which an address is put in by the browser that knows it.
type Command struct {
	What  string
	Lines [][]Piece
}

// Piece is a part of a line.
type Piece struct {
	Text    string
	Address bool
}

// ShownConnector is a connector with its options.
type ShownConnector struct {
	Type, Class      string
	Protocols, Flags []string
	Options          []Option
	MoreOptions      int
}

// Option is one of a connector's.
type Option struct {
	Name, Type, Default, Description, Values string
	Required                                 bool
}

// ShownChange is what users of the version before meet.
type ShownChange struct {
	Step, Subject, Message string
	Breaks                 bool
}

// ShownVersion is one that was published.
type ShownVersion struct {
	Version, Published, Platforms, State, Withdrawn string
	Files                                           []ShownFile
}

// ShownFile is a file of a version. Signature is where that is, Key the number of its key.
type ShownFile struct{ Name, URL, Size, SHA256, Signature, Key string }

// Part is what a package is made of.
type Part struct{ Name, Version, Licence string }

// Link leads to a file beside the page.
type Link struct{ Text, URL string }

// Download is a package.
type Download struct{ Text, URL, Size string }

// Fact is one line of what is to be known at a glance; URL is "" or a web address.
type Fact struct{ Name, Text, URL string }

// Client is a line of plakar's releases.
type Client struct {
	Name, Why string
	Usable    bool
}

// WebAddress is an address of the web, or mail, that a page may link to; "" for all else.
func WebAddress(s string) string {
	u, err := url.Parse(s)
	if err != nil || len(s) > 500 || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return u.String()
}

// Page is the page of an integration.
func (i Integration) Page() ([]byte, error) {
	page := struct {
		sitePage
		Integration
		Title    string
		Icon     icon
		Contents []contentsLink
	}{
		sitePage:    newSitePage("../../..", cmp.Or(i.Row.Title, i.Name)+", an integration for plakar", pagePolicy, Stamp{Of: i.Of}),
		Integration: i, Title: cmp.Or(i.Row.Title, i.Name), Icon: newIcon("", i.Row.Icon, i.Row.Title),
	}
	for _, one := range []struct {
		has      bool
		id, text string
	}{
		{len(i.Install) > 0, "install", "Install"}, {len(i.Use) > 0, "use", "Use"}, {i.Readme != "", "readme", "README"},
		{len(i.Connectors) > 0, "connectors", "Connectors"}, {i.Since != "", "changes", "What changed"}, {i.Notes != "", "notes", "Notes"},
		{true, "versions", "Versions"}, {true, "files", "Files"}, {len(i.Parts) > 0, "parts", "What is in it"},
	} {
		if one.has {
			page.Contents = append(page.Contents, contentsLink{one.id, one.text})
		}
	}
	return render("integration", page)
}

type contentsLink struct{ ID, Text string }
