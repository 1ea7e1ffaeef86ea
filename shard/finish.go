package shard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/internal/jsonbound"
	"github.com/PlakarKorp/kpkg/internal/lock"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/scratch"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/oci"
	"github.com/PlakarKorp/kpkg/registry"
	"github.com/PlakarKorp/kpkg/release"
)

// FinishOptions say what the parts are to be, and what becomes of them.
type FinishOptions struct {
	// Integrations are what the jobs were told to make, all of it; Weights and Maker those that they had.
	Integrations create.Options
	Weights      Weights
	Maker        string
	// OutDir is the folder of the whole release, which is then the one that release.Run makes of all integrations. Key and Replace are as
	// for release.Assemble.
	OutDir  string
	Key     *release.SecretKey
	Replace bool
	// Access is how the OCI registry of the parts is reached. Progress, when set, is told of each file that is fetched or sent.
	Access   oci.Access
	Progress func(doing, name string, size int64)
}

// Finished is what became of the parts.
type Finished struct {
	Plan     *Plan
	Releases []*release.Release
	Outcome  release.Outcome
	// Pushed are the versions that are published.
	Pushed []oci.Pushed
}

// maxRecord is how long the record of a part may be, in bytes.
const maxRecord = 64 << 20

// Finish puts the parts of a release together: those in the folders of a folder, or in an OCI registry. All must be of the plan that the
// source gives, every package of it must be there, and each verifies. What is missing is an error of its Release; nothing is written
// then. The releases are signed and put into the folder of the options and, for a registry, published: until then none of
// the versions is there. Run again it changes nothing.
func Finish(ctx context.Context, parts string, opts FinishOptions) (*Finished, error) {
	units, err := Integrations(ctx, opts.Integrations, opts.Weights)
	if err != nil {
		return nil, err
	}
	dir := parts
	var address oci.Address
	var kept *scratch.Kept
	if oci.IsAddress(parts) {
		if address, err = oci.ParseAddress(parts); err != nil {
			return nil, err
		}
		if kept, err = keepParts(opts.OutDir); err != nil {
			return nil, err
		}
		defer kept.Close()
		dir = filepath.Join(kept.Path, fetchedName)
		if err := fetchParts(ctx, address, units, dir, opts); err != nil {
			return nil, err
		}
	}
	records, err := readRecords(dir)
	if err != nil {
		return nil, err
	}
	f := &Finished{Outcome: release.Refused}
	if f.Plan, err = agree(records, units, parts, opts.Maker); err != nil {
		return nil, err
	}
	whole, err := f.collect(ctx, dir, records)
	if err != nil {
		return f, err
	}
	f.describe(units, whole)
	if slices.ContainsFunc(f.Releases, func(r *release.Release) bool { return r.Err != nil }) {
		return f, nil
	}
	folders := len(units) > 1
	var assembled []release.Assembled
	for i := range whole {
		assembled = append(assembled, asAssembled(whole[i]))
	}
	assembling := release.AssembleOptions{OutDir: opts.OutDir, Folders: folders, Key: opts.Key, Replace: opts.Replace}
	if f.Outcome, err = release.Assemble(ctx, assembled, assembling); err != nil {
		return f, err
	}
	for i, r := range f.Releases {
		r.Dir = release.AssembledDir(opts.OutDir, f.Plan.Units[i].Name, folders)
		for name := range whole[i].Paths {
			whole[i].Paths[name] = filepath.Join(r.Dir, path.Base(name))
		}
	}
	if address.Host == "" {
		return f, nil
	}
	publishing := oci.PublishOptions{Access: opts.Access, Single: !folders}
	if opts.Progress != nil {
		publishing.Progress = func(name string, size int64) { opts.Progress("sending", name, size) }
	}
	if f.Pushed, err = oci.Publish(ctx, address, whole, publishing); err != nil {
		return f, err
	}
	return f, kept.Remove()
}

// fetchedName is the folder with the parts in the one that keepParts makes.
const fetchedName = "parts"

// keepParts makes the folder for what is fetched, beside that of the release: parts that are there after a run that failed are not
// fetched again.
func keepParts(outDir string) (*scratch.Kept, error) {
	out := filepath.Clean(outDir)
	kept, err := scratch.Keep(filepath.Join(filepath.Dir(out), "."+filepath.Base(out)+".parts"))
	if errors.Is(err, lock.ErrHeld) {
		return nil, fmt.Errorf("another run is putting %s together: wait for it", out)
	}
	return kept, err
}

