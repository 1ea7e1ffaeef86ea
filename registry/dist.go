package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/release"
	"github.com/PlakarKorp/kpkg/verify"
)

// incoming is a release that is to be published.
type incoming struct {
	dir     string
	recipe  release.Recipe
	version Version
	// readme and icon are what clients show of it, nil for none; iconName is the base name of the icon.
	readme, icon []byte
	iconName     string
	insight      *insight
	// images are those that packages name, by the archives' names in the version.
	images []verify.Images
	// sidecars are sums and signatures, by the paths of the files that they are beside.
	sources map[string]string
}

// findDists finds the releases in the folders: each is one, or holds one in each of its folders.
func findDists(dirs []string) ([]string, error) {
	var found []string
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, release.RecipeName)); err == nil {
			found = append(found, dir)
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("looking for a release: %w", err)
		}
		before := len(found)
		for _, entry := range entries {
			inner := filepath.Join(dir, entry.Name())
			if _, err := os.Stat(filepath.Join(inner, release.RecipeName)); err == nil && entry.IsDir() {
				found = append(found, inner)
			}
		}
		if len(found) == before {
			return nil, fmt.Errorf("%s holds no release: there is no %s in it, nor in a folder of it", dir, release.RecipeName)
		}
	}
	return found, nil
}

