package registry

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/release"
	"github.com/PlakarKorp/kpkg/verify"
)

// Release is a version of an integration with the paths of its files, for those who hand it on in another form than a tree.
type Release struct {
	Version
	// Paths are those of the files on disk, by their names in Version. What a file has beside it there is its sum and its signature.
	Paths map[string]string
	// Images are the archives of images among the files, with the images that packages name.
	Images []verify.Images
}

// Releases reads what is in a folder that release.Run has written, or in a tree of Add's, and judges all of it as Add does. single
// tells a folder that is one release, and not one that holds several.
func Releases(ctx context.Context, dir string, trust release.Trust) (releases []Release, single bool, err error) {
	if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(integrationsDir()))); err == nil {
		releases, err := treeReleases(ctx, dir, trust)
		return releases, false, err
	}
	folders, err := findDists([]string{dir})
	if err != nil {
		return nil, false, err
	}
	for _, folder := range folders {
		in, err := readDist(ctx, folder, trust)
		if err != nil {
			return nil, false, err
		}
		releases = append(releases, Release{in.version, in.sources, in.images})
	}
	return releases, folders[0] == dir, nil
}

// treeReleases reads all versions of all integrations of a tree, the newest of each first.
func treeReleases(ctx context.Context, dir string, trust release.Trust) ([]Release, error) {
	folders, err := os.ReadDir(filepath.Join(dir, filepath.FromSlash(integrationsDir())))
	if err != nil {
		return nil, fmt.Errorf("looking for releases: %w", err)
	}
	var releases []Release
	for _, folder := range folders {
		if strings.HasPrefix(folder.Name(), ".") {
			continue
		}
		at := filepath.Join(dir, filepath.FromSlash(integrationDir(folder.Name())))
		file := filepath.Join(at, versionsName)
		data, err := regular.Read(file, maxJSON)
		if err != nil {
			return nil, fmt.Errorf("reading the tree: %w", err)
		}
		sum, err := release.SumFile(ctx, file)
		if err != nil {
			return nil, err
		}
		if err := judge(trust, file, sum); err != nil {
			return nil, err
		}
		versions, err := decodeVersions(data, folder.Name())
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		for _, v := range versions.Versions {
			one := Release{Version: v, Paths: map[string]string{}}
			if v.Withdrawn == "" {
				if err := one.read(ctx, at, trust); err != nil {
					return nil, err
				}
			}
			releases = append(releases, one)
		}
	}
	if len(releases) == 0 {
		return nil, fmt.Errorf("%s holds no release", dir)
	}
	return releases, nil
}

// read finds the files of the version in the folder of its integration, and judges them.
func (r *Release) read(ctx context.Context, dir string, trust release.Trust) error {
	in := &incoming{dir: dir, version: r.Version}
	var archives []release.File
	var err error
	recipe := path.Join(r.Version.Version, release.RecipeName)
	if in.recipe, err = release.ReadRecipe(filepath.Join(dir, filepath.FromSlash(recipe))); err != nil {
		return err
	}
	for _, f := range r.Files {
		file := filepath.Join(dir, filepath.FromSlash(f.Name))
		sum, err := release.SumFile(ctx, file)
		if err != nil {
			return err
		}
		if sum.SHA256 != f.SHA256 {
			return fmt.Errorf("%s is not the file that was published: kpkg index --check says more", file)
		}
		if err := judge(trust, file, sum); err != nil {
			return err
		}
		if strings.HasSuffix(f.Name, manifest.Extension) {
			if err := in.takePackage(ctx, file, sum.SHA256, false); err != nil {
				return err
			}
		}
		r.Paths[f.Name] = file
		if isArchive(f.Name) {
			archives = append(archives, f)
		}
	}
	r.Images = in.images
	return in.checkArchives(archives)
}

// hasImages tells whether the version has images of a package.
func (v Version) hasImages(pkg string) bool {
	return slices.ContainsFunc(v.Files, func(f release.File) bool { return f.Name == image.Beside(pkg) })
}

// Packages are the names of the version's packages.
func (v Version) Packages() []string {
	var names []string
	for _, f := range v.Files {
		if strings.HasSuffix(f.Name, manifest.Extension) {
			names = append(names, f.Name)
		}
	}
	return slices.Sorted(slices.Values(names))
}
