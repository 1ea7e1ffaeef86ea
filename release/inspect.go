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
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/diff"
	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/git"
	"github.com/PlakarKorp/kpkg/manifest"
)

// maxCommits is how many commits the notes of a release list.
const maxCommits = 500

// inspect checks all that can be known before anything is built.
func inspect(ctx context.Context, opts Options) ([]*Release, error) {
	integrations, err := create.Run(ctx, create.Options{
		Manifests: opts.Manifests, Version: opts.Version, Platforms: opts.Platforms, All: len(opts.Platforms) == 0,
		OutDir: opts.OutDir, DryRun: true, Compression: opts.Compression, Jobs: opts.Jobs, Force: true,
		Image: opts.Image, ImageReference: opts.ImageReference,
	})
	if errors.Is(err, create.ErrOptions) {
		return nil, fmt.Errorf("%w: %s", ErrOptions, strings.TrimPrefix(err.Error(), create.ErrOptions.Error()+": "))
	}
	if err != nil {
		return nil, err
	}
	var releases []*Release
	for _, i := range integrations {
		r := &Release{Source: i.Source, Version: i.Version.Value, Err: i.Err, integration: i}
		for _, f := range i.Findings {
			if f.Rule != "source-modified" { // judged here, of the whole repository
				r.Findings = append(r.Findings, f)
			}
		}
		releases = append(releases, r)
		for _, p := range i.Packages {
			r.Err = errors.Join(r.Err, p.Err)
		}
		if r.Err != nil || finding.HasErrors(r.Findings) {
			continue
		}
		if i.Version.Source == manifest.FromNowhere {
			r.Err = fmt.Errorf("%s: %w vX.Y.Z", r.Source.Document.File, manifest.ErrNoVersion)
			continue
		}
		if r.Err = r.inspect(ctx, opts); ctx.Err() != nil {
			return releases, context.Cause(ctx)
		}
	}
	return releases, checkPlace(releases, opts)
}

// inspect checks the source of one release and its history.
func (r *Release) inspect(ctx context.Context, opts Options) (err error) {
	if err := r.checkApart(opts); err != nil {
		return err
	}
	if r.head, r.inGit, err = git.ReadHead(ctx, r.Source.Dir); err != nil {
		return err
	}
	r.checkFiles(opts)
	if !r.inGit {
		r.add(opts, "release-commit", "the source is in no git repository with a commit, so that nobody can make the packages again",
			"commit it")
		r.Tag = r.Version
	} else if err := r.checkHistory(ctx, opts); err != nil {
		return err
	}
	return r.findRepository(opts)
}

