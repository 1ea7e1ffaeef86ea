package ptarread

import (
	"context"
	"strings"

	"github.com/PlakarKorp/kloset/snapshot/vfs"
)

// Folder visits what is in a folder, by name, from the first one after the given name on, up to the first error. What is below
// it is not visited.
func (s *Snapshot) Folder(ctx context.Context, name, after string, visit func(name string, e *vfs.Entry) error) error {
	search := s.search()
	at, err := search.seek(ctx, below(name)+after)
	if err != nil {
		return err
	}
	for {
		key, mac, next, err := search.at(ctx, at)
		if err != nil {
			return err
		}
		at = next
		rest, inside := strings.CutPrefix(key, below(name))
		if !inside || strings.Contains(rest, "/") {
			return nil
		}
		if rest == "" || rest <= after {
			continue
		}
		e, _, err := s.archive.readEntry(ctx, key, mac, maxNodeElements)
		if err != nil {
			return err
		}
		if err := visit(key, e); err != nil {
			return err
		}
	}
}
