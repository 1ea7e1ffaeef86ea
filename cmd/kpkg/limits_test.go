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
	"time"

	"github.com/dustin/go-humanize"
)

// boundName is how constants are called that bound what is read, kept, printed or waited for.
var boundName = regexp.MustCompile(`^([mM]ax[A-Z]\w*|\w+(Limit|Timeout|Time|Age|AtOnce|Window|Ahead|Memory)|` +
	`(shown|kept|held|late|cached|prefetch|free|pending)[A-Z]\w*|longest|attempts|stalled|pending|workers|writers|` +
	`queued|held|openDepth|expandDepth|expandLimit|linesASecond|lastLines|lastLineShown|silence|ending|closing|untaken|minShare|minCipherChunk|` +
	`lastWrite|sideBySide|chunkMax|spilledRun|spilledBuffer)$`)

// beginBounds and endBounds are around the table of all bounds in docs/limits.md, which the code is the source of.
const (
	beginBounds = "| constant | value | about |\n|---|---|---|\n"
	endBounds   = "\n<!-- end of the bounds -->\n"
)

// TestLimitsPage finds each bound of the code in the table of docs/limits.md, with its value and what is said of it; -update writes it.
func TestLimitsPage(t *testing.T) {
	var rows []string
	for _, b := range allBounds(t) {
		if b.about == "" {
			t.Errorf("%s: a comment must say what %s bounds", b.room, b.name)
		}
		rows = append(rows, fmt.Sprintf("| `%s` %s | %s | %s |", b.room, b.name, b.text(), b.about))
	}
	if len(rows) < 100 {
		t.Errorf("only %d bounds were found", len(rows))
	}
	slices.Sort(rows)
	rows = slices.Compact(rows)
	page := filepath.Join(treeRoot(t), "docs", "limits.md")
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
	room  string // its folder
	name  string
	value int64
	time  bool   // value is in nanoseconds
	about string // the first sentence of its comment
}

func (b bound) text() string {
	if b.time {
		return time.Duration(b.value).String()
	}
	return humanize.Comma(b.value)
}

// sourceFiles calls visit with each file of the program's own code, parsed.
func sourceFiles(t *testing.T, visit func(room string, set *token.FileSet, file *ast.File)) {
	t.Helper()
	root := treeRoot(t)
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
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(room), set, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// allBounds are the bounds among the constants of the program's own code.
func allBounds(t *testing.T) (bounds []bound) {
	t.Helper()
	sourceFiles(t, func(room string, _ *token.FileSet, file *ast.File) {
		bounds = append(bounds, boundsOf(room, file)...)
	})
	return bounds
}

// boundsOf are the bounds among the constants of a file, those within functions too.
func boundsOf(room string, file *ast.File) (bounds []bound) {
	known := types.NewPackage(room, "known")
	known.Scope().Insert(types.NewPkgName(token.NoPos, known, "time", units()))
	ast.Inspect(file, func(node ast.Node) bool {
		group, ok := node.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST && group.Tok != token.VAR {
			return true
		}
		about := ""
		for _, each := range group.Specs {
			spec := each.(*ast.ValueSpec)
			// What has no comment of its own stands below what it belongs to.
			own := cmp.Or(spec.Doc.Text(), spec.Comment.Text())
			about = cmp.Or(own, about, group.Doc.Text())
			for i, name := range spec.Names {
				if i >= len(spec.Values) {
					continue
				}
				expression := types.ExprString(spec.Values[i])
				value, err := types.Eval(token.NewFileSet(), known, token.NoPos, expression)
				if err != nil || value.Value == nil {
					continue
				}
				known.Scope().Insert(types.NewConst(token.NoPos, known, name.Name, value.Type, value.Value))
				n, exact := number.Int64Val(number.ToInt(value.Value))
				if exact && value.Value.Kind() == number.Int && boundName.MatchString(name.Name) {
					bounds = append(bounds, bound{room, name.Name, n, strings.Contains(expression, "time."), firstSentence(about)})
				}
			}
		}
		return true
	})
	return bounds
}

// units is as much of package time as constants are made of.
func units() *types.Package {
	pkg := types.NewPackage("time", "time")
	for name, unit := range map[string]time.Duration{
		"Microsecond": time.Microsecond, "Millisecond": time.Millisecond, "Second": time.Second, "Minute": time.Minute, "Hour": time.Hour,
	} {
		pkg.Scope().Insert(types.NewConst(token.NoPos, pkg, name, types.Typ[types.Int64], number.MakeInt64(int64(unit))))
	}
	pkg.MarkComplete()
	return pkg
}

func firstSentence(comment string) string {
	text := strings.Join(strings.Fields(comment), " ")
	if first, _, more := strings.Cut(text, ". "); more {
		text = first
	}
	return strings.NewReplacer("|", "\\|", "<", "\\<", "`", "", "*", "\\*").Replace(strings.TrimSuffix(text, "."))
}