// readDists reads releases side by side. The error is that of the first one in dirs that has any.
func readDists(ctx context.Context, dirs []string, trust release.Trust) ([]*incoming, error) {
	all, errs := make([]*incoming, len(dirs)), make([]error, len(dirs))
	var failed atomic.Bool
	var reading errgroup.Group
	reading.SetLimit(min(8, runtime.NumCPU())) // what more would take is memory
	for n, dir := range dirs {
		if failed.Load() { // what has begun goes on: it may be before the one that failed
			break
		}
		reading.Go(func() error {
			if all[n], errs[n] = readDist(ctx, dir, trust); errs[n] != nil {
				failed.Store(true)
			}
			return nil
		})
	}
	reading.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// readDist reads a release and judges all that is in it: every package is opened and verified, every file has its sum, and a
// signature where there is one must be by a key that is trusted, if any is given.
func readDist(ctx context.Context, dir string, trust release.Trust) (*incoming, error) {
	in := &incoming{dir: dir, sources: map[string]string{}}
	var err error
	if in.recipe, err = release.ReadRecipe(filepath.Join(dir, release.RecipeName)); err != nil {
		return nil, err
	}
	in.version.Version = in.recipe.Semver()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	described := false
	var archives []release.File
	for _, entry := range entries {
		name := entry.Name()
		switch {
		case strings.HasSuffix(name, release.SumExtension), strings.HasSuffix(name, release.SignatureExtension):
			continue
		case strings.HasPrefix(name, ".") || !entry.Type().IsRegular() || !validPath(name):
			return nil, fmt.Errorf("%s is no file of a release", filepath.Join(dir, name))
		}
		file := filepath.Join(dir, name)
		sum, err := release.SumFile(ctx, file)
		if err != nil {
			return nil, err
		}
		if err := judge(trust, file, sum); err != nil {
			return nil, err
		}
		info, err := entry.Info()
		if err != nil {
			return nil, err
		}
		place, isPackage := Place(in.version.Version, name), strings.HasSuffix(name, manifest.Extension)
		if isArchive(name) {
			archives = append(archives, release.File{Name: name, Size: info.Size(), SHA256: sum.SHA256})
		}
		if isPackage {
			if err := in.takePackage(ctx, file, sum.SHA256, !described); err != nil {
				return nil, err
			}
			described = true
		}
		in.sources[place] = file
		in.version.Files = append(in.version.Files, release.File{Name: place, Size: info.Size(), SHA256: sum.SHA256})
	}
	if !described {
		return nil, fmt.Errorf("%s holds no package", dir)
	}
	slices.SortFunc(in.version.Files, func(a, b release.File) int { return strings.Compare(a.Name, b.Name) })
	return in, in.checkArchives(archives)
}

// checkArchives holds the archives of images to those that packages were judged with: whatever else has such a name is none of a release.
func (in *incoming) checkArchives(archives []release.File) error {
	for _, f := range archives {
		at := slices.IndexFunc(in.images, func(i verify.Images) bool { return i.File == f.Name })
		switch {
		case at < 0:
			return fmt.Errorf("%s is beside no package that has its connectors in images", filepath.Join(in.dir, f.Name))
		case in.images[at].SHA256 != f.SHA256:
			return fmt.Errorf("%s was changed while it was read: something else writes there", filepath.Join(in.dir, f.Name))
		}
	}
	return nil
}

// judge holds a file to its sum, and to its signature if there is one and keys are given.
func judge(trust release.Trust, file string, sum release.Sum) error {
	return judgeBeside(trust, file, sum, release.BesideFile(file))
}

// judgeBeside is judge for a file whose sum and signature beside reads.
func judgeBeside(trust release.Trust, file string, sum release.Sum, beside release.Beside) error {
	_, findings, err := trust.Judge(file, sum, beside)
	if err != nil {
		return fmt.Errorf("reading what is beside %s: %w", file, err)
	}
	for _, f := range findings {
		// Whether there have to be signatures, the tree says: see signs.
		if f.Severity == finding.Error && (len(trust.Keys) > 0 || !strings.HasPrefix(f.Rule, "signature-")) || f.Rule == "sum-missing" {
			return fmt.Errorf("%s: %s; %s", file, f.Message, f.Hint)
		}
	}
	return nil
}

// takePackage verifies a package of the release, and describes the integration by it if it is the first.
func (in *incoming) takePackage(ctx context.Context, file, sum string, first bool) error {
	report, err := verify.File(ctx, file, verify.Options{})
	if err != nil {
		return err
	}
	for _, f := range report.Findings {
		if f.Severity == finding.Error {
			return fmt.Errorf("%s does not pass its verification: %s", file, f.Message)
		}
	}
	switch {
	case report.SHA256 != sum:
		return fmt.Errorf("%s was changed while it was read: something else writes there", file)
	case report.Name != in.recipe.Name || report.Version != in.recipe.Semver():
		return fmt.Errorf("%s is a package of %s %s, and the recipe beside it is of %s %s",
			file, report.Name, report.Version, in.recipe.Name, in.recipe.Semver())
	}
	if images := report.Named(); images != nil {
		in.images = append(in.images, *images)
	}
	if !first {
		return nil
	}
	p, err := ptarread.Open(ctx, file)
	if err != nil {
		return err
	}
	defer p.Close()
	if in.insight, err = newInsight(p, report); err != nil {
		return err
	}
	return in.describe(p)
}

// describe takes what the index says of an integration from a package.
func (in *incoming) describe(p *ptarread.Package) error {
	tree := p.FS()
	data, err := readIn(tree, manifest.FileName, manifest.MaxSize)
	if err != nil {
		return fmt.Errorf("reading the manifest of a package: %w", err)
	}
	m := manifest.Read(manifest.FileName, data).Manifest
	entry := Integration{
		Edition: edition, API: api, Tier: m.Tier, Contact: m.Contact, Name: m.Name, DisplayName: m.DisplayName,
		Description: m.Description, Homepage: m.Homepage, Repository: in.recipe.Repository, License: m.License,
		Tags: append([]string{}, m.Tags...), Version: in.version.Version, Connectors: []Connector{},
	}
	for _, c := range m.Connectors {
		one := Connector{Type: c.Type, Class: c.Class, Subclass: c.Subclass, Protocols: []Protocol{}, Validator: json.RawMessage("null")}
		for _, scheme := range c.Protocols {
			one.Protocols = append(one.Protocols, Protocol{scheme, json.RawMessage("null")})
		}
		if c.Validator != "" {
			schema, err := readIn(tree, path.Clean(c.Validator), manifest.MaxValidatorSize)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("reading %s of a package: %w", c.Validator, err)
			}
			if json.Valid(schema) {
				one.Validator = schema
			}
		}
		entry.Connectors = append(entry.Connectors, one)
	}
	for _, shown := range manifest.ShownFiles() {
		content, err := readIn(tree, shown.Name, shown.Limit)
		if err != nil {
			continue
		}
		at := path.Join(integrationDir(m.Name), path.Base(shown.Name))
		switch {
		case shown.Name == manifest.ReadmeName:
			in.readme, entry.Documentation = content, at
		case strings.HasPrefix(shown.Name, "assets/icon.") && in.icon == nil:
			in.icon, in.iconName, entry.Icon = content, path.Base(shown.Name), at
		}
	}
	in.version.Entry = entry
	return nil
}

// maxShown is how large a file is that a registry shows of a package, in bytes: a manifest, a page, a validator.
const maxShown = 1 << 20

// readIn reads a file of a package of at most limit bytes; 0 is maxShown.
func readIn(tree fs.FS, name string, limit int64) ([]byte, error) {
	if limit == 0 {
		limit = maxShown
	}
	file, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return data, err
}

// sidecar reads the sum or the signature beside a file of a release; nil when there is none.
func sidecar(file, extension string) ([]byte, error) {
	data, err := regular.Read(file+extension, release.MaxSidecar)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// shownIn reads what clients show of a version out of one of its packages in the folder of an integration.
func shownIn(ctx context.Context, folder string, v Version) (*incoming, error) {
	packages := v.Packages()
	if len(packages) == 0 {
		return &incoming{}, nil
	}
	return describePackage(ctx, filepath.Join(folder, packages[0]), v.Entry.Name, v.Version)
}

// describePackage reads what the index says, and clients show, of a version out of a package of it.
func describePackage(ctx context.Context, file, name, version string) (*incoming, error) {
	in := &incoming{}
	in.recipe.Name, in.version.Version = name, version
	p, err := ptarread.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return in, in.describe(p)
}
