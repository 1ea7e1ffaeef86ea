package scaffold

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/PlakarKorp/kpkg/manifest"
)

// construct is a constructor of a connector, as the source of a package tells. Nothing is compiled and nothing run.
type construct struct {
	Type       string
	Function   string
	Scanner    bool   // it makes a sdk.Scanner
	ServedBy   string // the folder of a main that serves it already; "" for none
	Unexported bool   // no other package can import it
	Folder     string // of its package
	Package    string // the package's name
	ImportPath string
	Doc        string
	Protocols  []string // that it is registered for
	Flags      []string // for the manifest
	Keys       []string // of the configuration
}

func (c *construct) where() string { return c.ImportPath + "." + c.Function }

const klosetPath = "github.com/PlakarKorp/kloset/"

// connectorPaths are the import paths of the types that constructors return, and of the packages that register them.
var connectorPaths = map[string]string{
	klosetPath + "connectors/importer": manifest.Importer,
	klosetPath + "connectors/exporter": manifest.Exporter,
	klosetPath + "connectors/storage":  manifest.Storage,
}

// entrypoints are the functions of go-kloset-sdk and of kpkg's that a main hands a constructor to.
var entrypoints = map[string]string{
	"EntrypointImporter": manifest.Importer, "EntrypointExporter": manifest.Exporter, "EntrypointStorage": manifest.Storage,
	"RunImporter": manifest.Importer, "RunExporter": manifest.Exporter, "RunStorage": manifest.Storage,
}

// maxSources is how many files of a package are read, and maxSource how large one may be, in bytes.
const (
	maxSources = 1000
	maxSource  = 4 << 20
)

// source is a package as far as its files tell.
type source struct {
	folder, name, importPath, comment string
	files                             []*ast.File
	methods                           map[string]map[string]*ast.FuncDecl // by the type, without its "*", and the name
}

// readPackage finds the constructors of a package, or those that a main serves.
func readPackage(folder string) ([]*construct, error) {
	s, err := parse(folder)
	if err != nil {
		return nil, err
	}
	if s.name == "main" {
		return s.served()
	}
	found := s.constructors()
	if len(found) == 0 {
		return nil, refused("%s has no constructor of a connector: an exported function that takes (context.Context, *connectors.Options, "+
			"string, map[string]string), or for a storage no options, and returns a connector and an error", folder)
	}
	return found, nil
}

func parse(folder string) (*source, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("reading the package: %w", err)
	}
	s := &source{folder: folder, methods: map[string]map[string]*ast.FuncDecl{}}
	if s.importPath, err = importPathOf(folder); err != nil {
		return nil, err
	}
	files := token.NewFileSet()
	for _, entry := range entries {
		name := entry.Name()
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if ours, err := build.Default.MatchFile(folder, name); err == nil && !ours { // a generator's, or another system's
			continue
		}
		if info.Size() > maxSource || len(s.files) == maxSources {
			return nil, fmt.Errorf("%s is more source than is read", folder)
		}
		file, err := parser.ParseFile(files, filepath.Join(folder, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("reading the package: %w", err)
		}
		s.name = file.Name.Name
		if file.Doc != nil {
			s.comment = file.Doc.Text()
		}
		s.files = append(s.files, file)
		for _, decl := range file.Decls {
			if f, isFunction := decl.(*ast.FuncDecl); isFunction && f.Recv != nil && len(f.Recv.List) == 1 {
				name := typeName(f.Recv.List[0].Type)
				if s.methods[name] == nil {
					s.methods[name] = map[string]*ast.FuncDecl{}
				}
				s.methods[name][f.Name.Name] = f
			}
		}
	}
	if len(s.files) == 0 {
		return nil, refused("%s has no Go files", folder)
	}
	return s, nil
}

