package scaffold

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"go/format"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"gopkg.in/yaml.v3"

	"github.com/PlakarKorp/kpkg/manifest"
)

// tree is a new integration, in Go's templates.
//
//go:embed all:tree
var tree embed.FS

// integration is what the templates say.
type integration struct {
	Name        string
	Title       string
	Description string
	Homepage    string
	Module      string
	SDK         string // the import path of the SDK
	Copied      bool   // whether the SDK is in the tree
	Year        int
	Code        string // the folders of the connectors
	Connectors  []connector
	Programs    []program // what is built
	Packages    []program // of these, what only the manifest can tell
	Served      []served  // what the new main serves
	Imports     []imported
	Settings    []setting
	program     string // the executable of the new main
	Local       bool   // whether all connectors are of local files
}

// connector is one in the manifest.
type connector struct {
	Type, Class, Subclass string
	Protocols             []string
	LocationFlags         []string
	Executable, Argument  string
}

// program is an executable and the folder of its main package.
type program struct{ Executable, Folder string }

// served is a constructor, as a main hands it to the SDK.
type served struct {
	Field        string // of sdk.Connectors, and sdk.RunField
	InConnectors string // what stands there
	Alone        string // what sdk.RunField takes
}

type imported struct{ Name, Path string }

// setting is a key of the configuration, beside the location.
type setting struct {
	Key, Description string
	Secret           bool
}

// begin fills in the connectors of local files that a new integration begins with, of the types in a list.
func (i *integration) begin(types string) {
	var verbs []string
	i.Local, i.Copied = true, true
	i.SDK, i.Code = i.Module+"/"+sdkFolder, "connector/"
	i.Programs = []program{{i.Name, "./plugin"}}
	i.Imports = []imported{{Path: i.Module + "/connector"}}
	for _, t := range Types {
		if !slices.Contains(strings.Fields(types), t) {
			continue
		}
		i.Connectors = append(i.Connectors, connector{
			Type: t, Class: "file-storage", Protocols: []string{i.Name}, LocationFlags: []string{"localfs"}, Executable: i.Name, Argument: t,
		})
		switch t {
		case manifest.Importer:
			i.Served = append(i.Served, served{"Importer", "sdk.ScannerFrom(connector.NewImporter)", "sdk.ScannerFrom(connector.NewImporter)"})
			verbs = append(verbs, "backs up folders")
		case manifest.Exporter:
			i.Served = append(i.Served, served{"Exporter", "connector.NewExporter", "connector.NewExporter"})
			verbs = append(verbs, "restores into folders")
		case manifest.Storage:
			i.Served = append(i.Served, served{"Storage", "connector.NewStorage", "connector.NewStorage"})
			verbs = append(verbs, "keeps stores in folders")
		}
	}
	if !i.Several() {
		i.Connectors[0].Argument = ""
	}
	does := listed(verbs) + " of this machine"
	i.Description = strings.ToUpper(does[:1]) + does[1:]
	i.Homepage = "https://" + i.Module
}

