// Package verify judges a finished package: whether plakar installs and can use it, and whether a stranger may trust it
// with a disk.
//
// It looks at the package alone, never at the tree that it was made from, starts nothing that is in it and extracts
// nothing. Whatever the file is, the answer is a list of findings; an error means that the caller ended the check. What
// "plakar pkg add" demands of a file is an error here.
//
// It does not say who made the package: only a signature does.
package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/internal/sha256sum"
	"github.com/PlakarKorp/kpkg/internal/suggest"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/remote"
)

// Options say how strictly a package is judged.
type Options struct {
	// Name is the file name that the package is judged under, when it is not that of its path: a package that is about to
	// be renamed. Findings call the package by it.
	Name string
	// Strict makes errors of what plakar's next validator refuses; they are warnings otherwise.
	Strict bool
	// Image is the path of the archive with the images of the package's connectors; "" is the one beside a package on disk, if
	// there is one. Containers says that they are there, and looks for none.
	Image      string
	Containers bool
	// Client is the name of the line of plakar's releases that must be able to use the package, "" for none in particular.
	Client string
}

// checks are all families of checks, in the order in which they run and are reported.
var checks = []struct {
	id, unit string
	// inside means that the check looks into the package, so that there is nothing to do for one that does not open.
	inside bool
	// run returns how many units it has looked at.
	run func(*verifier) (int, error)
}{
	{"name", "file name", false, (*verifier).checkName},
	{"integrity", "blobs", true, (*verifier).checkIntegrity},
	{"encoding", "properties", true, (*verifier).checkEncoding},
	{"manifest", "connectors", true, (*verifier).checkManifest},
	{"executables", "executables", true, (*verifier).checkExecutables},
	{"images", "images", true, (*verifier).checkImages},
	{"listed", "files", true, (*verifier).checkListed},
	{"modes", "entries", true, (*verifier).checkModes},
	{"paths", "entries", true, (*verifier).checkPaths},
	{"sizes", "files", true, (*verifier).checkSizes},
	{"privacy", "facts", true, (*verifier).checkPrivacy},
	{"clients", "clients", true, (*verifier).checkClients},
}

// verifier is the state of judging one package.
type verifier struct {
	ctx    context.Context
	opts   Options
	report *Report

	// pkg is nil when the file does not open as a package.
	pkg *ptarread.Package
	// foreign means that the file is something else than a package, damaged that what it holds is not to be judged.
	foreign, damaged bool
	// doc is nil when the package has no manifest.
	doc *manifest.Document
	// ofManifest are the findings on it, relaxed all findings as they are when Options.Strict is not set.
	ofManifest, relaxed []finding.Finding
	// identity is nil when the file name is none of a package, platform when it names no platform that Go knows.
	identity *manifest.Identity
	platform *executable.Platform
	// archive is the one of the images, nil if none is there or wanted.
	archive *image.Archive
}

// File judges the package at path, which may also be a URL or "-" as remote.Open takes them. It is opened once, so that the
// report's SHA256 is that of the bytes judged whatever becomes of the name meanwhile. The error is that of ctx, or a failure to
// read the file; one that is not there wraps fs.ErrNotExist.
func File(ctx context.Context, path string, opts Options) (*Report, error) {
	return FileAnd(ctx, path, opts, func(io.ReaderAt, int64, *Report) error { return nil })
}

// FileAnd is File, and then has use read the very bytes that were judged. The report is there after an error of use, too.
func FileAnd(ctx context.Context, path string, opts Options, use func(r io.ReaderAt, size int64, report *Report) error) (*Report, error) {
	opts.Name = cmp.Or(opts.Name, path)
	opts.Image = cmp.Or(opts.Image, ImageBeside(path))
	file, size, err := ptarread.OpenFile(ctx, path)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var problem *ptarread.Problem
	if err != nil && !errors.As(err, &problem) {
		return nil, unreadable(path, err)
	}
	if err != nil {
		v := newVerifier(ctx, opts)
		v.problem(*problem)
		return v.conclude(v.run())
	}
	defer file.Close()
	report, err := Reader(ctx, file, size, opts)
	if err != nil {
		return nil, err
	}
	return report, use(file, size, report)
}

// ImageBeside is the archive of images beside the package at path; "" if there is none.
func ImageBeside(path string) string {
	beside := image.Beside(path)
	if _, err := os.Lstat(beside); err != nil || path == "-" || remote.Is(path) {
		return ""
	}
	return beside
}

