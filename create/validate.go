// Package create makes packages from the source tree of an integration: validate, build, pack, verify, put in place.
//
// A package appears under its final name only after it has verified; whatever happens before leaves nothing there. The
// package decides nothing that another one decides: it hands what one says to the next.
package create

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/internal/interruptible"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/suggest"
	"github.com/PlakarKorp/kpkg/manifest"
)

// ValidateOptions say how strictly to judge, and how much.
type ValidateOptions struct {
	// Strict makes errors of what upstream's newer validator refuses, and of programs that the manifest has the build start.
	Strict bool
	// Foreign makes errors of the programs alone.
	Foreign bool
	// ManifestOnly leaves out what needs the source tree around the manifest: its files and main packages.
	ManifestOnly bool
	// NoBuild takes the executables as files that are there, or will be, and looks for no main packages.
	NoBuild bool
	// Fix repairs what is mechanical before the manifest is judged, in memory; with WriteFixed in the file, too.
	Fix, WriteFixed bool
	// Stdin is where the manifest at the path "-" is read from.
	Stdin io.Reader
}

// Source is an integration's manifest and what is to be built for it.
type Source struct {
	Document *manifest.Document
	// Dir is the folder of the manifest.
	Dir string
	// Plan is nil when only the manifest was looked at.
	Plan *gobuild.Plan
	// Findings are sorted, without the Silenced ones that the manifest's build.ignore leaves out.
	Findings []finding.Finding
	Silenced int
	// Fixed is what was repaired; nil if nothing was, or was to be.
	Fixed *Fixed
}

// Validated is what came of validating one of several manifests.
type Validated struct {
	Path   string
	Source *Source // nil with an Err
	Err    error   // why it could not be read
}

// ValidateAll validates manifests. The error is that of ctx.
func ValidateAll(ctx context.Context, paths []string, opts ValidateOptions) ([]Validated, error) {
	all := make([]Validated, len(paths))
	var validating errgroup.Group
	validating.SetLimit(runtime.NumCPU())
	if opts.WriteFixed { // two paths may lead to one manifest
		validating.SetLimit(1)
	}
	for i, path := range paths {
		validating.Go(func() error {
			source, err := Validate(ctx, path, opts)
			all[i] = Validated{path, source, err}
			return context.Cause(ctx)
		})
	}
	if err := validating.Wait(); err != nil {
		return nil, err
	}
	return all, nil
}

// Validate reads the manifest at path, or manifest.yaml in the folder at path, and judges it and the tree around it; that at
// "-" is read from the options' Stdin and judged as that of the current folder.
// The error is about reading only; a manifest that is wrong has findings.
func Validate(ctx context.Context, path string, opts ValidateOptions) (*Source, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	source, err := read(ctx, path, opts.Stdin)
	if err != nil {
		return nil, err
	}
	if opts.Fix {
		if err := source.fix(ctx, opts.WriteFixed); err != nil {
			return nil, err
		}
	}
	check := manifest.CheckOptions{Strict: opts.Strict}
	if opts.ManifestOnly {
		source.Findings, err = source.Document.Check(ctx, check)
		source.Findings = append(source.Findings, source.Document.NameFindings(nil)...)
		source.silence()
		return source, err
	}
	tree, err := os.OpenRoot(source.Dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of %s: %w", path, err)
	}
	defer tree.Close()
	check.Tree = regular.FS(tree)
	if source.Findings, err = source.Document.Check(ctx, check); err != nil {
		return nil, err
	}
	named := namedFiles(source.Document)
	shown, findings := shownFiles(tree, source.Dir, named)
	if opts.Strict {
		findings = append(findings, missingReadme(source.Dir, shown, named)...)
	}
	source.Findings = slices.Concat(source.Findings, findings, source.Document.NameFindings(shown))
	if opts.NoBuild {
		source.Plan = gobuild.ResolveFiles(source.Dir, source.Document)
	} else {
		plan, findings, err := gobuild.Resolve(ctx, source.Dir, source.Document)
		if err != nil {
			return nil, err
		}
		source.Plan = plan
		source.Findings = append(source.Findings, findings...)
	}
	source.silence()
	if !opts.NoBuild {
		// After what the manifest wants silenced: it is not for the tree to say what those who build it are told of this.
		source.Findings = append(source.Findings, checkPrograms(source, opts)...)
		finding.Sort(source.Findings)
	}
	return source, nil
}

