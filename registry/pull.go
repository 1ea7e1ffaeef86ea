package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/sha256sum"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/release"
	"github.com/PlakarKorp/kpkg/verify"
)

// pull brings the files of one integration from the origin.
type pull struct {
	*mirror
	name      string
	platforms []string
	// old are the versions that the mirror has, and folder where.
	old    *Versions
	folder string
	// shown are the files that clients show, by their names in the folder: of an origin that has them as files, these.
	shown map[string]*ownFile

	mu    sync.Mutex // guards what follows
	files int
	bytes int64
	// again tells that something has come.
	again bool
}

// fetchingAtOnce is how many files are fetched at a time.
const fetchingAtOnce = 4

// fetch fetches the files of all versions that the mirror is to have and has not, and judges them.
func (p *pull) fetch(ctx context.Context, versions *Versions) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fetchingAtOnce)
	for _, v := range versions.Versions {
		for _, f := range v.Files {
			if !isFor(f.Name, p.platforms) {
				continue
			}
			group.Go(func() error { return p.file(ctx, v, f) })
		}
	}
	return group.Wait()
}

// held is where a file is until the folder is made.
func (p *pull) held(name string) string { return p.at(holdingDir, p.name, name) }

// there tells whether the mirror has a file.
func (p *pull) there(version string, f release.File) bool {
	known := p.old.find(version)
	if known == nil || find(known.Files, f.Name) != f {
		return false
	}
	info, err := os.Lstat(filepath.Join(p.folder, filepath.FromSlash(f.Name)))
	return err == nil && info.Mode().IsRegular() && info.Size() == f.Size
}

// find is the file of a name, zero for none.
func find(files []release.File, name string) release.File {
	for _, f := range files {
		if f.Name == name {
			return f
		}
	}
	return release.File{}
}

// file sees to it that the mirror has a file, with a signature that is right.
func (p *pull) file(ctx context.Context, v Version, f release.File) error {
	sum := release.Sum{Name: path.Base(f.Name), SHA256: f.SHA256}
	held := p.held(f.Name)
	if err := os.MkdirAll(filepath.Dir(held), 0o755); err != nil {
		return err
	}
	label := p.name + "/" + f.Name + " of " + p.origin.Location()
	if p.there(v.Version, f) {
		file := filepath.Join(p.folder, filepath.FromSlash(f.Name))
		if judge(p.Trust, file, sum) == nil {
			return os.RemoveAll(held) // of a run that was to bring other signatures
		}
		// It was signed again, with another key: the file is the same, what is beside it comes anew.
		if err := link(file, held); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("taking %s over: %w", file, err)
		}
	} else if err := p.content(ctx, f, held); err != nil {
		return err
	}
	for _, extension := range sidecars {
		data, err := p.origin.Beside(ctx, p.name, f, extension, p.Trust)
		if err == nil {
			err = os.WriteFile(held+extension, data, 0o644)
		} else if errors.Is(err, fs.ErrNotExist) {
			if err = os.Remove(held + extension); errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		}
		if err != nil {
			return fmt.Errorf("fetching what is beside %s: %w", label, err)
		}
	}
	if err := judgeBeside(p.Trust, label, sum, release.BesideFile(held)); err != nil {
		return err
	}
	p.mu.Lock()
	p.again = true
	p.mu.Unlock()
	if strings.HasSuffix(f.Name, manifest.Extension) {
		return p.verify(ctx, v, f.Name, held, label)
	}
	return nil
}

// verify holds a package to what verification demands, and to the name and version that it comes under. Its images, which may be still on
// their way, are held to their sum and signature: what is in them is what its signed manifest names.
func (p *pull) verify(ctx context.Context, v Version, name, file, label string) error {
	report, err := verify.File(ctx, file, verify.Options{Containers: v.hasImages(name)})
	if err != nil {
		return err
	}
	for _, f := range report.Findings {
		if f.Severity == finding.Error {
			return fmt.Errorf("%s does not pass its verification: %s [%s]", label, f.Message, f.Rule)
		}
	}
	if report.Name != p.name || report.Version != v.Version {
		return fmt.Errorf("%s is a package of %s %s", label, report.Name, report.Version)
	}
	return nil
}

