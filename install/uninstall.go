package install

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/suggest"
)

// Uninstall takes away all versions of an integration, or the one of NAME@VERSION, and returns the file names of what is gone.
func (s *Store) Uninstall(name string) ([]string, error) {
	name, version, one := strings.Cut(name, "@")
	ids, err := s.folders.packages("")
	if err != nil {
		return nil, err
	}
	var c change
	var names, versions []string
	for _, id := range ids {
		names = append(names, id.Name)
		if id.Name != name {
			continue
		}
		versions = append(versions, id.Version)
		if !one || id.Version == version || id.Version == "v"+version {
			c.Remove = append(c.Remove, id.FileName())
		}
	}
	if len(versions) == 0 {
		return nil, fmt.Errorf("no integration %q is installed; %s", name, cmp.Or(suggest.DidYouMean(name, names), "kpkg installed lists them"))
	}
	if len(c.Remove) == 0 {
		return nil, fmt.Errorf("%s is installed as %s, not as %s", name, strings.Join(versions, ", "), version)
	}
	if err := s.begin(c); err != nil {
		return nil, err
	}
	return c.Remove, s.complete(c)
}