// fetchParts brings what jobs have published ahead of the version into folders, as they are where jobs write into one.
func fetchParts(ctx context.Context, a oci.Address, units []Unit, dir string, opts FinishOptions) error {
	fetched := map[string][]string{} // the names of the integrations, by the folders of the parts
	hashes := map[string]string{}
	for _, u := range units {
		if u.Version == "" {
			continue
		}
		part, err := oci.FindPart(ctx, a, len(units) == 1, u.Name, u.Version, opts.Access)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it is missed later, with all others
		}
		if err != nil {
			return err
		}
		r, err := readRecord(part.Record)
		if err != nil {
			return fmt.Errorf("the part of %s in %s: %w", u.Name, a, err)
		}
		folder := Part{r.Index, r.Count}.Folder()
		if hash, known := hashes[folder]; known && hash != r.Hash {
			return fmt.Errorf("the part of %s in %s was made by another plan, %s, than those of %s, %s: publish all of %s again",
				u.Name, a, r.Hash, strings.Join(fetched[folder], ", "), hash, folder)
		}
		hashes[folder], fetched[folder] = r.Hash, append(fetched[folder], u.Name)
		to := filepath.Join(dir, folder)
		if err := os.MkdirAll(filepath.Join(to, u.Name), 0o700); err != nil {
			return fmt.Errorf("making a folder for the parts: %w", err)
		}
		var platforms []executable.Platform
		for _, text := range u.Platforms {
			if p, err := executable.ParsePlatform(text); err == nil {
				platforms = append(platforms, p)
			}
		}
		fetching := func(name string, size int64) {
			if opts.Progress != nil {
				opts.Progress("fetching", name, size)
			}
		}
		if err := part.Fetch(ctx, filepath.Join(to, u.Name), platforms, fetching); err != nil {
			return err
		}
		if err := regular.Replace(filepath.Join(to, release.PartName), part.Record, regular.PrivateMode); err != nil {
			return err
		}
	}
	// What an earlier run has fetched of another plan.
	for folder, names := range fetched {
		if err := keepOnly(filepath.Join(dir, folder), append(names, release.PartName)...); err != nil {
			return err
		}
	}
	return keepOnly(dir, slices.Collect(maps.Keys(fetched))...)
}

// keepOnly removes all from a folder but what has one of some names.
func keepOnly(dir string, names ...string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if !slices.Contains(names, entry.Name()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, entry.Name())))
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing what an earlier run has fetched: %w", err)
	}
	return nil
}

// readRecords reads those of all parts in a folder, by the names of their folders.
func readRecords(dir string) (map[string]*record, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("looking for parts of a release: %w", err)
	}
	records := map[string]*record{}
	for _, entry := range entries {
		file := filepath.Join(dir, entry.Name(), release.PartName)
		if strings.HasSuffix(entry.Name(), ".unfinished") || !entry.IsDir() {
			continue
		}
		data, err := regular.Read(file, maxRecord)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading a part of a release: %w", err)
		}
		r, err := readRecord(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if (Part{r.Index, r.Count}).Folder() != entry.Name() {
			return nil, fmt.Errorf("%s is the record of part %d of %d, which has another folder", file, r.Index, r.Count)
		}
		records[entry.Name()] = r
	}
	return records, nil
}

func readRecord(data []byte) (*record, error) {
	var r record
	if err := jsonbound.Unmarshal(data, &r, jsonbound.MaxMemory); err != nil {
		return nil, fmt.Errorf("it is no record of a part: %w", err)
	}
	if err := (Part{r.Index, r.Count}).check(); err != nil {
		return nil, fmt.Errorf("it is no record of a part: %w", err)
	}
	if r.Plan == nil {
		return nil, errors.New("it is no record of a part of a plan: it has none")
	}
	if r.Plan.Hash() != r.Hash || r.Plan.Count != r.Count {
		return nil, errors.New("its plan is not the one of its hash: it was changed")
	}
	return &r, nil
}

// agree is the plan of the units, which that of each record must be.
func agree(records map[string]*record, units []Unit, where, maker string) (*Plan, error) {
	if len(records) == 0 {
		return nil, fmt.Errorf("there is no part of a release of these integrations in %s: kpkg release --shard makes them", where)
	}
	var plan *Plan
	var problems []error
	for _, name := range sortedKeys(records) {
		r := records[name]
		if plan == nil {
			var err error
			if plan, err = New(units, r.Count, maker); err != nil {
				return nil, err
			}
		}
		if r.Hash != plan.Hash() {
			problems = append(problems, fmt.Errorf("%s was made by another plan, %s, than %s: %s", name, r.Hash, plan.Hash(), plan.unlike(r.Plan)))
		}
	}
	return plan, errors.Join(problems...)
}

