package gobuild

import (
	"path"
	"slices"
	"strings"
)

// conventional finds the main package of an executable by the names that integrations use. In this order:
//
//   - the main package in ./plugin, ., or ./cmd whose folder is named like the end of the executable, the longest such
//     name: postgresqlBinImporter is built from ./plugin/binimporter rather than from ./plugin/importer;
//   - the folder of the connector's type in the same places;
//   - the folder itself, if its package is the only main package there is.
//
// Case, "-" and "_" do not count, and storage is store. An executable of several types goes by its name only.
func (t *tree) conventional(executable string, types []string) (dir string, found bool) {
	name := normal(path.Base(executable))
	var best string
	for _, parent := range []string{"plugin", ".", "cmd"} {
		for _, main := range t.mains() {
			folder := normal(path.Base(main))
			if main == "." || path.Dir(main) != parent || !strings.HasSuffix(name, folder) {
				continue
			}
			if folder != name && typeOf(folder) == "" {
				continue // the end of a word only by chance
			}
			if len(folder) > len(normal(path.Base(best))) || best == "" {
				best = main
			}
		}
	}
	if best != "" {
		return best, true
	}
	if len(types) == 1 {
		for _, parent := range []string{"plugin", ".", "cmd"} {
			for _, main := range t.mains() {
				if main != "." && path.Dir(main) == parent && normal(path.Base(main)) == normal(types[0]) {
					return main, true
				}
			}
		}
	}
	return ".", slices.Equal(t.mains(), []string{"."})
}

// normal is a name as the conventions compare it.
func normal(name string) string {
	name = strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name))
	if strings.HasSuffix(name, "storage") {
		name = strings.TrimSuffix(name, "storage") + "store"
	}
	return name
}

// connectorTypes are the types a manifest may name.
var connectorTypes = []string{"importer", "exporter", "storage", "inventory", "secret_provider"}

// typeOf is the connector type that a folder's or an executable's name ends in, empty if none.
func typeOf(name string) string {
	for _, t := range connectorTypes {
		if strings.HasSuffix(normal(name), normal(t)) {
			return t
		}
	}
	return ""
}
