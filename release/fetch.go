package release

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/access"
	"github.com/PlakarKorp/kpkg/internal/git"
	"github.com/PlakarKorp/kpkg/manifest"
)

// IsRecipe tells a recipe, in a file or at an address, by its name.
func IsRecipe(from string) bool {
	if access.IsAddress(from) {
		address, err := url.Parse(from)
		return err == nil && path.Base(address.Path) == RecipeName
	}
	return filepath.Base(from) == RecipeName
}

// FetchRecipe reads the recipe in a file or at an https address; http is for this machine.
func FetchRecipe(ctx context.Context, from string) (r Recipe, err error) {
	if !access.IsAddress(from) {
		return ReadRecipe(from)
	}
	if err := access.Secure(from); err != nil {
		return Recipe{}, err
	}
	data, err := access.Read(ctx, from, MaxSidecar)
	if err != nil {
		return Recipe{}, fmt.Errorf("reading a recipe: %w", err)
	}
	if r, err = ParseRecipe(data); err != nil {
		return Recipe{}, fmt.Errorf("%s: %w", access.Shown(from), err)
	}
	return r, nil
}

// Clone clones the version that a recipe names into the folder dir, which must not be there, and returns the folder of the
// integration: the repository's own, or where the tag is NAME/vX.Y.Z the folder NAME of it. It is a stranger's tree.
func (r Recipe) Clone(ctx context.Context, dir string) (tree string, err error) {
	folder, _, several := strings.Cut(r.Version, "/")
	if !several {
		folder = ""
	}
	if strings.HasPrefix(r.Version, "-") || folder != "" && folder != filepath.Base(folder) || folder == ".." || folder == "." {
		return "", fmt.Errorf("the recipe of %s has the version %q, which is no tag", r.Name, r.Version)
	}
	if err := git.Clone(ctx, r.Repository, r.Version, folder, dir); err != nil {
		return "", err
	}
	tree = filepath.Join(dir, folder)
	if info, err := os.Lstat(tree); err != nil || !info.IsDir() {
		return "", errors.Join(fmt.Errorf("%s of %s has no folder %s", r.Version, r.Repository, folder), os.RemoveAll(dir))
	}
	if _, err := os.Lstat(filepath.Join(tree, manifest.FileName)); errors.Is(err, fs.ErrNotExist) {
		return "", errors.Join(fmt.Errorf("%s of %s has no %s", r.Version, r.Repository, manifest.FileName), os.RemoveAll(dir))
	}
	return tree, nil
}
