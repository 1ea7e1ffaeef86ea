// Package pages reads the documentation: the blocks of code in a page, and what a test is to do with each. It is for tests
// alone, which hold the pages to what they say.
//
// The first word after the fence is the language, the rest is the mark. A mark that this package does not know, or none,
// is an error: no block escapes the tests by being forgotten. A comment <!-- LANGUAGE MARK ... --> is a block that readers do
// not see, for what only the tests need.
package pages

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// Block is a block of code in a page.
type Block struct {
	Page     string // the file, relative to the root of the tree
	Line     int    // of its first line, from 1
	Language string
	Mark     string // what is done with it, see marks
	File     string // of a file=NAME: the name
	Text     string
	Hidden   bool // from readers; hidden Go belongs to the block that follows
}

func (b Block) String() string { return fmt.Sprintf("%s:%d", b.Page, b.Line) }

// marks are the marks that a block of each language may have. file=NAME, for any language, is a file that the commands of
// the page find.
var marks = map[string][]string{
	"sh":    {"run", "plakar", "check"},
	"go":    {"compile"},
	"yaml":  {"manifest", "build", "workflow", "gitlab", "settings"},
	"json":  {"report", "sample"},
	"proto": {"protoc"}, // by interop/, which needs protoc anyway
	"text":  {"output", "figure"},
}

// Page is a page of the documentation.
type Page struct {
	Name   string // the file, relative to the root of the tree
	Source []byte
	Blocks []Block
	Spans  []Block // what stands between backquotes in the text
	Prose  []Block // headings, paragraphs and rows of tables, without markup
	Links  []Block // where links lead
}

// Find returns the names of all pages below root, sorted: every .md file that is no test's.
func Find(root string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && path != root
		if entry.IsDir() && (hidden || slices.Contains([]string{"testdata", "bin", "dist"}, entry.Name())) {
			return filepath.SkipDir
		}
		if !entry.IsDir() && filepath.Ext(path) == ".md" {
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			found = append(found, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for pages: %w", err)
	}
	return found, nil
}

// Read reads the page of that name below root. Blocks without a proper mark are told in problems.
func Read(root, name string) (page Page, problems []error, err error) {
	source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return Page{}, nil, err
	}
	page = Page{Name: name, Source: source}
	document := goldmark.New(goldmark.WithExtensions(extension.Table)).Parser().Parse(text.NewReader(source))
	err = ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		var problem error
		switch node := node.(type) {
		case *ast.FencedCodeBlock:
			info := ""
			if node.Info != nil {
				info = string(node.Info.Segment.Value(source))
			}
			problem = page.add(info, node.Lines())
		case *ast.CodeBlock:
			problem = fmt.Errorf("%s:%d: an indented block has no mark: fence it", name, lineOf(source, node.Lines()))
		case *ast.HTMLBlock:
			problem = page.addHidden(node)
		case *ast.Link:
			link := page.prose(node)
			link.Text = string(node.Destination)
			page.Links = append(page.Links, link)
		case *ast.CodeSpan:
			page.Spans = append(page.Spans, page.prose(node))
		case *ast.Paragraph, *ast.TextBlock, *ast.Heading:
			page.Prose = append(page.Prose, page.prose(node))
		default:
			if node.Kind().String() == "TableRow" || node.Kind().String() == "TableHeader" {
				page.Prose = append(page.Prose, page.prose(node))
			}
		}
		if problem != nil {
			problems = append(problems, problem)
		}
		return ast.WalkContinue, nil
	})
	return page, problems, err
}

// add adds a block with the info string of its fence.
func (p *Page) add(info string, lines *text.Segments) error {
	return p.addBlock(Block{Line: lineOf(p.Source, lines), Text: string(lines.Value(p.Source))}, info)
}

func (p *Page) addBlock(block Block, info string) error {
	block.Page = p.Name
	block.Language, block.Mark, _ = strings.Cut(strings.TrimSpace(info), " ")
	file, isFile := strings.CutPrefix(block.Mark, "file=")
	switch {
	case block.Language != "" && isFile && filepath.IsLocal(file):
		block.Mark, block.File = "file", file
	case !slices.Contains(marks[block.Language], block.Mark):
		return fmt.Errorf("%s: the block is marked %q, which no test knows: CONTRIBUTING.md lists the marks", block, info)
	}
	p.Blocks = append(p.Blocks, block)
	return nil
}

// addHidden adds a comment that begins as a block does. Other comments are the writer's own.
func (p *Page) addHidden(node *ast.HTMLBlock) error {
	lines := node.Lines()
	all := lines.Value(p.Source)
	if node.HasClosure() {
		all = append(all, node.ClosureLine.Value(p.Source)...)
	}
	comment, isComment := strings.CutPrefix(strings.TrimSpace(string(all)), "<!--")
	if !isComment {
		return nil
	}
	info, body, hasBody := strings.Cut(comment, "\n")
	language, _, _ := strings.Cut(strings.TrimSpace(info), " ")
	if marks[language] == nil || !hasBody {
		return nil
	}
	return p.addBlock(Block{Line: lineOf(p.Source, lines) + 1, Text: strings.TrimSuffix(body, "-->"), Hidden: true}, info)
}

// prose is the text of a node without its markup.
func (p *Page) prose(node ast.Node) Block {
	var plain bytes.Buffer
	start := -1
	ast.Walk(node, func(n ast.Node, entering bool) (ast.WalkStatus, error) { //nolint:errcheck // the function returns none
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				if start < 0 {
					start = n.Segment.Start
				}
				plain.Write(n.Segment.Value(p.Source))
				if n.SoftLineBreak() || n.HardLineBreak() {
					plain.WriteByte(' ')
				}
			}
		case *ast.Link:
			if !entering {
				fmt.Fprintf(&plain, " (%s)", n.Destination)
			}
		default:
			if !entering && n.Kind().String() == "TableCell" {
				plain.WriteString(" | ")
			}
		}
		return ast.WalkContinue, nil
	})
	return Block{Page: p.Name, Line: 1 + bytes.Count(p.Source[:max(start, 0)], []byte("\n")), Text: plain.String()}
}

func lineOf(source []byte, lines *text.Segments) int {
	if lines.Len() == 0 {
		return 0
	}
	return 1 + bytes.Count(source[:lines.At(0).Start], []byte("\n"))
}
