package create

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/manifest"
)

// SplitVersion takes the version off the end of arguments that name manifests or their folders, if it is one and no file has
// its name. Without a manifest it is that of the current folder. The error, which wraps ErrOptions, is about arguments that
// can be nothing, or are in the wrong order.
func SplitVersion(args []string) (manifests []string, version string, err error) {
	if n := len(args); n > 0 && isVersion(args[n-1]) {
		version, args = args[n-1], args[:n-1]
	}
	if at := slices.IndexFunc(args, isVersion); at >= 0 {
		if version != "" {
			return nil, "", fmt.Errorf("%w: %s and %s are two versions: all packages of a run have one", ErrOptions, args[at], version)
		}
		rest := slices.Delete(slices.Clone(args), at, at+1)
		return nil, "", fmt.Errorf("%w: the version goes last: kpkg create %s %s", ErrOptions, strings.Join(rest, " "), args[at])
	}
	if n := len(args); n > 0 && version == "" {
		if err := unlikeManifest(args[n-1], n); err != nil {
			return nil, "", err
		}
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	return args, version, nil
}

// isVersion tells a version from the name of something that is there.
func isVersion(arg string) bool {
	if _, err := os.Stat(arg); err == nil {
		return false
	}
	_, err := manifest.NormalizeVersion(arg)
	return err == nil
}

// shortVersion is a version that lacks a number, taggedVersion one with the name of an integration before it.
var (
	shortVersion  = regexp.MustCompile(`^v?[0-9]+(\.[0-9]+)?$`)
	taggedVersion = regexp.MustCompile(`^.+/(v[0-9]+\.[0-9]+\.[0-9]+.*)$`)
	oddVersion    = regexp.MustCompile(`^[vV]?[0-9]+\.[0-9]+\.[0-9]`)
)

// unlikeManifest says what is wrong with the last of n arguments if it can be neither a manifest nor a version.
func unlikeManifest(last string, n int) error {
	if _, err := os.Stat(last); err == nil {
		return nil
	}
	switch tagged := taggedVersion.FindStringSubmatch(last); {
	case shortVersion.MatchString(last):
		full := last + strings.Repeat(".0", 2-strings.Count(last, "."))
		return fmt.Errorf("%w: a version has three numbers, %s lacks some: did you mean %s?", ErrOptions, last, full)
	case oddVersion.MatchString(last) && filepath.Ext(last) != ".yaml":
		if lower := strings.ToLower(last); isVersion(lower) {
			return fmt.Errorf("%w: %s is not a version: did you mean %s?", ErrOptions, last, lower)
		}
		return fmt.Errorf("%w: %s is not a semantic version such as v1.2.3 or v1.2.3-rc.1: three numbers without zeros before them, "+
			"then letters, digits, dots and hyphens after a \"-\" or \"+\"", ErrOptions, last)
	case tagged != nil && n > 1:
		return fmt.Errorf("%w: %s is a tag, not a version: did you mean %s?", ErrOptions, last, tagged[1])
	case n > 1 && filepath.Ext(last) != ".yaml" && !strings.ContainsAny(last, `/\`):
		return fmt.Errorf("%w: %q is neither a manifest, nor a folder with one, nor a semantic version such as v1.2.3",
			ErrOptions, last)
	}
	return nil
}
