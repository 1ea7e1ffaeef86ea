package release

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/conformance"
	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/diff"
	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/git"
	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/suggest"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/verify"
)

// Options say what to release, and what not to insist on.
type Options struct {
	// Manifests are the paths of manifest.yaml files or of their folders.
	Manifests []string
	// Version of all; "" takes each manifest's or the git tag's.
	Version string
	// Platforms to make packages for; none means all that each manifest names, else those upstream ships.
	Platforms []executable.Platform
	// OutDir is the folder of the release, which appears as a whole. Of several integrations each has a folder in it.
	OutDir string
	// Key signs all files; nil leaves them unsigned.
	Key *SecretKey
	// Part, unless nil, says what larger release this is a part of: it is in the folder as PartName, and each integration has a folder in
	// it, one alone too. Folders beside OutDir are those of other parts.
	Part []byte
	// Image makes images of the connectors beside the packages, and ImageReference names them, as create.Options have it.
	Image          bool
	ImageReference string
	// Repository is the https address that the recipe names, "" for that which git has cloned from.
	Repository string
	// Allow are the rules whose findings do not stop the release: see Overridable.
	Allow []string
	// SkipTest are the connectors, TYPE:PROTOCOL, that need not be tested.
	SkipTest []string
	// DryRun makes all checks, building and testing included, and writes nothing.
	DryRun      bool
	Compression ptarbuild.Compression
	// Jobs is how many platforms are built side by side; 0 means as many as there are CPUs.
	Jobs int
	// Maker is the version of the program that makes the release, for the provenance.
	Maker string
	// Checked, when set, is called for each release once all are checked, before anything is built.
	Checked func(*Release)
	// Progress, when set, is told of every step of every package; Tested of each connector that is about to be tested. Calls do
	// not overlap.
	Progress func(create.Step)
	Tested   func(config conformance.Config, checks int)
}

// Release is what became of one integration.
type Release struct {
	// Source has nothing but the manifest's path when that could not be read.
	Source *create.Source
	// Version with its "v"; Tag is the git tag that the recipe names, Previous that of the release before, "" for none.
	Version, Tag, Previous string
	// Dir is the folder with the files of the release.
	Dir string
	// Changes are what those who use it will notice since Previous.
	Changes []diff.Change
	// Findings are about the source and its history, the packages and their tests. With an error among them nothing is written.
	Findings []finding.Finding
	// Err is what could not be done; nothing is written then either.
	Err error
	// Files are those of the release, by name, without their sums and signatures.
	Files []File
	// Images are the archives of images among Files, by their base names, with the images that connectors name; none without Image.
	Images []verify.Images

	integration *create.Integration
	head        git.Head
	inGit       bool
	repository  string
	commits     []git.Commit
	packages    []Packaged
}

// File is one file of a release.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Packaged is a package that is made and verified.
type Packaged struct {
	Platform executable.Platform
	// Name is its file name.
	Name string
	// SHA256 in lower-case hexadecimal, Size in bytes.
	SHA256 string
	Size   int64

	// images are beside it; nil for none.
	images *verify.Images
}

// ErrOptions is wrapped by the errors of Run about options that do not fit together.
var ErrOptions = errors.New("wrong options")

// Outcome says what Run did with the folder.
type Outcome string

const (
	// Refused means that nothing was written, as something has an error.
	Refused Outcome = "refused"
	// Checked is a dry run without errors.
	Checked Outcome = "checked"
	// Written means that the folder is there now.
	Written Outcome = "written"
	// Unchanged means that the same release was there already.
	Unchanged Outcome = "unchanged"
)

// Run makes releases, all of them or none: the folder appears at the end, complete. What a run has made before it failed or
// was killed stays beside the folder, and the next run of the same commit goes on from there. The error is for what stops all;
// what is wrong with one integration is in its Release.
func Run(ctx context.Context, opts Options) ([]*Release, Outcome, error) {
	if err := opts.check(); err != nil {
		return nil, Refused, err
	}
	releases, err := inspect(ctx, opts)
	if err != nil || refused(releases) {
		return releases, Refused, err
	}
	if opts.Checked != nil {
		for _, r := range releases {
			opts.Checked(r)
		}
	}
	w, err := openWorkshop(ctx, releases, opts)
	if err != nil {
		return releases, Refused, err
	}
	defer w.close()
	for _, r := range releases {
		dir := w.dir(r)
		if r.Err = r.build(ctx, dir, opts); r.Err == nil && !finding.HasErrors(r.Findings) {
			r.Err = r.test(ctx, dir, opts)
		}
		if ctx.Err() != nil {
			return releases, Refused, context.Cause(ctx)
		}
	}
	if refused(releases) {
		return releases, Refused, nil
	}
	for _, r := range releases {
		if r.Err = r.describe(ctx, w.dir(r), opts); r.Err != nil {
			return releases, Refused, nil
		}
	}
	if opts.DryRun {
		return releases, Checked, nil
	}
	if opts.Part != nil {
		// For whoever finishes the release.
		if err := regular.Replace(filepath.Join(w.tree(), PartName), opts.Part, regular.SharedMode); err != nil {
			return releases, Refused, fmt.Errorf("writing what the release is a part of: %w", err)
		}
	}
	outcome, err := w.place(ctx)
	for _, r := range releases {
		r.Dir = releaseDir(opts.OutDir, r.name(), w.folders)
	}
	return releases, outcome, err
}

// refused tells whether something keeps the releases from being made.
func refused(releases []*Release) bool {
	return slices.ContainsFunc(releases, func(r *Release) bool { return r.Err != nil || finding.HasErrors(r.Findings) })
}

// check refuses options that do not fit together.
func (o Options) check() error {
	if len(o.Manifests) == 0 || o.OutDir == "" {
		return fmt.Errorf("%w: name a manifest and a folder for the release", ErrOptions)
	}
	known := Overridable()
	for _, rule := range o.Allow {
		if !slices.Contains(known, rule) {
			return fmt.Errorf("%w: --allow %s: there is no such rule to allow: %s", ErrOptions, finding.Cut(rule), suggest.OneOf(rule, known))
		}
	}
	for _, connector := range o.SkipTest {
		if kind, protocol, found := strings.Cut(connector, ":"); !found || kind == "" || protocol == "" {
			return fmt.Errorf("%w: --skip-test %s: name a connector by its TYPE:PROTOCOL, as in importer:ftp", ErrOptions, finding.Cut(connector))
		}
	}
	return place.Folder(filepath.Join(filepath.Clean(o.OutDir)+workSuffix, "x"))
}

// add adds a finding about the source; one of a rule that is allowed is a warning.
func (r *Release) add(opts Options, rule, message, hint string) {
	f := finding.Finding{Rule: rule, Severity: finding.Error, File: r.Source.Document.File, Message: finding.CutMessage(message), Hint: hint}
	if slices.Contains(opts.Allow, rule) {
		f.Severity, f.Hint = finding.Warning, "--allow "+rule+" lets it pass"
	} else if slices.Contains(Overridable(), rule) {
		f.Hint += "; --allow " + rule + " releases it as it is"
	}
	r.Findings = append(r.Findings, f)
	finding.Sort(r.Findings)
}

// warn adds what does not stop the release.
func (r *Release) warn(rule, message, hint string) {
	r.Findings = append(r.Findings, finding.Finding{
		Rule: rule, Severity: finding.Warning, File: r.Source.Document.File, Message: finding.CutMessage(message), Hint: hint,
	})
	finding.Sort(r.Findings)
}

// name is the integration's.
func (r *Release) name() string { return r.Source.Document.Manifest.Name }