func sortedKeys(records map[string]*record) []string {
	var names []string
	for name := range records {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// unlike says what another plan has otherwise: the first that differs.
func (p *Plan) unlike(other *Plan) string {
	switch {
	case p.Count != other.Count:
		return fmt.Sprintf("it has %d parts, others have %d", other.Count, p.Count)
	case p.Maker != other.Maker:
		return fmt.Sprintf("it is of kpkg %s, this one is %s", other.Maker, p.Maker)
	}
	for i := 0; i < max(len(p.Units), len(other.Units)); i++ {
		switch {
		case i >= len(p.Units):
			return other.Units[i].Name + " is not among the integrations given"
		case i >= len(other.Units):
			return "it lacks " + p.Units[i].Name
		}
		a, b := p.Units[i], other.Units[i]
		switch {
		case a.Name != b.Name:
			return fmt.Sprintf("it has %s where %s was given", b.Name, a.Name)
		case a.Version != b.Version:
			return fmt.Sprintf("%s has the version %s in it, and is %s here", a.Name, b.Version, a.Version)
		case a.Commit != b.Commit:
			return fmt.Sprintf("%s is at the commit %s in it, and at %s here", a.Name, b.Commit, a.Commit)
		case !slices.Equal(a.Platforms, b.Platforms):
			return fmt.Sprintf("%s has the platforms %s in it, and %s here",
				a.Name, strings.Join(b.Platforms, ", "), strings.Join(a.Platforms, ", "))
		case a.Images != b.Images || a.Image != b.Image:
			return fmt.Sprintf("%s has %s in it, and %s here", a.Name, b.images(), a.images())
		case a.Weight != b.Weight:
			return fmt.Sprintf("%s weighs %v in it, and %v here", a.Name, b.Weight, a.Weight)
		}
	}
	return "it spreads the integrations otherwise"
}

// collect reads the releases in the parts, and judges all of them, in the order of the plan: nil for one that is not there.
func (f *Finished) collect(ctx context.Context, dir string, records map[string]*record) ([]registry.Release, error) {
	names := sortedKeys(records)
	read := make([][]registry.Release, len(names))
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	for i, name := range names {
		group.Go(func() (err error) {
			read[i], _, err = registry.Releases(reading, filepath.Join(dir, name), release.Trust{})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	whole := make([]registry.Release, len(f.Plan.Units))
	for i, name := range names {
		for _, r := range read[i] {
			at := slices.IndexFunc(f.Plan.Units, func(u Unit) bool { return u.Name == r.Entry.Name })
			if at < 0 || f.Plan.Units[at].Part != records[name].Index || f.Plan.Units[at].Version != r.Version.Version {
				return nil, fmt.Errorf("%s holds %s %s, which the plan does not have there", filepath.Join(dir, name), r.Entry.Name, r.Version.Version)
			}
			whole[at] = r
		}
	}
	return whole, nil
}

// describe makes the releases that are reported, and says of each what is missing.
func (f *Finished) describe(units []Unit, whole []registry.Release) {
	for i, u := range f.Plan.Units {
		file := u.Paths[0]
		if filepath.Base(file) != manifest.FileName {
			file = filepath.Join(file, manifest.FileName)
		}
		doc := &manifest.Document{File: file}
		doc.Manifest.Name = u.Name
		r := &release.Release{Source: &create.Source{Document: doc}, Version: u.Version}
		f.Releases = append(f.Releases, r)
		if whole[i].Paths == nil {
			r.Err = fmt.Errorf("%s %s is missing: part %d of %d has not been made, or not with it", u.Name, u.Version, u.Part, f.Plan.Count)
			continue
		}
		var missing []string
		for _, platform := range u.Platforms {
			system, arch, _ := strings.Cut(platform, "/")
			id := manifest.Identity{Name: u.Name, Version: u.Version, OS: system, Arch: arch}
			if !slices.Contains(whole[i].Packages(), id.FileName()) {
				missing = append(missing, id.FileName())
			}
		}
		if len(missing) > 0 {
			r.Err = fmt.Errorf("%s %s is not whole: part %d of %d lacks %s", u.Name, u.Version, u.Part, f.Plan.Count, strings.Join(missing, ", "))
		} else if extra := len(whole[i].Packages()) - len(u.Platforms); extra > 0 {
			r.Err = fmt.Errorf("%s %s has %d packages for platforms that the plan does not have", u.Name, u.Version, extra)
		}
		r.Files, r.Images = asAssembled(whole[i]).Files, whole[i].Images
	}
}

// asAssembled has the files of a release by their base names, as they are in its folder.
func asAssembled(r registry.Release) release.Assembled {
	a := release.Assembled{Name: r.Entry.Name, Paths: map[string]string{}}
	for _, f := range r.Files {
		name := path.Base(f.Name)
		a.Files = append(a.Files, release.File{Name: name, Size: f.Size, SHA256: f.SHA256})
		a.Paths[name] = r.Paths[f.Name]
	}
	slices.SortFunc(a.Files, func(x, y release.File) int { return strings.Compare(x.Name, y.Name) })
	return a
}

// IsPart tells the folder of a part of a release.
func IsPart(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, release.PartName))
	return err == nil && info.Mode().IsRegular()
}

// Publish puts the part of a release in a folder into an OCI registry, ahead of the versions: see oci.PublishPart.
func Publish(ctx context.Context, dir string, a oci.Address, opts oci.PublishOptions) ([]oci.Pushed, error) {
	data, err := regular.Read(filepath.Join(dir, release.PartName), maxRecord)
	if err != nil {
		return nil, fmt.Errorf("reading a part of a release: %w", err)
	}
	r, err := readRecord(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, release.PartName), err)
	}
	releases, _, err := registry.Releases(ctx, dir, release.Trust{})
	if err != nil {
		return nil, err
	}
	opts.Single = len(r.Plan.Units) == 1
	return oci.PublishPart(ctx, a, releases, data, opts)
}
