package web

import (
	"bytes"
	"html/template"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
	nodes "golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/PlakarKorp/kpkg/finding"
)

const (
	// maxMarkdown is how much of a stranger's text is shown, in bytes.
	maxMarkdown = 128 << 10
	// maxQuotes is how deep the lines of what is shown may be in quotes and lists: nesting costs more than its length.
	maxQuotes = 32
	// maxMarks is how many marks lines may have that belong together.
	maxMarks = 2000
	// anchor begins the names of headings in it, so that none is a name of the page's own.
	anchor = "readme-"
)

// Markdown is a stranger's text as HTML that runs nothing and loads nothing: images become links, links to files beside it the
// text alone, for the file is not there. cut tells that only its beginning is shown.
func Markdown(source []byte) (shown template.HTML, cut bool) {
	source = bytes.ToValidUTF8(source, []byte("\uFFFD"))
	if len(source) > maxMarkdown {
		source, cut = source[:maxMarkdown], true
		if end := bytes.LastIndexByte(source, '\n'); end > 0 {
			source = source[:end]
		}
	}
	source, dense := bounded(source)
	cut = cut || dense
	var out bytes.Buffer
	context := parser.NewContext(parser.WithIDs(headings{}))
	if err := markdown().Convert(source, &out, parser.WithContext(context)); err != nil {
		return "", cut // nothing is written to but a buffer
	}
	found, err := whole(sanitizer().SanitizeBytes(out.Bytes()))
	if err != nil { // nested deeper than anybody writes
		found = `<pre tabindex="0">` + template.HTMLEscapeString(finding.PrintableLines(string(source))) + "</pre>"
	}
	return template.HTML(found), cut
}

// whole closes what a text has left open, which would go on in the page: a link that is not closed makes links of all that
// follows. What may be wider than the page gets what scrolls it, by keyboard too.
func whole(sanitized []byte) (string, error) {
	around := &nodes.Node{Type: nodes.ElementNode, Data: "div", DataAtom: atom.Div}
	found, err := nodes.ParseFragment(bytes.NewReader(sanitized), around)
	if err != nil {
		return "", err
	}
	for _, n := range found {
		around.AppendChild(n)
	}
	var wide []*nodes.Node
	for n := range around.Descendants() {
		if n.Type == nodes.ElementNode && (n.DataAtom == atom.Pre || n.DataAtom == atom.Table) {
			wide = append(wide, n)
		}
	}
	for _, n := range wide {
		scroll := &nodes.Node{Type: nodes.ElementNode, Data: "div", DataAtom: atom.Div, Attr: []nodes.Attribute{
			{Key: "class", Val: "scroll"}, {Key: "tabindex", Val: "0"}, {Key: "role", Val: "group"}, {Key: "aria-label", Val: "README"},
		}}
		n.Parent.InsertBefore(scroll, n)
		n.Parent.RemoveChild(n)
		scroll.AppendChild(n)
	}
	var out strings.Builder
	for n := range around.ChildNodes() {
		if err := nodes.Render(&out, n); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

var markdown = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
			extension.Strikethrough, extension.Linkify),
		goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithASTTransformers(util.Prioritized(fitting{}, 100))),
		// HTML in it is let through, as where it was written for; the sanitiser comes after.
		goldmark.WithRendererOptions(html.WithUnsafe()),
	)
})

// sanitizer is made when it is used: what most commands never do takes none of them a millisecond, here as for the templates.
var sanitizer = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "blockquote", "pre", "code", "kbd", "samp",
		"em", "strong", "b", "i", "del", "s", "sub", "sup", "table", "thead", "tbody", "tr", "th", "td", "details", "summary")
	p.AllowAttrs("id").Matching(regexp.MustCompile(`^`+anchor+`[\pL\pN-]{1,80}$`)).OnElements("h3", "h4", "h5", "h6")
	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(left|right|center)$`)).OnElements("th", "td")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("href").Matching(regexp.MustCompile(`^(?i:https?://|mailto:)[^\s]+$|^#` + anchor + `[^\s]*$`)).OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(true) // to headings; other ones the pattern refuses
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	return p
})

// fitting makes what was written as a page of its own a part of another.
type fitting struct{}

func (fitting) Transform(document *ast.Document, reader text.Reader, _ parser.Context) {
	var images []*ast.Image
	_ = ast.Walk(document, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			n.Level = min(n.Level+2, 6)
		case *ast.Link:
			if bytes.HasPrefix(n.Destination, []byte("#")) {
				n.Destination = append([]byte("#"+anchor), bytes.ToLower(n.Destination[1:])...)
			}
		case *ast.Image:
			images = append(images, n)
		}
		return ast.WalkContinue, nil
	})
	for _, image := range images {
		link := ast.NewLink()
		link.Destination = image.Destination
		for child := image.FirstChild(); child != nil; child = image.FirstChild() {
			link.AppendChild(link, child)
		}
		if !link.HasChildren() {
			link.AppendChild(link, ast.NewString([]byte("image")))
		}
		// A link within a link is none: its text stays.
		if image.Parent().Kind() == ast.KindLink {
			for child := link.FirstChild(); child != nil; child = link.FirstChild() {
				image.Parent().InsertBefore(image.Parent(), image, child)
			}
			image.Parent().RemoveChild(image.Parent(), image)
			continue
		}
		image.Parent().ReplaceChild(image.Parent(), image, link)
	}
}

// headings names the headings of one text.
type headings map[string]int

func (h headings) Generate(value []byte, _ ast.NodeKind) []byte {
	var b strings.Builder
	for _, r := range strings.ToLower(string(value)) {
		switch {
		case b.Len() > 60:
		case unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(r)
		case r == ' ' || r == '-':
			b.WriteByte('-')
		}
	}
	name := anchor + strings.Trim(b.String(), "-")
	h[name]++
	if n := h[name]; n > 1 {
		name += "-" + strconv.Itoa(n-1)
	}
	return []byte(name)
}

func (headings) Put([]byte) {}

// bounded takes away quotes and indentation that are deeper than anybody writes, and of lines that belong together what comes after
// more marks than anybody makes: to find out which belong to which takes as long as the square of their number. cut tells that.
func bounded(source []byte) (shown []byte, cut bool) {
	lines := bytes.Split(source, []byte("\n"))
	marks := 0
	for i, line := range lines {
		line = flat(line)
		if len(bytes.TrimSpace(line)) == 0 {
			marks = 0
		}
		for at, b := range line {
			if marks == maxMarks {
				line, cut = line[:at], true
				break
			}
			if bytes.IndexByte([]byte("*_[]()<!`~"), b) >= 0 {
				marks++
			}
		}
		lines[i] = line
	}
	return bytes.Join(lines, []byte("\n")), cut
}

// flat cuts a line where it is nested too deep.
func flat(line []byte) []byte {
	depth := 0
	for at, b := range line {
		if bytes.IndexByte([]byte(" \t>-*+0123456789.)"), b) < 0 {
			return line
		}
		if b == '>' || b == '\t' || bytes.IndexByte([]byte("-*+.)"), b) >= 0 && at+1 < len(line) && line[at+1] == ' ' {
			depth++
		}
		if depth > maxQuotes {
			return line[:at]
		}
	}
	return line
}
