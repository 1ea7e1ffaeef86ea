package web

import (
	"bytes"
	"html/template"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

const (
	// maxMarkdown is how much of a stranger's text is shown, in bytes.
	maxMarkdown = 128 << 10
	// maxQuotes is how deep the lines of what is shown may be in quotes and lists: nesting costs more than its length.
	maxQuotes = 32
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
	source = flat(source)
	var out bytes.Buffer
	context := parser.NewContext(parser.WithIDs(headings{}))
	if err := markdown.Convert(source, &out, parser.WithContext(context)); err != nil {
		return "", cut // nothing is written to but a buffer
	}
	return template.HTML(sanitizer.SanitizeBytes(out.Bytes())), cut
}

var markdown = goldmark.New(
	goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
		extension.Strikethrough, extension.Linkify),
	goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithASTTransformers(util.Prioritized(fitting{}, 100))),
	// HTML in it is let through, as where it was written for; the sanitiser comes after.
	goldmark.WithRendererOptions(html.WithUnsafe()),
)

var sanitizer = func() *bluemonday.Policy {
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
}()

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

// flat takes away quotes and indentation that are deeper than anybody writes.
func flat(source []byte) []byte {
	lines := bytes.Split(source, []byte("\n"))
	for i, line := range lines {
		marks := 0
		for at, b := range line {
			if !bytes.ContainsRune([]byte(" \t>-*+0123456789.)"), rune(b)) {
				break
			}
			if b == '>' || (b == '-' || b == '*' || b == '+' || b == '.' || b == ')') && at+1 < len(line) && line[at+1] == ' ' || b == '\t' {
				marks++
			}
			if marks > maxQuotes {
				lines[i] = line[:at]
				break
			}
		}
	}
	return bytes.Join(lines, []byte("\n"))
}
