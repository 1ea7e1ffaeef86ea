package create

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarbuild"
)

// Options say which packages to make of which integrations, and where.
type Options struct {
	// Manifests are the paths of manifest.yaml files or of their folders.
	Manifests []string
	// Version of the packages; "" takes each manifest's or the git tag's.
	Version string
	// Platforms to make packages for; none means this machine's, unless All.
	Platforms []executable.Platform
	// All makes a package for every platform a manifest names, or else for those upstream ships and the module builds for.
	All bool
	// Output is the file of the one package; "" gives each package its canonical name in OutDir.
	Output string
	// OutDir is the folder for packages; "" is the current one. It is made when it is not there.
	OutDir string
	// NoBuild packs the executables that are there instead of building them.
	NoBuild bool
	// DryRun does every check and lists the files, and neither builds nor writes.
	DryRun bool
	// Force replaces packages that are there.
	Force bool
	// Strict makes errors of what upstream's newer validator refuses, of a source that is not the commit that the package
	// names, and of a manifest that has the build start programs of its own.
	Strict bool
	// Foreign says that the trees are others' and not looked through: a manifest that has the build start programs of its own
	// is an error.
	Foreign     bool
	Compression ptarbuild.Compression
	// Debug builds for a debugger, as gobuild.Options has it.
	Debug bool
	// Notice packs a NOTICE with the licences of the Go modules in the executables, after what the integration's own says.
	Notice bool
	// Image makes an image of the connectors' executables beside each package, in which the manifest then names it in their place.
	Image bool
	// ImageReference is the name of the image, for integrations of one executable; "" names none.
	ImageReference string
	// Jobs is how many platforms are built side by side; 0 means as many as there are CPUs.
	Jobs int
	// CacheDir is the folder in which executables and receipts of packages are kept for the next run; "" keeps nothing and
	// uses nothing. Who can write it decides what is packed.
	CacheDir string
	// Cover builds executables that tell what is reached in them, as go build -cover does. None of them is kept.
	Cover bool
	// Checked, when set, is called for each integration once all are checked and before anything is built.
	Checked func(*Integration)
	// Built, when set, is called for each integration of which building has found something, with those findings, once all
	// packages are made.
	Built func(*Integration, []finding.Finding)
	// Progress, when set, is told of every step of every package. Calls do not overlap.
	Progress func(Step)

	// recorded is the time to pack with, when a package that has one is made again.
	recorded *time.Time
}

// Stage is what is being done to a package.
type Stage string

const (
	Building  Stage = "building"
	Packing   Stage = "packing"
	Verifying Stage = "verifying"
	Done      Stage = "done"
	Failed    Stage = "failed"
)

// Step is the start of a stage of a package, or its end.
type Step struct {
	Stage   Stage
	Package *Package
}

// Package is what became of one platform.
type Package struct {
	// Name is the integration's.
	Name     string              `json:"name"`
	Platform executable.Platform `json:"platform"`
	// File is the path of the package.
	File string `json:"file"`
	// Size of the package, and Unpacked of its files together; bytes.
	Size     int64  `json:"size,omitempty"`
	Unpacked int64  `json:"unpacked,omitempty"`
	SHA256   string `json:"sha256,omitempty"`
	// Executables is how many of Files connectors start.
	Executables int          `json:"executables"`
	Files       []PackedFile `json:"files"`
	// Findings are what verification said of the package.
	Findings []finding.Finding `json:"findings,omitempty"`
	// Prebuilt means that all executables are files that were there already.
	Prebuilt bool `json:"prebuilt"`
	// Cached means that the executables are those of an earlier run, found to be up to date.
	Cached bool `json:"cached"`
	// Unchanged means that the very package was there already, verified by an earlier run, and was left alone.
	Unchanged bool `json:"unchanged"`
	// Image is nil where none is made.
	Image *Image `json:"image,omitempty"`
	// Seconds from the start of the build to the package's name.
	Seconds float64 `json:"seconds"`
	// Err is why there is no package; a *gobuild.BuildError when the compiler refused.
	Err error `json:"-"`
}

// Integration is what Run found and made of one manifest.
type Integration struct {
	// Source has nothing but the manifest's path when that could not be read.
	Source *Source
	// Err is what could not be done, such as finding a version; nothing is made of the integration then.
	Err     error
	Version manifest.Version
	// Time tells where the time in the packages is from.
	Time TimeSource
	// Findings are about the manifest, its tree and what was built of it, sorted. With an error among them nothing is made
	// of the integration.
	Findings []finding.Finding
	// Packages are in the order of the platforms.
	Packages []*Package

	plan   *gobuild.Plan
	tree   *os.Root
	origin origin
}

// ErrOptions is wrapped by the errors of Run about options that do not fit together.
var ErrOptions = errors.New("wrong options")

// Run makes the packages, in the order of the manifests. An integration or a platform that fails does not keep the others
// from being made: it has Err. The error is for what stops all of them. An ended ctx stops everything and leaves nothing
// behind but packages already complete.
func Run(ctx context.Context, opts Options) ([]*Integration, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	integrations, err := readSources(ctx, opts)
	defer func() {
		for _, i := range integrations {
			if i.tree != nil {
				i.tree.Close()
			}
		}
	}()
	if err != nil {
		return nil, err
	}
	if err := planPackages(integrations, opts); err != nil {
		return nil, err
	}
	if opts.Checked != nil {
		for _, i := range integrations {
			opts.Checked(i)
		}
	}
	if needsGo(integrations) {
		if err := gobuild.FindGo(); err != nil {
			return integrations, err
		}
	}
	if opts.DryRun {
		listFiles(integrations, opts)
		return integrations, nil
	}
	return integrations, makePackages(ctx, integrations, opts)
}

// check refuses options that do not fit together, and an environment that asks for an impossible time.
func (o Options) check() error {
	if o.Output != "" && o.OutDir != "" {
		return fmt.Errorf("%w: give an output file or an output folder, not both", ErrOptions)
	}
	if o.Output != "" && (o.All || len(o.Platforms) > 1 || len(o.Manifests) > 1) {
		return fmt.Errorf("%w: one output file is for one package; name a folder for several instead", ErrOptions)
	}
	if o.Output == "-" || strings.HasSuffix(o.Output, "/") || strings.HasSuffix(o.Output, string(filepath.Separator)) {
		return fmt.Errorf("%w: the output %q is no file's name", ErrOptions, o.Output)
	}
	if o.ImageReference != "" && !o.Image {
		return fmt.Errorf("%w: a name for an image is given, and no image is to be made", ErrOptions)
	}
	if o.ImageReference != "" {
		if err := image.CheckReference(o.ImageReference); err != nil {
			return fmt.Errorf("%w: %w", ErrOptions, err)
		}
		if len(o.Manifests) > 1 {
			return fmt.Errorf("%w: one name for the images of %d integrations: take them one by one, or give no name", ErrOptions, len(o.Manifests))
		}
	}
	_, _, err := sourceDateEpoch()
	return err
}