// listed joins words as a sentence does.
func listed(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// Several tells whether the new main serves more than one connector.
func (i *integration) Several() bool { return len(i.Served) > 1 }

// Has tells whether there is a connector of the type.
func (i *integration) Has(connectorType string) bool {
	return slices.ContainsFunc(i.Connectors, func(c connector) bool { return c.Type == connectorType })
}

// Executable is what the new main is built into.
func (i *integration) Executable() string { return i.Programs[len(i.Programs)-1].Executable }

// SchemaLine is where editors find the schema of the manifest.
func (i *integration) SchemaLine() string {
	if i.Copied {
		return path.Join(sdkFolder, schemaName)
	}
	return "https://raw.githubusercontent.com/PlakarKorp/kpkg/main/schema/manifest.schema.json"
}

// Example is the begin of a location, for the README.
func (i *integration) Example() string {
	protocol := i.Connectors[0].Protocols[0]
	if i.Local {
		return protocol + ":///home/me"
	}
	return protocol + "://host"
}

// Where says what a location is.
func (i *integration) Where() string {
	protocol := i.Connectors[0].Protocols[0]
	if i.Local {
		return fmt.Sprintf("`%s:///ABSOLUTE/PATH`, or `%[1]s:PATH` below the current folder", protocol)
	}
	return fmt.Sprintf("`%s://...`", protocol)
}

// settingsSchema is what the schema of a connector's configuration says.
type settingsSchema struct {
	Title, Pattern, Location string
	Settings                 []setting
}

func (i *integration) schemaFor(c connector) settingsSchema {
	noun := map[string]string{manifest.Importer: "source", manifest.Exporter: "destination", manifest.Storage: "store"}[c.Type]
	use := map[string]string{
		manifest.Importer: "back up", manifest.Exporter: "restore into", manifest.Storage: "keep plakar's data in",
	}[c.Type]
	s := settingsSchema{Title: i.Title + " " + noun, Settings: i.Settings}
	protocol := c.Protocols[0]
	quoted := make([]string, len(c.Protocols))
	for n, p := range c.Protocols {
		quoted[n] = regexp.QuoteMeta(p)
	}
	pattern := strings.Join(quoted, "|")
	if len(quoted) > 1 {
		pattern = "(" + pattern + ")"
	}
	if slices.Contains(c.LocationFlags, "localfs") {
		s.Pattern = "^" + pattern + ":(//)?.+"
		s.Location = fmt.Sprintf("Folder to %s: %s:///absolute/path, or %[2]s:path below the current folder", use, protocol)
	} else {
		s.Pattern = "^" + pattern + ":.*"
		s.Location = fmt.Sprintf("What to %s: %s://...", use, protocol)
	}
	return s
}

// functions are what the templates can do beside Go's own.
var functions = template.FuncMap{
	"join": func(items []string) string { return strings.Join(items, ", ") },
	"json": func(text string) (string, error) {
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		err := encoder.Encode(text)
		return strings.TrimSuffix(out.String(), "\n"), err
	},
	// yaml quotes what YAML takes for something else than text.
	"yaml": func(text string) (string, error) {
		data, err := yaml.Marshal(text)
		return strings.TrimSuffix(string(data), "\n"), err
	},
}

// render fills in the templates whose files are wanted.
func (i *integration) render(wanted func(name string) bool) ([]File, error) {
	templates := template.New("").Funcs(functions)
	var files []File
	err := fs.WalkDir(tree, "tree", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		target := strings.TrimSuffix(strings.TrimPrefix(name, "tree/"), ".tmpl")
		parsed, err := templates.New(target).Parse(string(text))
		if err != nil {
			return err
		}
		add := func(target string, data any) error {
			if !wanted(target) {
				return nil
			}
			var out bytes.Buffer
			if err := parsed.Execute(&out, data); err != nil {
				return err
			}
			content := out.Bytes()
			if path.Ext(target) == ".go" {
				if content, err = format.Source(content); err != nil {
					return fmt.Errorf("writing %s: %w", target, err)
				}
			}
			files = append(files, File{Path: target, Content: content, people: slices.Contains(forPeople, target)})
			return nil
		}
		connectorType := strings.TrimSuffix(path.Base(target), ".go")
		switch {
		case target == "schemas/schema.json":
			for _, c := range i.Connectors {
				if err := add("schemas/"+c.Type+".json", i.schemaFor(c)); err != nil {
					return err
				}
			}
			return nil
		case path.Dir(target) == "connector" && slices.Contains(Types, connectorType) && !i.Has(connectorType):
			return nil
		}
		return add(target, i)
	})
	return files, err
}

// forPeople are files that say or do what an existing integration says or does already.
var forPeople = []string{".gitignore", ".github/workflows/integration.yml", "LICENSE", "Makefile", "README.md", "assets/icon.svg"}
