package release

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/PlakarKorp/kpkg/internal/lock"
	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/scratch"
)

// workSuffix ends the name of the folder beside that of the release, in which it is made.
const workSuffix = ".unfinished"

// maxBegun is how much of a begunName is read, in bytes: it names the packages of each integration.
const maxBegun = 1 << 20

// treeName is the folder in the work folder that becomes the release, begunName what it is begun for.
const (
	treeName  = "release"
	begunName = "begun.json"
)

// PartName is the file, in the folder with a part of a release, that says which part of what it is.
const PartName = "part.json"

// workshop is where a release is made, until it is whole.
type workshop struct {
	out  string // the folder of the release
	path string
	// folders says that each integration has one in the folder of the release.
	folders bool
	// kept is the folder at path, but for a dry run: that has a temporary one, of which nothing stays.
	kept      *scratch.Kept
	temporary *scratch.Folder
	force     bool
}

// begun is what a release is made of. What a run has left is gone on with by one that would make the same.
type begun struct {
	Maker, Go   string
	Compression string
	// Image tells that images are made, ImageReference what they are called.
	Image          bool   `json:",omitempty"`
	ImageReference string `json:",omitempty"`
	Releases       []begunRelease
}

type begunRelease struct {
	Name, Version, Tag, Commit, Repository string
	Platforms                              []string
}

