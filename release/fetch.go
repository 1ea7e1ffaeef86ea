package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/internal/git"
	"github.com/PlakarKorp/kpkg/manifest"
)

// IsRecipe tells a recipe, in a file or at an address, by its name.
func IsRecipe(from string) bool {
	if address, err := url.Parse(from); err == nil && (address.Scheme == "https" || address.Scheme == "http") {
		return path.Base(address.Path) == RecipeName
	}
	return filepath.Base(from) == RecipeName
}

// FetchRecipe reads the recipe in a file or at an https address; http is for this machine.
func FetchRecipe(ctx context.Context, from string) (r Recipe, err error) {
	address, err := url.Parse(from)
	if err != nil || address.Scheme != "https" && address.Scheme != "http" {
		return ReadRecipe(from)
	}
	if host := address.Hostname(); address.Scheme == "http" && host != "127.0.0.1" && host != "::1" && host != "localhost" {
		return Recipe{}, fmt.Errorf("fetching %s: a recipe that anybody on the way can change is not taken: use https", from)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return Recipe{}, fmt.Errorf("fetching %s: %w", from, err)
	}
	client := http.Client{Timeout: time.Minute, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if len(via) == 10 || address.Scheme == "https" && next.URL.Scheme != "https" {
			return fmt.Errorf("it leads on to %s, which is not taken", next.URL.Redacted())
		}
		return nil
	}}
	response, err := client.Do(request)
	if err != nil {
		return Recipe{}, fmt.Errorf("fetching a recipe: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return Recipe{}, fmt.Errorf("fetching %s: the server says %s", from, response.Status)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxSidecar+1))
	if err != nil {
		return Recipe{}, fmt.Errorf("fetching %s: %w", from, err)
	}
	if r, err = ParseRecipe(data); err != nil {
		return Recipe{}, fmt.Errorf("%s: %w", from, err)
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