// content fetches what a file holds. What an interrupted run has fetched of it is not fetched again.
func (p *pull) content(ctx context.Context, f release.File, held string) error {
	if sum, size, err := sha256sum.File(ctx, held); err == nil && sum == f.SHA256 && size == f.Size {
		return nil
	} else if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	p.mu.Lock()
	p.files++
	p.bytes += f.Size
	if p.Progress != nil {
		p.Progress(path.Base(f.Name), f.Size)
	}
	p.mu.Unlock()
	part := held + ".part"
	resumed, err := p.part(ctx, f, part)
	if err == nil && resumed {
		return os.Rename(part, held)
	}
	if err == nil { // the begin was another file's, or damaged
		if err = os.Remove(part); err == nil {
			var right bool
			if right, err = p.part(ctx, f, part); err == nil && right {
				return os.Rename(part, held)
			}
		}
	}
	if err != nil {
		return err
	}
	sum, size, err := sha256sum.File(ctx, part)
	if err != nil {
		return err
	}
	return errors.Join(fmt.Errorf("%s/%s of %s has %d bytes with the SHA-256 %s, and %d bytes with %s were published: do not use it, "+
		"and tell whoever keeps the registry", p.name, f.Name, p.origin.Location(), size, sum, f.Size, f.SHA256), os.Remove(part))
}

// part goes on with a file that may have been begun, and tells whether it is right then.
func (p *pull) part(ctx context.Context, f release.File, part string) (right bool, err error) {
	file, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	if begun := min(info.Size(), f.Size); begun < f.Size || f.Size == 0 {
		content, begin, err := p.origin.Open(ctx, p.name, f.Name, begun)
		if err != nil {
			return false, err
		}
		defer content.Close()
		if err := errors.Join(file.Truncate(begin), seek(file, begin)); err != nil {
			return false, err
		}
		// What is longer than was published is not the file, however long it is.
		if _, err := io.Copy(file, io.LimitReader(content, f.Size-begin+1)); err != nil {
			return false, fmt.Errorf("fetching %s/%s of %s: %w", p.name, f.Name, p.origin.Location(), err)
		}
	}
	if err := seek(file, 0); err != nil {
		return false, err
	}
	sum, size, err := sha256sum.Of(ctx, file)
	return sum == f.SHA256 && size == f.Size, err
}

func seek(file *os.File, to int64) error {
	_, err := file.Seek(to, io.SeekStart)
	return err
}

// describe finds out what clients show of the version that is offered, and of an origin that does not say it what the index says of
// each version.
func (p *pull) describe(ctx context.Context, versions *Versions) error {
	p.shown = map[string]*ownFile{}
	o, isTree := p.origin.(*treeOrigin)
	if !isTree {
		for i := range versions.Versions {
			if err := p.describeVersion(ctx, &versions.Versions[i]); err != nil {
				return err
			}
		}
	}
	offered, prerelease := versions.offered()
	if offered == nil {
		offered = prerelease
	}
	if offered == nil {
		return nil
	}
	for _, at := range []string{offered.Entry.Documentation, offered.Entry.Icon} {
		if at == "" {
			continue
		}
		base := path.Base(at)
		if path.Dir(at) != integrationDir(p.name) || !validPath(base) {
			return fmt.Errorf("%s names %.80q as a file of %s", p.origin.Location(), at, p.name)
		}
		if isTree {
			own, err := o.own(ctx, at)
			if err != nil {
				return err
			}
			p.shown[base] = own
		}
	}
	if isTree {
		return nil
	}
	file, found := p.aPackage(*offered)
	if !found {
		return nil
	}
	in, err := describePackage(ctx, file, p.name, offered.Version)
	if err != nil {
		return err
	}
	for at, content := range map[string][]byte{offered.Entry.Documentation: in.readme, offered.Entry.Icon: in.icon} {
		if at != "" {
			base := path.Base(at)
			p.shown[base] = &ownFile{content, map[string][]byte{release.SumExtension: sumOf(base, content)}}
		}
	}
	return nil
}