// checkApart refuses a folder for the release that the source is in, whose place the release would take.
func (r *Release) checkApart(opts Options) error {
	out, err := realPath(opts.OutDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	source, sourceErr := realPath(r.Source.Dir)
	if err := errors.Join(err, sourceErr); err != nil {
		return fmt.Errorf("looking at the folder of the release: %w", err)
	}
	if inside, err := filepath.Rel(out, source); err == nil && filepath.IsLocal(inside) {
		return fmt.Errorf("the source, %s, is in the folder that the release would be: give another --out-dir", r.Source.Dir)
	}
	return nil
}

// realPath is the one absolute path of what is there.
func realPath(path string) (string, error) {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(resolved)
}

// checkHistory holds the release to the repository: its tags, its state, and the release before.
func (r *Release) checkHistory(ctx context.Context, opts Options) error {
	if err := r.checkModified(ctx, opts); err != nil {
		return err
	}
	here := r.versions(r.head.Here)
	switch {
	case slices.Contains(here, r.Version):
	case r.elsewhere():
		r.add(opts, "release-exists", r.Version+" is a version already: its tag is on another commit",
			"give the release a new version; what is published under one does not change")
	case len(here) > 0:
		r.add(opts, "release-tag", fmt.Sprintf("the commit is tagged %s, and the release is to be %s", strings.Join(here, " and "), r.Version),
			"release the version that the tag says, or tag the commit")
	default:
		r.warn("release-untagged", "no tag says "+r.Version+", which the recipe names", "git tag "+r.tagName()+", and push it before the release")
	}
	r.Tag = r.tagName()
	since := ""
	r.Previous, since = r.previous()
	if r.Previous != "" {
		if err := r.compare(ctx, opts); err != nil {
			return err
		}
	}
	var err error
	r.commits, err = git.Since(ctx, r.Source.Dir, since, maxCommits)
	return err
}

// checkModified refuses a source that is not the commit. Where the release itself is written does not count.
func (r *Release) checkModified(ctx context.Context, opts Options) error {
	exclude := []string{"**/*" + manifest.Extension}
	out := filepath.Clean(opts.OutDir)
	for _, dir := range []string{out, out + workSuffix} {
		if inside, ok := below(r.head.Top, dir); ok { // and is not the repository itself: see checkApart
			exclude = append(exclude, literal(inside), literal(inside)+"/**")
		}
	}
	if opts.Part != nil {
		// The other parts are beside it, finished or not; the folder that they are in may be that of the source.
		if inside, ok := below(r.head.Top, filepath.Dir(out)); ok {
			exclude = append(exclude, path.Join(literal(inside), partPattern), path.Join(literal(inside), partPattern, "**"))
		}
	}
	paths, ok, err := git.Modified(ctx, r.head.Top, exclude...)
	switch {
	case err != nil:
		return err
	case !ok:
		r.add(opts, "release-dirty", "git does not tell whether the source is the commit that it is at", "it takes git 2.32 or newer")
	case len(paths) > 0:
		r.add(opts, "release-dirty", fmt.Sprintf("the source is not the commit that it is at: %s", some(paths)),
			"commit what belongs to it, have git ignore the rest")
	}
	return nil
}

// partPattern has the names of the folders that the parts of a release are made in, and are in, and no other.
const partPattern = "part-[0-9]*-of-[0-9]*"

// literal is a path as a pattern of git's that means nothing else.
func literal(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// below is the slash path of dir below root, or "." for the root itself; ok is false when it is not there.
func below(root, dir string) (relative string, ok bool) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", false
	}
	if resolved, err := filepath.EvalSymlinks(filepath.Dir(absolute)); err == nil {
		absolute = filepath.Join(resolved, filepath.Base(absolute))
	}
	relative, err = filepath.Rel(root, absolute)
	return filepath.ToSlash(relative), err == nil && filepath.IsLocal(relative)
}

// versions are those that tags say of this integration: NAME/vX.Y.Z, else, of a repository of its own, vX.Y.Z.
func (r *Release) versions(tags []string) []string {
	var own, plain []string
	for _, tag := range tags {
		if version, found := strings.CutPrefix(tag, r.name()+"/"); found && isVersion(version) {
			own = append(own, version)
		} else if isVersion(tag) {
			plain = append(plain, tag)
		}
	}
	if len(own) > 0 {
		return own
	}
	return plain
}

func isVersion(tag string) bool {
	_, err := manifest.NormalizeVersion(tag)
	return err == nil && strings.HasPrefix(tag, "v")
}

// elsewhere tells whether another commit has the tag of the version.
func (r *Release) elsewhere() bool {
	return slices.Contains(r.head.Elsewhere, r.tagName()) || slices.Contains(r.head.Elsewhere, r.name()+"/"+r.Version)
}

// tagName is the tag of the version: as the repository's tags are, else by whether the integration has the repository to itself.
func (r *Release) tagName() string {
	own, plain := r.name()+"/"+r.Version, r.Version
	all := slices.Concat(r.head.Here, r.head.Elsewhere)
	isOwn := func(tag string) bool {
		version, found := strings.CutPrefix(tag, r.name()+"/")
		return found && isVersion(version)
	}
	switch {
	case slices.Contains(r.head.Here, own):
		return own
	case slices.Contains(r.head.Here, plain):
		return plain
	case slices.ContainsFunc(all, isOwn):
		return own
	case slices.ContainsFunc(all, isVersion) || r.head.Prefix == "":
		return plain
	}
	return own
}

// previous are the version of the release before, by semantic order, and the tag since which the notes tell. A release is held
// to the release before it, and a pre-release too, but its notes begin with the pre-release before.
func (r *Release) previous() (version, since string) {
	var last, newest string
	for _, v := range r.versions(r.head.Before) {
		// Another tag of the very commit is no release before it.
		if semver.Compare(v, r.Version) >= 0 || slices.Contains(r.head.Here, r.tagOf(v)) {
			continue
		}
		if newest == "" || semver.Compare(v, newest) > 0 {
			newest = v
		}
		if semver.Prerelease(v) == "" && (last == "" || semver.Compare(v, last) > 0) {
			last = v
		}
	}
	since = newest
	if semver.Prerelease(r.Version) == "" && last != "" {
		since = last
	}
	if since != "" {
		since = r.tagOf(since)
	}
	return last, since
}