// importsOf are the import paths of a file by the names that it has for them.
func importsOf(file *ast.File) map[string]string {
	imports := map[string]string{}
	for _, spec := range file.Imports {
		importPath, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(importPath)
		if name == "go-kloset-sdk" {
			name = "sdk"
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imports[name] = importPath
	}
	return imports
}

// constructors are the exported functions that construct connectors.
func (s *source) constructors() []*construct {
	var found []*construct
	for _, file := range s.files {
		imports := importsOf(file)
		for _, decl := range file.Decls {
			f, isFunction := decl.(*ast.FuncDecl)
			if !isFunction || f.Recv != nil || !f.Name.IsExported() {
				continue
			}
			if c := s.constructor(f, imports); c != nil {
				found = append(found, c)
			}
		}
	}
	return found
}

// constructor is what a function constructs; nil if that is no connector.
func (s *source) constructor(f *ast.FuncDecl, imports map[string]string) *construct {
	params, results := types(f.Type.Params), types(f.Type.Results)
	if len(results) != 2 || typeName(results[1]) != "error" || len(params) == 0 || qualified(params[0], imports) != "context.Context" ||
		!isSettings(params[len(params)-1]) {
		return nil
	}
	withOptions := len(params) == 4 && strings.HasSuffix(typeName(params[1]), "Options")
	if !withOptions && len(params) != 3 {
		return nil
	}
	c := &construct{
		Function: f.Name.Name, Folder: s.folder, Package: s.name, ImportPath: s.importPath, Doc: sentence(s.name, s.comment), Keys: s.keys(),
	}
	made := typeName(results[0])
	own := s.methods[made]
	if selector, isSelector := results[0].(*ast.SelectorExpr); isSelector {
		from, _ := selector.X.(*ast.Ident)
		c.Type = connectorPaths[imports[from.Name]]
		if c.Type == "" && strings.HasSuffix(imports[from.Name], "sdk") {
			c.Type = map[string]string{
				"Importer": manifest.Importer, "Exporter": manifest.Exporter, "Store": manifest.Storage, "Scanner": manifest.Importer,
			}[selector.Sel.Name]
			c.Scanner = selector.Sel.Name == "Scanner"
		}
		own = s.returned(f)
	} else {
		switch {
		case own["Import"] != nil:
			c.Type = manifest.Importer
		case own["Scan"] != nil && own["NewReader"] != nil:
			c.Type, c.Scanner = manifest.Importer, true
		case own["Export"] != nil:
			c.Type = manifest.Exporter
		case own["Put"] != nil && own["Get"] != nil:
			c.Type = manifest.Storage
		}
	}
	if c.Type == "" || (c.Type == manifest.Storage) == withOptions {
		return nil
	}
	c.Protocols = s.registered(c)
	c.Flags = flagsOf(own["Flags"])
	return c
}

// returned are the methods of the type that a function which returns an interface makes, where its source shows it.
func (s *source) returned(f *ast.FuncDecl) map[string]*ast.FuncDecl {
	var own map[string]*ast.FuncDecl
	ast.Inspect(f, func(node ast.Node) bool {
		if literal, isLiteral := node.(*ast.CompositeLit); isLiteral && own == nil && literal.Type != nil {
			if methods := s.methods[typeName(literal.Type)]; methods["Flags"] != nil {
				own = methods
			}
		}
		return true
	})
	if own != nil {
		return own
	}
	// It is made elsewhere. One type with such methods is the one.
	var candidates []map[string]*ast.FuncDecl
	want := map[bool]string{true: "Import", false: "Export"}[strings.Contains(f.Name.Name, "Import")]
	for _, methods := range s.methods {
		if methods["Flags"] != nil && methods[want] != nil {
			candidates = append(candidates, methods)
		}
	}
	if len(candidates) == 1 {
		return candidates[0]
	}
	return nil
}

// registered are the protocols for which the package registers a constructor with kloset.
func (s *source) registered(c *construct) []string {
	var protocols []string
	for _, file := range s.files {
		imports := importsOf(file)
		ast.Inspect(file, func(node ast.Node) bool {
			call, isCall := node.(*ast.CallExpr)
			if !isCall || len(call.Args) < 2 {
				return true
			}
			selector, isSelector := call.Fun.(*ast.SelectorExpr)
			if !isSelector || selector.Sel.Name != "Register" || typeName(call.Args[len(call.Args)-1]) != c.Function {
				return true
			}
			from, _ := selector.X.(*ast.Ident)
			if from == nil || connectorPaths[imports[from.Name]] != c.Type {
				return true
			}
			if literal, isLiteral := call.Args[0].(*ast.BasicLit); isLiteral {
				if protocol, err := strconv.Unquote(literal.Value); err == nil && !slices.Contains(protocols, protocol) {
					protocols = append(protocols, protocol)
				}
			}
			return true
		})
	}
	return protocols
}

// manifestFlags are the flags that a manifest may have, by their names in kloset and in the SDK.
var manifestFlags = []struct{ kloset, sdk, flag string }{
	{"FLAG_LOCALFS", "FlagLocalFS", "localfs"}, {"FLAG_FILE", "FlagFile", "file"}, {"FLAG_STREAM", "FlagStream", "stream"},
	{"FLAG_NEEDACK", "FlagNeedAck", "needack"}, {"FLAG_NOMERGE", "FlagNoMerge", "nomerge"},
}

// flagsOf are the flags that a method returns.
func flagsOf(method *ast.FuncDecl) []string {
	if method == nil {
		return nil
	}
	var names []string
	ast.Inspect(method, func(node ast.Node) bool {
		if name, isName := node.(*ast.Ident); isName {
			names = append(names, name.Name)
		}
		return true
	})
	var flags []string
	for _, f := range manifestFlags {
		if slices.Contains(names, f.kloset) || slices.Contains(names, f.sdk) {
			flags = append(flags, f.flag)
		}
	}
	return flags
}

// keys are the settings that the package looks up in a configuration.
func (s *source) keys() []string {
	found := map[string]bool{}
	for _, file := range s.files {
		for _, decl := range file.Decls {
			f, isFunction := decl.(*ast.FuncDecl)
			if !isFunction || f.Body == nil {
				continue
			}
			settings := map[string]bool{}
			for _, field := range f.Type.Params.List {
				for _, name := range field.Names {
					settings[name.Name] = isSettings(field.Type)
				}
			}
			ast.Inspect(f.Body, func(node ast.Node) bool {
				index, isIndex := node.(*ast.IndexExpr)
				if !isIndex {
					return true
				}
				from, isName := index.X.(*ast.Ident)
				literal, isLiteral := index.Index.(*ast.BasicLit)
				if !isName || !isLiteral || !settings[from.Name] {
					return true
				}
				if key, err := strconv.Unquote(literal.Value); err == nil && key != "" {
					found[key] = true
				}
				return true
			})
		}
	}
	return sortedKeys(found)
}

// served are the constructors that a main hands to an SDK. One of a package of its own module is served by a new main; the
// main itself stays, and serves what only it can.
func (s *source) served() ([]*construct, error) {
	var found []*construct
	var failed error
	for _, file := range s.files {
		imports := importsOf(file)
		ast.Inspect(file, func(node ast.Node) bool {
			call, isCall := node.(*ast.CallExpr)
			if !isCall || len(call.Args) == 0 {
				return true
			}
			selector, isSelector := call.Fun.(*ast.SelectorExpr)
			if !isSelector || entrypoints[selector.Sel.Name] == "" {
				return true
			}
			from, _ := selector.X.(*ast.Ident)
			if from == nil || !strings.HasSuffix(imports[from.Name], "sdk") {
				return true
			}
			c, err := s.handed(call.Args[len(call.Args)-1], imports, entrypoints[selector.Sel.Name])
			failed = errors.Join(failed, err)
			if c != nil {
				found = append(found, c)
			}
			return true
		})
	}
	if failed == nil && len(found) == 0 {
		failed = refused("the main package %s hands no constructor to go-kloset-sdk or to kpkg's SDK", s.folder)
	}
	return found, failed
}

// handed is the constructor that is the argument of an entry point of the SDK.
func (s *source) handed(argument ast.Expr, imports map[string]string, connectorType string) (*construct, error) {
	own := &construct{
		Type: connectorType, ServedBy: s.folder, Unexported: true, Folder: s.folder, Package: s.name, ImportPath: s.importPath, Keys: s.keys(),
	}
	selector, isSelector := argument.(*ast.SelectorExpr)
	if !isSelector {
		own.Function = typeName(argument)
		for _, methods := range s.methods {
			own.Flags = append(own.Flags, flagsOf(methods["Flags"])...)
		}
		return own, nil
	}
	own.Function = selector.Sel.Name
	from, _ := selector.X.(*ast.Ident)
	moduleName, top, err := moduleOf(s.folder)
	if err != nil || from == nil {
		return own, err
	}
	below, within := strings.CutPrefix(imports[from.Name], moduleName)
	if !within || below != "" && below[0] != '/' {
		return own, nil // a package of another module
	}
	other, err := parse(filepath.Join(top, filepath.FromSlash(below)))
	if err != nil {
		return nil, err
	}
	for _, c := range other.constructors() {
		if c.Function == selector.Sel.Name && c.Type == connectorType {
			c.ServedBy = s.folder
			return c, nil
		}
	}
	return nil, refused("%s, which %s serves, is not the constructor of an %s that %s has", selector.Sel.Name, s.folder, connectorType,
		other.folder)
}

// types are those of a list of parameters, one each.
func types(list *ast.FieldList) []ast.Expr {
	if list == nil {
		return nil
	}
	var all []ast.Expr
	for _, field := range list.List {
		for range max(len(field.Names), 1) {
			all = append(all, field.Type)
		}
	}
	return all
}

// typeName is the last name of a type or of a function: that of *Importer, importer.Importer and Importer[T] is Importer.
func typeName(expr ast.Expr) string {
	switch e := expr.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.IndexExpr:
		return typeName(e.X)
	}
	return ""
}

// qualified is a type of another package by its import path.
func qualified(expr ast.Expr, imports map[string]string) string {
	if selector, isSelector := expr.(*ast.SelectorExpr); isSelector {
		if from, isName := selector.X.(*ast.Ident); isName {
			return imports[from.Name] + "." + selector.Sel.Name
		}
	}
	return ""
}

// isSettings tells map[string]string.
func isSettings(expr ast.Expr) bool {
	m, isMap := expr.(*ast.MapType)
	return isMap && typeName(m.Key) == "string" && typeName(m.Value) == "string"
}