// describeVersion has what the index says of a version, out of one of its packages.
func (p *pull) describeVersion(ctx context.Context, v *Version) error {
	if v.Entry.Name != "" {
		return nil
	}
	file, found := p.aPackage(*v)
	if !found {
		return nil
	}
	recipe, err := release.ReadRecipe(p.place(path.Join(v.Version, release.RecipeName)))
	if err != nil {
		return err
	}
	if recipe.Name != p.name || recipe.Semver() != v.Version {
		return fmt.Errorf("the recipe of %s %s in %s is one of %s %s", p.name, v.Version, p.origin.Location(), recipe.Name, recipe.Semver())
	}
	in, err := describePackage(ctx, file, p.name, v.Version)
	if err != nil {
		return err
	}
	v.Entry = in.version.Entry
	v.Entry.Repository = recipe.Repository
	return nil
}

// place is where a file is now: fetched, or in the mirror.
func (p *pull) place(name string) string {
	if held := p.held(name); exists(held) {
		return held
	}
	return filepath.Join(p.folder, filepath.FromSlash(name))
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// aPackage is one of a version that the mirror has.
func (p *pull) aPackage(v Version) (file string, found bool) {
	for _, name := range v.Packages() {
		if isFor(name, p.platforms) {
			return p.place(name), true
		}
	}
	return "", false
}

// differs tells whether the folder of the integration says something else than the new one would.
func (p *pull) differs(versions *Versions) (bool, error) {
	files, err := p.own(versions)
	if err != nil {
		return false, err
	}
	for name, want := range files {
		for _, extension := range append([]string{""}, sidecars...) {
			there, err := regular.Read(filepath.Join(p.folder, name+extension), maxJSON)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return false, err
			}
			data := want.data
			if extension != "" {
				data = want.beside[extension]
			}
			if !bytes.Equal(there, data) {
				return true, nil
			}
		}
	}
	return false, nil
}

// own are the files that tell of others.
func (p *pull) own(versions *Versions) (map[string]*ownFile, error) {
	files := map[string]*ownFile{mirrorName: {}}
	for name, file := range p.shown {
		files[name] = file
	}
	if o, isTree := p.origin.(*treeOrigin); isTree {
		files[versionsName] = o.versions[p.name]
	} else {
		data, err := encode(versions)
		if err != nil {
			return nil, err
		}
		files[versionsName] = &ownFile{data, map[string][]byte{release.SumExtension: sumOf(versionsName, data)}}
	}
	if len(p.platforms) > 0 {
		data, err := encode(mirrored{Platforms: p.platforms})
		if err != nil {
			return nil, err
		}
		files[mirrorName] = &ownFile{data: data}
	}
	return files, nil
}

func sumOf(name string, data []byte) []byte {
	digest := sha256.Sum256(data)
	return []byte(release.Sum{Name: name, SHA256: hex.EncodeToString(digest[:])}.String())
}

// build makes the folder of the integration.
func (p *pull) build(ctx context.Context, folder string, versions *Versions) error {
	for _, v := range versions.Versions {
		for _, f := range v.Files {
			if !isFor(f.Name, p.platforms) {
				continue
			}
			if err := context.Cause(ctx); err != nil {
				return err
			}
			to := filepath.Join(folder, filepath.FromSlash(f.Name))
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return err
			}
			if err := linkFile(p.place(f.Name), to); err != nil {
				return err
			}
		}
	}
	files, err := p.own(versions)
	if err != nil {
		return err
	}
	for name, file := range files {
		if file.data == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, name), file.data, 0o644); err != nil {
			return err
		}
		for extension, data := range file.beside {
			if err := os.WriteFile(filepath.Join(folder, name+extension), data, 0o644); err != nil {
				return err
			}
		}
	}
	if offered, _ := versions.offered(); offered != nil {
		recipe := filepath.Join(folder, offered.Version, release.RecipeName)
		return linkFile(recipe, filepath.Join(folder, release.RecipeName))
	}
	return nil
}
