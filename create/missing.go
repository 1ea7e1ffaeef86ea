package create

import (
	"context"
	"fmt"

	"github.com/PlakarKorp/kpkg/manifest"
)

// Missing keeps of a matrix, which is one of the sources, the packages that are not at a place, and says so of each; the others are
// LeftOut. Their version is the one given, else that of each integration, as Run finds it. has tells which packages the place has.
func (m Matrix) Missing(
	ctx context.Context, sources []*Source, version, place string, has func(context.Context, manifest.Identity) (bool, error),
) (Matrix, error) {
	versions := map[string]string{} // by manifest
	for _, source := range sources {
		its, _, err := manifest.ResolveVersion(ctx, source.Dir, version, source.Document)
		if err != nil {
			return Matrix{}, fmt.Errorf("%s: %w", source.Document.File, err)
		}
		versions[source.Document.File] = its.Value
	}
	return m.Keep(func(e MatrixElement) (bool, string, error) {
		id := manifest.Identity{Name: e.Name, Version: versions[e.Manifest], OS: e.OS, Arch: e.Arch}
		there, err := has(ctx, id)
		if there {
			return false, id.Version + " is in " + place, err
		}
		return true, id.Version + " is not in " + place, err
	})
}
