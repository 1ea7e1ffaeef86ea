package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
	"testing"
)

// wholeReads are the calls that read all of something whose length nothing in the call bounds, by the file's folder and what is
// called with, each with what bounds it.
var wholeReads = map[string]string{
	// The kernel writes these, or Go's linker.
	"host os.ReadFile(task)":                                         "/proc",
	`host os.ReadFile("/proc/loadavg")`:                              "/proc",
	`host os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))`:         "/proc",
	`host os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))`:            "/proc",
	`host os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))`:            "/proc",
	`conformance os.ReadFile(proc + "stat")`:                         "/proc",
	`conformance os.ReadFile(proc + "status")`:                       "/proc",
	`conformance os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))`: "/proc",
	"conformance os.ReadFile(file)":                                  "/proc",
	`internal/web files.ReadFile("style.css")`:                       "it is built in",
	"scaffold fs.ReadFile(tree, name)":                               "it is built in",
	"conformance fs.ReadFile(tree, name)":                            "the length of a sample's file is looked at before",
	"internal/scratch os.ReadFile(filepath.Join(path, marker))":      "its length is looked at before",
	"store io.ReadAll(sealed)":                                       "its own configuration, sealed in memory",
}

// forDevelopers are the rooms that are in no program that users have.
var forDevelopers = map[string]bool{
	"executable/executabletest": true, "finding/findingtest": true, "internal/ownrelease": true,
	"internal/pages": true, "oci/ocitest": true, "ptarread/ptartest": true,
	"scaffold/internal/sdkarchive": true,
}

// TestReadsAreBounded finds the calls that read all of something. Each must say how much at most, by a constant that docs/limits.md
// lists, or stand above with what bounds it.
func TestReadsAreBounded(t *testing.T) {
	named := map[string]bool{}
	for _, b := range allBounds(t) {
		named[b.name] = true
	}
	used := map[string]bool{}
	sourceFiles(t, func(room string, set *token.FileSet, file *ast.File) {
		if forDevelopers[room] {
			return
		}
		ast.Inspect(file, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok {
				return true
			}
			key := room + " " + types.ExprString(call)
			if wholeReads[key] != "" {
				used[key] = true
				return true
			}
			if limit, reads := limitOf(call); reads && !isBound(limit, named) {
				t.Errorf("%s: %s has no bound with a name", set.Position(call.Pos()), types.ExprString(call))
			}
			return true
		})
	})
	for key := range wholeReads {
		if !used[key] {
			t.Errorf("%s is nowhere", key)
		}
	}
}

// limitOf tells calls that read all of something, and what they give as the limit of it; nil is none.
func limitOf(call *ast.CallExpr) (limit ast.Expr, reads bool) {
	if own, ok := call.Fun.(*ast.Ident); ok && (own.Name == "read" || own.Name == "readIn") && len(call.Args) > 2 {
		return call.Args[len(call.Args)-1], true
	}
	function, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil, false
	}
	switch name := types.ExprString(function); {
	case name == "regular.Read" || name == "io.LimitReader":
		return call.Args[1], true
	case name == "access.Read" || name == "interruptible.Read":
		return call.Args[2], true
	case name == "io.ReadAll":
		inner, ok := call.Args[0].(*ast.CallExpr)
		if ok && strings.HasPrefix(types.ExprString(inner.Fun), "io.") {
			return limitOf(inner)
		}
		return nil, true
	case function.Sel.Name == "ReadFile" && name != "buildinfo.ReadFile":
		return nil, true
	case name == "http.MaxBytesReader":
		return call.Args[2], true
	}
	return nil, false
}

// isBound tells whether a limit has to do with a bound, or with something that is known only when the program runs.
func isBound(limit ast.Expr, named map[string]bool) (is bool) {
	if limit == nil {
		return false
	}
	ast.Inspect(limit, func(node ast.Node) bool {
		if name, ok := node.(*ast.Ident); ok && (named[name.Name] || name.Obj == nil || name.Obj.Kind != ast.Con) {
			is = true
		}
		return true
	})
	return is
}
