package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/internal/pages"
	"github.com/PlakarKorp/kpkg/schema"
)

// TestEnvironmentPage compares docs/environment.md with the variables that the code reads.
func TestEnvironmentPage(t *testing.T) {
	root := treeRoot(t)
	read := map[string]string{} // where it is read, by variable
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (strings.HasPrefix(name, ".") || slices.Contains([]string{"testdata", "interop", "examples"}, name)) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go") {
			return readVariables(filepath.Dir(path), path, read)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "environment.md"))
	if err != nil {
		t.Fatal(err)
	}
	own, _, _ := strings.Cut(string(page), "## What it uses by way of Go")
	var told []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)`").FindAllStringSubmatch(own, -1) {
		told = append(told, m[1])
	}
	for _, name := range slices.Sorted(maps.Keys(read)) {
		if !slices.Contains(told, name) {
			t.Errorf("%s: %s is not in docs/environment.md", read[name], name)
		}
	}
	for _, name := range told {
		if read[name] == "" {
			t.Errorf("docs/environment.md: nothing reads %s", name)
		}
	}
	if len(told) < 5 {
		t.Errorf("the page names %q", told)
	}
}

// readVariables notes the variables that a file reads. A name that is not written out is one that the user gives.
func readVariables(dir, path string, read map[string]string) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			return true
		}
		function, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || fmt.Sprint(function.X) != "os" || function.Sel.Name != "Getenv" && function.Sel.Name != "LookupEnv" {
			return true
		}
		name := ""
		switch arg := call.Args[0].(type) {
		case *ast.BasicLit:
			name, err = strconv.Unquote(arg.Value)
		case *ast.Ident:
			name, err = constant(dir, arg.Name)
		}
		if name != "" {
			read[name] = set.Position(call.Pos()).String()
		}
		return err == nil
	})
	return err
}

// constant looks a constant of a package up; it is empty if the name is a variable's.
func constant(dir, name string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return "", err
	}
	pattern := regexp.MustCompile(`(?m)^(?:const)?\s*` + name + `\s*=\s*"([A-Z_]+)"`)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		if m := pattern.FindSubmatch(data); m != nil {
			return string(m[1]), nil
		}
	}
	return "", nil
}

// measured is how figures are written that somebody must have measured.
var measured = regexp.MustCompile(`(?i)\d[\d.,]*\s?(?:[MG]i?B/s|files/s|CPU s|%|per cent|times (?:as|faster|smaller|larger|less))` +
	`|(?:half|thirds?|quarters?|fifths?|sixths?|sevenths?|eighths?|ninths?|tenths?) ` +
	`(?:of )?(?:the|its) (?:size|time|CPU|memory|bytes)` +
	`|(?:half|third|quarter|tenth) (?:smaller|faster|larger|less)|\b(?:twice|thrice) as `)

// TestFigures holds figures to docs/benchmarks.md, where it is said how they were measured: elsewhere a paragraph that has one
// leads there, and its numbers with units stand there too. What make bench has written into a page says itself how it was measured.
func TestFigures(t *testing.T) {
	root := treeRoot(t)
	data, err := os.ReadFile(filepath.Join(root, "docs", "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range readPages(t) {
		if slices.Contains([]string{"docs/benchmarks.md", "CHANGELOG.md"}, page.Name) {
			continue
		}
		for _, block := range page.Prose {
			if isMeasured(page.Source, block.Line) {
				continue
			}
			if err := checkFigures(block, string(data)); err != nil {
				t.Errorf("%s: %v in %q", block, err, block.Text)
			}
		}
	}
}

// isMeasured tells whether a line, counted from 1, is one that make bench has written.
func isMeasured(page []byte, line int) bool {
	before := strings.Join(strings.SplitAfter(string(page), "\n")[:line-1], "")
	return strings.Count(before, "<!-- measured: ") > strings.Count(before, "<!-- end of what was measured -->")
}

func TestIsMeasured(t *testing.T) {
	page := []byte("a\n<!-- measured: x -->\n\n| b |\n\n<!-- end of what was measured -->\nc\n")
	for line, want := range map[int]bool{1: false, 4: true, 7: false} {
		if isMeasured(page, line) != want {
			t.Errorf("line %d: %v", line, !want)
		}
	}
}

func checkFigures(block pages.Block, benchmarks string) error {
	links := strings.Contains(block.Text, "benchmarks.md")
	if figure := measured.FindString(block.Text); figure != "" && !links {
		return fmt.Errorf("the figure %q does not lead to docs/benchmarks.md", figure)
	}
	if !links {
		return nil
	}
	for _, number := range regexp.MustCompile(`\d[\d.]*\s(?:s|MB|MiB|KiB|CPU s|MB/s)\b`).FindAllString(block.Text, -1) {
		if !strings.Contains(benchmarks, strings.TrimSpace(number)) {
			return fmt.Errorf("%q is not in docs/benchmarks.md", number)
		}
	}
	return nil
}

func TestCheckFigures(t *testing.T) {
	const benchmarks = "it takes 1.5 s, 12 MiB and 9.0 MiB"
	for text, good := range map[string]bool{
		"at most 1 MiB is read":                                            true,
		"it takes a tenth of the time":                                     false,
		"it takes a tenth of the time (benchmarks.md)":                     true,
		"it reads 500 MB/s":                                                false,
		"it needs 12 MiB instead of 9.0 MiB (docs/benchmarks.md)":          true,
		"it needs 13 MiB instead of 9.0 MiB (docs/benchmarks.md)":          false,
		"three times as fast, 3 times as fast":                             false,
		"a third of the bytes of files, of which 20 % are (benchmarks.md)": true,
		"the third of the files, given three times, half of which":         true,
	} {
		if err := checkFigures(pages.Block{Text: text}, benchmarks); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestClassesAndFlags finds every class, subclass and location flag of the schema where authors look for them.
func TestClassesAndFlags(t *testing.T) {
	var document struct {
		Defs struct {
			Connector struct {
				Properties map[string]struct {
					Enum  []string
					Items struct{ Enum []string }
				}
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal(schema.Manifest, &document); err != nil {
		t.Fatal(err)
	}
	properties := document.Defs.Connector.Properties
	for _, page := range []struct{ file, key, form string }{
		{"docs/manifest.md", "class", "\n| `%s` | "},
		{"docs/manifest.md", "subclass", "`%s`"},
		{"docs/manifest.md", "location_flags", "\n| `%s` | "},
		{"sdk/doc.go", "class", "\n//   - %s: "}, {"sdk/doc.go", "subclass", "%s"},
		{"sdk/flags.go", "location_flags", "(%s): "},
	} {
		text, err := os.ReadFile(filepath.Join(treeRoot(t), page.file))
		if err != nil {
			t.Fatal(err)
		}
		values := slices.Concat(properties[page.key].Enum, properties[page.key].Items.Enum)
		if len(values) == 0 {
			t.Errorf("the schema has no values of %s", page.key)
		}
		for _, value := range values {
			if value == "walkdirorder" && page.file == "sdk/flags.go" {
				continue // kloset has no flag of that name yet
			}
			if !strings.Contains(string(text), fmt.Sprintf(page.form, value)) {
				t.Errorf("%s says nothing of the %s %s", page.file, page.key, value)
			}
		}
	}
}
