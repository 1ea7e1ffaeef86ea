package create

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/PlakarKorp/kpkg/manifest"
)

// SplitVersion takes the version off the end of arguments that name manifests or their folders, if it is one and no file has
// its name. The error, which wraps ErrOptions, is about a last argument that can be nothing, or a version alone.
func SplitVersion(args []string) (manifests []string, version string, err error) {
	last := args[len(args)-1]
	if _, err := os.Stat(last); err == nil {
		return args, "", nil
	}
	if _, err := manifest.NormalizeVersion(last); err == nil {
		if len(args) == 1 {
			return nil, "", fmt.Errorf("%w: name the manifest.yaml of an integration, or its folder, before the version %q",
				ErrOptions, last)
		}
		return args[:len(args)-1], last, nil
	}
	if len(args) > 1 && filepath.Ext(last) != ".yaml" {
		return nil, "", fmt.Errorf("%w: %q is neither a manifest, nor a folder with one, nor a semantic version such as v1.2.3",
			ErrOptions, last)
	}
	return args, "", nil
}