// silence does what the manifest says of findings that its author does not want.
func (s *Source) silence() {
	s.Findings = append(s.Findings, checkIgnored(s.Document)...)
	s.Findings, s.Silenced = s.Document.Silence(s.Findings)
	finding.Sort(s.Findings)
}

// checkPrograms warns of the programs that the manifest has the build start, and refuses those of a stranger's.
func checkPrograms(source *Source, opts ValidateOptions) []finding.Finding {
	findings := gobuild.CheckPrograms(source.Document)
	for i := range findings {
		if opts.Strict || opts.Foreign {
			findings[i].Severity = finding.Error
		}
		if opts.Foreign {
			findings[i].Hint = "the tree is a stranger's: look at what it would start, and give --allow-programs if that is as it should be"
		}
	}
	return findings
}

func read(ctx context.Context, path string, stdin io.Reader) (*Source, error) {
	if path == "-" && stdin != nil {
		data, err := interruptible.Read(ctx, func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil }, manifest.MaxSize+1)
		if err != nil {
			return nil, fmt.Errorf("reading the manifest from the standard input: %w", err)
		}
		return &Source{Document: manifest.Read("<stdin>", data), Dir: "."}, nil
	}
	if path == "" {
		return nil, errors.New("the manifest's path is empty: name the integration's manifest.yaml or its folder")
	}
	if strings.Contains(path, "://") {
		return nil, fmt.Errorf("%s is an address: get the source of the integration first", path)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, manifest.FileName)
	}
	switch ext := filepath.Ext(path); ext {
	case "", ".yaml", ".yml":
	case manifest.Extension:
		return nil, fmt.Errorf("%s is a package or a data file, not a manifest: kpkg verify judges packages", path)
	default:
		return nil, fmt.Errorf("%s is no manifest: name the integration's %s, or its folder", path, manifest.FileName)
	}
	// One byte more than manifest.Read looks into, so that it can tell that there is more.
	data, err := regular.Read(path, manifest.MaxSize+1)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing(path)
	}
	if err != nil {
		var named *fs.PathError
		if errors.As(err, &named) {
			return nil, fmt.Errorf("cannot read the manifest %s: %w", path, named.Err)
		}
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	return &Source{Document: manifest.Read(path, data), Dir: filepath.Dir(path)}, nil
}

// missing says that there is no manifest at path, and where there is one that may be meant.
func missing(path string) error {
	dir := filepath.Dir(path)
	if target, err := os.Readlink(path); err == nil {
		return fmt.Errorf("no manifest at %s: it is a link to %s, and nothing is there", path, target)
	}
	if strings.ContainsAny(path, "*?[") {
		return fmt.Errorf("no file matches %s", path)
	}
	for _, other := range []string{"manifest.yml", "Manifest.yaml", "manifest.json", "manifest.yaml.txt"} {
		other = filepath.Join(dir, other)
		if _, err := os.Stat(other); err == nil {
			return fmt.Errorf("no manifest at %s, but there is %s: rename it, plakar knows only %s", path, other, manifest.FileName)
		}
	}
	if filepath.Base(path) == manifest.FileName {
		for _, pattern := range []string{"*", filepath.Join("*", "*")} {
			below, _ := filepath.Glob(filepath.Join(dir, pattern, manifest.FileName))
			if len(below) > 0 {
				return fmt.Errorf("no manifest at %s, but there is %s: name that", path, below[0])
			}
		}
	}
	if hint := suggest.Beside(path); hint != "" {
		return fmt.Errorf("no manifest at %s%s", path, hint)
	}
	return fmt.Errorf("no manifest at %s: name the integration's manifest.yaml, or run kpkg in its folder", path)
}

// Content returns the text of a file that the findings name, for showing the lines they are about; nil when there is none
// to show.
func (s *Source) Content(file string) []byte {
	if file == s.Document.File {
		return s.Document.Raw
	}
	const maxContent = 1 << 20 // bytes of a file that are shown from; what findings point into is smaller
	data, err := regular.Read(file, maxContent)
	if err != nil {
		return nil
	}
	return data
}