// Reader is File for a package of size bytes that r holds, named in the options: for those who use what was judged.
func Reader(ctx context.Context, r io.ReaderAt, size int64, opts Options) (*Report, error) {
	v := newVerifier(ctx, opts)
	v.report.Size = size
	// A file that is no ptar is told by its first bytes: it is not worth hashing.
	if isPtar, err := v.open(r, size); err != nil || !isPtar {
		if err == nil {
			err = v.run()
		}
		return v.conclude(err)
	}
	group, ctx := errgroup.WithContext(ctx)
	v.ctx = ctx
	group.Go(func() (err error) {
		v.report.SHA256, _, err = sha256sum.Of(ctx, io.NewSectionReader(r, 0, size))
		return err
	})
	group.Go(v.run)
	return v.conclude(group.Wait())
}

// unreadable says why there is nothing to judge.
func unreadable(path string, err error) error {
	switch {
	case path == "":
		return notThere("the package's path is empty")
	case remote.Is(path):
		return fmt.Errorf("verify %s: %w", path, err)
	case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(path, "*?"):
		return notThere("no file matches " + path)
	case errors.Is(err, fs.ErrNotExist) && strings.Contains(path, "://"):
		return notThere(path + " is the address of no web server: download the package first")
	case errors.Is(err, fs.ErrNotExist):
		return notThere("no package at " + path + suggest.Beside(path))
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("you may not read %s: %w", path, fs.ErrPermission)
	}
	return err
}

// notThere is an fs.ErrNotExist in the words of a user.
type notThere string

func (e notThere) Error() string   { return string(e) }
func (notThere) Is(err error) bool { return err == fs.ErrNotExist }

func newVerifier(ctx context.Context, opts Options) *verifier {
	return &verifier{ctx: ctx, opts: opts, report: newReport(opts.Name)}
}

// conclude gives the report unless the checks ended with an error.
func (v *verifier) conclude(err error) (*Report, error) {
	if v.archive != nil {
		v.archive.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", v.opts.Name, err)
	}
	finding.Sort(v.report.Findings)
	return v.report, nil
}

// open opens the package, or reports why it does not open; the error is that of an ended context.
func (v *verifier) open(r io.ReaderAt, size int64) (isPtar bool, err error) {
	pkg, err := ptarread.New(v.ctx, r, size)
	if v.ctx.Err() != nil {
		return false, context.Cause(v.ctx)
	}
	if err != nil {
		var problem *ptarread.Problem
		if !errors.As(err, &problem) {
			return false, err
		}
		v.problem(*problem)
		return problem.Kind != ptarread.NotPackage, nil
	}
	v.pkg = pkg
	v.describe()
	if !v.pkg.Somewhere(manifest.FileName) {
		v.foreign = true
		v.noManifest()
	}
	return true, nil
}

// run does the checks that can be done.
func (v *verifier) run() error {
	v.report.opening = slices.Clone(v.report.Findings)
	for _, check := range checks {
		// What is no package has no package's faults, and what is damaged is not worth a look inside.
		if check.inside && (v.pkg == nil || v.foreign || v.damaged) {
			continue
		}
		before := len(v.report.Findings)
		count, err := v.survive(check.id, check.run)
		if err != nil {
			return err
		}
		v.report.Checks = append(v.report.Checks, Check{
			ID: check.id, Count: count, Unit: check.unit, Findings: slices.Clone(v.report.Findings[before:]),
		})
	}
	v.proposeName()
	return nil
}

// survive runs a check and makes a finding of a panic: what a parser cannot stand is nothing to install.
func (v *verifier) survive(id string, run func(*verifier) (int, error)) (count int, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			v.errorf("package-check", "do not install it, and report it to kpkg", "the check %s broke on it: %v", id, reason)
		}
	}()
	return run(v)
}

func (v *verifier) add(severity finding.Severity, rule, hint, message string) {
	v.report.Findings = append(v.report.Findings, finding.Finding{
		Rule: rule, Severity: severity, File: v.report.File, Message: message, Hint: hint,
	})
}

func (v *verifier) errorf(rule, hint, format string, args ...any) {
	v.add(finding.Error, rule, hint, finding.Sprintf(format, args...))
}

func (v *verifier) warningf(rule, hint, format string, args ...any) {
	v.add(finding.Warning, rule, hint, finding.Sprintf(format, args...))
}

// inside is what findings call a file of the package, as if the package were a folder.
func (v *verifier) inside(name string) string {
	return filepath.ToSlash(v.report.File) + "/" + name
}

// files are the regular files of the package.
func (v *verifier) files() []ptarread.Entry {
	var files []ptarread.Entry
	for _, e := range v.pkg.Entries() {
		if e.Mode.IsRegular() {
			files = append(files, e)
		}
	}
	return files
}

// read returns a small file of the package, nil when there is none.
func (v *verifier) read(name string, limit int64) ([]byte, error) {
	file, err := v.pkg.FS().Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(file, limit))
}
