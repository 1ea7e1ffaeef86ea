package install

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/PlakarKorp/pkg"

	"github.com/PlakarKorp/kpkg/manifest"
)

// Folders are where a client keeps its integrations.
type Folders struct {
	// Packages holds them as they are distributed. A client starts with all that are there, of any version.
	Packages string
	// Extracted holds what is in each, in a folder of the package's name without its extension. What is missing a client
	// extracts when it starts; what is there it takes as it is.
	Extracted string
}

// UserFolders are those of this user's plakar, by the environment alone: no configuration of plakar's has to be there. With a
// root they are below it, for the image of a machine on which they will be without.
//
// Source: utils.GetDataDir and utils.GetCacheDir of plakar v1.1.4.
func UserFolders(root string) (Folders, error) {
	data, err := userFolder("XDG_DATA_HOME", ".local", "share")
	if err != nil {
		return Folders{}, err
	}
	cache, err := userFolder("XDG_CACHE_HOME", ".cache")
	if err != nil {
		return Folders{}, err
	}
	if root != "" {
		data = filepath.Join(root, strings.TrimPrefix(data, filepath.VolumeName(data)))
		cache = filepath.Join(root, strings.TrimPrefix(cache, filepath.VolumeName(cache)))
	}
	return Folders{
		Packages:  filepath.Join(data, "plakar", "plugins", pkg.PLUGIN_API_VERSION),
		Extracted: filepath.Join(cache, "plakar", "plugins", pkg.PLUGIN_API_VERSION),
	}, nil
}

// userFolder is the folder that a variable names, or that one of the user's home.
func userFolder(variable string, below ...string) (string, error) {
	if runtime.GOOS == "windows" {
		variable = "LocalAppData"
	}
	if dir := os.Getenv(variable); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding plakar's folders: %w", err)
	}
	return filepath.Join(append([]string{home}, below...)...), nil
}

// pkgFile is the path of an installed package.
func (f Folders) pkgFile(name string) string { return filepath.Join(f.Packages, name) }

// extracted is the folder of what is in an installed package.
func (f Folders) extracted(name string) string {
	return filepath.Join(f.Extracted, strings.TrimSuffix(name, manifest.Extension))
}
