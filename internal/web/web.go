// Package web is the pages of kpkg serve: what is in an archive, shown in a browser.
//
// All of it is a stranger's, so nothing of it runs. The pages have no script; html/template escapes every string; contents are
// read by viewers, each of which makes plain text and tables of one kind of file within its own bounds.
package web

import (
	"context"
	"embed"
	"html/template"
	"io"
	"path"
	"strings"
	"sync"
)

//go:embed *.html style.css
var files embed.FS

// Templates are the pages by their names.
var Templates = sync.OnceValue(func() *template.Template { return template.Must(template.New("").ParseFS(files, "*.html")) })

// Style is the style sheet of all pages.
func Style() []byte {
	data, err := files.ReadFile("style.css")
	if err != nil {
		panic(err) // it is embedded
	}
	return data
}

// Crumb is a folder above what a page is about.
type Crumb struct{ Name, URL string }

// Page is what all pages have.
type Page struct {
	Title  string
	File   string // the archive's name
	Home   string // its first page
	Base   string // what links to the style sheet begin with
	Crumbs []Crumb
	// Search is where names are searched, "" where they cannot be.
	Search, Query string
}

// View is what a viewer makes of a content.
type View struct {
	// Kind is what it is shown as: text, table, mail, image, or none.
	Kind string
	Text string
	// Cut says what is not shown; "" when all is.
	Cut    string
	Tables []Table
	Mail   *Mail
	// SQL is the query that a database is asked, and Error what became of it.
	SQL, Error string
	// Database is set for a file that queries can be asked of.
	Database bool
}

// Table is rows of cells below their heading.
type Table struct {
	Name    string
	Columns []string
	Rows    [][]string
}

// Content is a file's, with all that viewers need to know of it.
type Content struct {
	Name string
	*io.SectionReader
	// SQL is a query that was typed, "" for none.
	SQL string
	// TempDir is a folder for what a viewer needs on disk.
	TempDir string
}

// images are the types that browsers show in an <img>, where none of them can run anything.
var images = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".svg": "image/svg+xml",
}

// ImageType is the type of an image by its name, "" for what is none.
func ImageType(name string) string { return images[strings.ToLower(path.Ext(name))] }

// Show shows a content by the first viewer that knows it.
func Show(ctx context.Context, c Content) View {
	switch strings.ToLower(path.Ext(c.Name)) {
	case ".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg":
		return View{Kind: "image"}
	case ".csv", ".tsv":
		return showCSV(c)
	case ".json":
		return showJSON(c)
	case ".eml":
		return showMail(c)
	}
	if isDatabase(c) {
		return showDatabase(ctx, c)
	}
	return showText(c)
}