// openWorkshop opens the folder to work in, with what an earlier run has left there for the same release.
func openWorkshop(ctx context.Context, releases []*Release, opts Options) (*workshop, error) {
	w := &workshop{out: filepath.Clean(opts.OutDir), force: allows(opts, "release-exists"), folders: hasFolders(releases, opts)}
	var err error
	if opts.DryRun {
		err = w.holdTemporary()
	} else if err = w.hold(); err == nil {
		err = w.begin(ctx, releases, opts)
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// holdTemporary makes a folder to work in of which nothing stays.
func (w *workshop) holdTemporary() (err error) {
	if w.temporary, err = scratch.Make("release"); err != nil {
		return err
	}
	w.path = w.temporary.Path
	return os.Mkdir(w.tree(), 0o777)
}

// hold makes the folder to work in beside that of the release, and keeps others out of it: what is found there goes into the release.
func (w *workshop) hold() (err error) {
	w.kept, err = scratch.Keep(w.out + workSuffix)
	if errors.Is(err, lock.ErrHeld) {
		return fmt.Errorf("another run is making %s: wait for it", w.out)
	}
	if err != nil {
		return err
	}
	w.path = w.kept.Path
	return nil
}

func (w *workshop) tree() string { return filepath.Join(w.path, treeName) }

// dir is the folder of one release: all of the tree, or a folder in it.
func (w *workshop) dir(r *Release) string { return releaseDir(w.tree(), r.name(), w.folders) }

func releaseDir(tree, name string, folders bool) string {
	if !folders {
		return tree
	}
	return filepath.Join(tree, name)
}

// hasFolders tells whether each integration has a folder of its own.
func hasFolders(releases []*Release, opts Options) bool { return len(releases) > 1 || opts.Part != nil }

// begin empties the folder unless what is in it was made for the same release.
func (w *workshop) begin(ctx context.Context, releases []*Release, opts Options) error {
	now := begun{Maker: opts.Maker, Compression: string(opts.Compression), Image: opts.Image, ImageReference: opts.ImageReference}
	reusable := true
	for _, r := range releases {
		version, err := r.Source.Plan.GoVersion(ctx)
		if err != nil {
			return err
		}
		now.Go = version
		one := begunRelease{Name: r.name(), Version: r.Version, Tag: r.Tag, Commit: r.head.Commit, Repository: r.repository}
		for _, p := range r.integration.Packages {
			one.Platforms = append(one.Platforms, p.Platform.String())
		}
		now.Releases = append(now.Releases, one)
		// Of a source that is no commit, nothing tells whether it is still the same.
		reusable = reusable && r.inGit && !has(r, "release-dirty")
	}
	data, err := json.MarshalIndent(now, "", "  ")
	if err != nil {
		return err
	}
	file := filepath.Join(w.path, begunName)
	if there, err := regular.Read(file, maxBegun); err == nil && reusable && bytes.Equal(there, data) {
		return os.MkdirAll(w.tree(), 0o777)
	}
	// The note goes first: what is left of another release must not be taken for this one's.
	if err := errors.Join(removeIfThere(file), os.RemoveAll(w.tree()), os.Mkdir(w.tree(), 0o777)); err != nil {
		return fmt.Errorf("emptying %s: %w", w.path, err)
	}
	return regular.Replace(file, data, regular.PrivateMode)
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func has(r *Release, rule string) bool {
	for _, f := range r.Findings {
		if f.Rule == rule {
			return true
		}
	}
	return false
}

func (w *workshop) close() {
	if w.temporary != nil {
		w.temporary.Remove()
	}
	if w.kept != nil {
		w.kept.Close()
	}
}

// place gives the tree the name of the release. The same release there already is left as it is.
func (w *workshop) place(ctx context.Context) (Outcome, error) {
	if err := syncTree(w.tree()); err != nil {
		return Refused, fmt.Errorf("writing the release to disk: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return Refused, context.Cause(ctx)
	}
	if err := place.Recover(w.out); err != nil {
		return Refused, err
	}
	outcome := Written
	entries, err := os.ReadDir(w.out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = os.Rename(w.tree(), w.out)
	case err != nil:
		return Refused, fmt.Errorf("looking at %s: %w", w.out, err)
	case len(entries) == 0:
		if err = os.Remove(w.out); err == nil {
			err = os.Rename(w.tree(), w.out)
		}
	default:
		same, sameErr := sameTree(ctx, w.out, w.tree())
		switch {
		case sameErr != nil:
			return Refused, fmt.Errorf("comparing with %s: %w", w.out, sameErr)
		case same:
			outcome = Unchanged
		case w.force:
			err = place.Exchange(w.tree(), w.out)
		default:
			return Refused, fmt.Errorf("%s holds other files than this release: what was released does not change; give another "+
				"--out-dir, or --allow release-exists to replace it", w.out)
		}
	}
	if err != nil {
		return Refused, fmt.Errorf("giving the release its name: %w", err)
	}
	place.SyncFolder(filepath.Dir(w.out))
	// The note goes first: killed here, the next run begins anew.
	return outcome, errors.Join(removeIfThere(filepath.Join(w.path, begunName)), w.kept.Remove())
}

// checkPlace looks at the folder before anything is built: one that holds another release is found out now.
func checkPlace(releases []*Release, opts Options) error {
	entries, err := os.ReadDir(opts.OutDir)
	if errors.Is(err, fs.ErrNotExist) || opts.DryRun && err == nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking at the folder of the release: %w", err)
	}
	for _, r := range releases {
		if r.Err != nil || len(entries) == 0 {
			continue
		}
		recipe, err := ReadRecipe(filepath.Join(releaseDir(opts.OutDir, r.name(), hasFolders(releases, opts)), RecipeName))
		switch {
		case err != nil:
			r.add(opts, "release-exists", opts.OutDir+" holds something else than this release", "give another --out-dir")
		case recipe.Name != r.name() || recipe.Semver() != r.Version:
			r.add(opts, "release-exists", fmt.Sprintf("%s holds the release of %s %s", opts.OutDir, recipe.Name, recipe.Semver()),
				"give another --out-dir")
		}
	}
	return nil
}

// sameTree tells whether two folders hold the same files with the same content.
func sameTree(ctx context.Context, a, b string) (bool, error) {
	one, err := listTree(ctx, a)
	if err != nil {
		return false, err
	}
	other, err := listTree(ctx, b)
	if err != nil || len(one) != len(other) {
		return false, err
	}
	for name, sum := range one {
		if other[name] != sum {
			return false, nil
		}
	}
	return true, nil
}

// listTree sums all files of a folder, by their paths in it.
func listTree(ctx context.Context, dir string) (map[string]string, error) {
	sums := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			sums[relative] = d.Type().String()
			return nil
		}
		sum, err := SumFile(ctx, path)
		sums[relative] = sum.SHA256
		return err
	})
	return sums, err
}

// syncTree makes the names in all folders of a tree last a power cut; its files do already.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			place.SyncFolder(path)
		}
		return err
	})
}
