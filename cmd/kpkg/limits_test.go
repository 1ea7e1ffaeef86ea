package main

import (
	"cmp"
	"fmt"
	"go/ast"
	number "go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dustin/go-humanize"
)

// boundName is how constants are called that bound what is read, kept or printed.
var boundName = regexp.MustCompile(`^(max[A-Z]\w*|Max[A-Z]\w*|\w+Limit|longest)$`)

// beginBounds and endBounds are around the table of all bounds in docs/limits.md, which the code is the source of.
const (
	beginBounds = "| constant | value | about |\n|---|---|---|\n"
	endBounds   = "\n<!-- end of the bounds -->\n"
)

// TestLimitsPage finds each bound of the code in the table of docs/limits.md, with its value and what is said of it; -update writes it.
func TestLimitsPage(t *testing.T) {
	root := treeRoot(t)
	var rows []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (strings.HasPrefix(name, ".") || slices.Contains([]string{"testdata", "interop", "examples"}, name)) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		room, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, b := range boundsOf(t, path) {
			if b.about == "" {
				t.Errorf("%s: a comment must say what %s bounds", path, b.name)
			}
			rows = append(rows, fmt.Sprintf("| `%s` %s | %s | %s |", filepath.ToSlash(room), b.name, humanize.Comma(b.value), b.about))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 100 {
		t.Errorf("only %d bounds were found", len(rows))
	}
	slices.Sort(rows)
	page := filepath.Join(root, "docs", "limits.md")
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(data), beginBounds)
	table, after, ended := strings.Cut(rest, endBounds)
	if !found || !ended {
		t.Fatal("docs/limits.md has no table of bounds")
	}
	if want := strings.Join(rows, "\n") + "\n"; table != want {
		if !*update {
			t.Fatal("the table of bounds in docs/limits.md is not the code's: see what -update makes of it, and what else the page says")
		}
		if err := os.WriteFile(page, []byte(before+beginBounds+want+endBounds+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A bound is a constant that bounds something.
type bound struct {
	name  string
	value int64
	about string // the first sentence of its comment
}

// boundsOf are the bounds among the constants of a file. One that is made of others is theirs.
func boundsOf(t *testing.T, path string) (bounds []bound) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, declaration := range file.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok {
			continue
		}
		about := ""
		for _, each := range group.Specs {
			spec, ok := each.(*ast.ValueSpec)
			if !ok {
				continue
			}
			// What has no comment of its own stands below what it belongs to.
			own := cmp.Or(spec.Doc.Text(), spec.Comment.Text())
			about = cmp.Or(own, about, group.Doc.Text())
			for i, name := range spec.Names {
				if i >= len(spec.Values) || !boundName.MatchString(name.Name) {
					continue
				}
				value, err := types.Eval(token.NewFileSet(), nil, token.NoPos, types.ExprString(spec.Values[i]))
				if err != nil || value.Value == nil || value.Value.Kind() != number.Int {
					continue
				}
				if n, exact := number.Int64Val(value.Value); exact {
					bounds = append(bounds, bound{name.Name, n, firstSentence(about)})
				}
			}
		}
	}
	return bounds
}

func firstSentence(comment string) string {
	text := strings.Join(strings.Fields(comment), " ")
	if first, _, more := strings.Cut(text, ". "); more {
		text = first
	}
	return strings.NewReplacer("|", "\\|", "<", "\\<", "`", "", "*", "\\*").Replace(strings.TrimSuffix(text, "."))
}