// tagOf is the tag of a version that the repository has.
func (r *Release) tagOf(version string) string {
	if own := r.name() + "/" + version; slices.Contains(r.head.Before, own) {
		return own
	}
	return version
}

// compare holds the step of the version to what has changed since the release before.
func (r *Release) compare(ctx context.Context, opts Options) error {
	tag := r.tagOf(r.Previous)
	read := func(name string) ([]byte, error) { return git.File(ctx, r.Source.Dir, tag, name) }
	old, err := diff.Read(read, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the integration was not there yet, or elsewhere
	}
	if err != nil {
		return fmt.Errorf("comparing with %s: %w", tag, err)
	}
	old.Platforms = executable.Shipped()
	if build := old.Manifest.Build; build != nil && len(build.Platforms) > 0 {
		old.Platforms = nil
		for _, text := range build.Platforms {
			if p, err := executable.ParsePlatform(text); err == nil {
				old.Platforms = append(old.Platforms, p)
			}
		}
	}
	var platforms []executable.Platform
	for _, p := range r.integration.Packages {
		platforms = append(platforms, p.Platform)
	}
	tree, err := os.OpenRoot(r.Source.Dir)
	if err != nil {
		return err
	}
	defer tree.Close()
	now, err := diff.Read(diff.FromFS(tree.FS()), platforms)
	if err != nil {
		return err
	}
	r.Changes = diff.Compare(old, now)
	asked := diff.Asked(r.Changes)
	if err := diff.CheckStep(r.Previous, r.Version, asked); err != nil {
		message := err.Error()
		for _, c := range r.Changes {
			if c.Step == asked {
				message += fmt.Sprintf("; %s: %s", c.Subject, c.Message)
			}
		}
		r.add(opts, "release-step", message, "take the larger step, or keep what users rely on")
	}
	return nil
}

// scpLike is how git writes an address that goes over ssh, with a colon before the first slash (git-clone(1), "GIT URLS"). A host of
// one letter is the drive of a path on Windows.
var scpLike = regexp.MustCompile(`^(?:[^@/:]+@)?([^:/@\[\]\\]{2,}):/*([^:/].*)$`)

// overHTTPS is the address by which a browser, too, finds a repository that is cloned from a remote; of one that is no address on
// another machine, such as a folder, it is the remote as it is.
func overHTTPS(remote string) string {
	address := remote
	if strings.Contains(remote, "://") {
		u, err := url.Parse(remote)
		if err != nil {
			return remote
		}
		switch u.Scheme {
		case "ssh", "git+ssh", "ssh+git":
			// The port is that of ssh, and so is the user.
			u.Scheme, u.User, u.Host = "https", nil, strings.TrimSuffix(u.Host, ":"+u.Port())
		}
		address = u.String()
	} else if parts := scpLike.FindStringSubmatch(remote); parts != nil {
		address = "https://" + parts[1] + "/" + parts[2]
	}
	return strings.TrimSuffix(strings.TrimRight(address, "/"), ".git")
}

// findRepository finds the address that the recipe names.
func (r *Release) findRepository(opts Options) error {
	address := opts.Repository
	if address == "" {
		address = overHTTPS(r.head.Remote)
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%s: the recipe names the https address of the repository, and git was not cloned from one (%q): "+
			"give it with --repository", r.Source.Document.File, finding.Cut(redacted(address)))
	}
	u.User = nil // a token that a CI has put there
	r.repository = u.String()
	return nil
}

// redacted is an address without what may be a secret in it.
func redacted(address string) string {
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		return "..." + address[at:]
	}
	return address
}

// some names the first of many.
func some(paths []string) string {
	const enough = 5
	if len(paths) > enough {
		return fmt.Sprintf("%s and %d more", strings.Join(paths[:enough], ", "), len(paths)-enough)
	}
	return strings.Join(paths, ", ")
}
