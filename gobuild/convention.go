package gobuild

import (
	"path"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/manifest"
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
	var best usualPlace
	for _, usual := range t.usual() {
		if !strings.HasSuffix(name, usual.folder) || usual.folder != name && typeOf(usual.folder) == "" {
			continue // the end of a word only by chance
		}
		if best.dir == "" || len(usual.folder) > len(best.folder) {
			best = usual
		}
	}
	if best.dir != "" {
		return best.dir, true
	}
	if len(types) == 1 {
		for _, usual := range t.usual() {
			if usual.folder == normal(types[0]) {
				return usual.dir, true
			}
		}
	}
	return ".", slices.Equal(t.mains(), []string{"."})
}

// only finds the only main package that there is, unless its folder's name says that it is another type's.
func (t *tree) only(types []string) (dir string, found bool) {
	mains := t.mains()
	if len(mains) != 1 || len(t.unread) > 0 || ofOtherType(mains[0], types) {
		return "", false
	}
	return mains[0], true
}

// ofOtherType tells whether a folder is named for a connector of another type than those of an executable.
func ofOtherType(dir string, types []string) bool {
	named := typeOf(path.Base(dir))
	return named != "" && len(types) > 0 && !slices.Contains(types, named)
}

// usualPlace is a main package where the conventions look for one.
type usualPlace struct{ dir, folder string } // folder is its own name, normal

func (t *tree) findUsual() []usualPlace {
	var usual []usualPlace
	for _, parent := range []string{"plugin", ".", "cmd"} {
		for _, main := range t.mains() {
			if main != "." && path.Dir(main) == parent {
				usual = append(usual, usualPlace{main, normal(path.Base(main))})
			}
		}
	}
	return usual
}

// normal is a name as the conventions compare it.
func normal(name string) string {
	name = strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name))
	if strings.HasSuffix(name, "storage") {
		name = strings.TrimSuffix(name, "storage") + "store"
	}
	return name
}

// typeOf is the connector type that a folder's or an executable's name ends in, empty if none.
func typeOf(name string) string {
	for _, t := range manifest.ConnectorTypes() {
		if strings.HasSuffix(normal(name), normal(t)) {
			return t
		}
	}
	return ""
}
