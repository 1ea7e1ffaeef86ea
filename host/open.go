package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/suggest"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/remote"
	"github.com/PlakarKorp/kpkg/verify"
)

// anyVersion is for packages that nobody keeps, of sources that may have no version yet.
const anyVersion = "v0.0.0"

// Integration is an unpacked integration.
type Integration struct {
	// Dir is the folder with what is in the package.
	Dir string
	// Package is the file name of the package, or the manifest that one was built from, as the user named it.
	Package string
	// Manifest is the package's.
	Manifest manifest.Manifest
	// Emulator is the path of the program that runs its executables; "" if they run without.
	Emulator string
	// Containers says what makes those that its connectors run in; "" if they run without.
	Containers string

	images map[string]unpackedImage // by their IDs
}

// RejectedError is why an integration is not unpacked: its findings have errors.
type RejectedError struct {
	Path     string
	Findings []finding.Finding
}

func (e *RejectedError) Error() string {
	return fmt.Sprintf("%s has errors: %s", e.Path, finding.Tally(e.Findings))
}

// absent goes on from what is said of a path at which nothing is.
func absent(path string) string {
	switch {
	case remote.Is(path):
		return ""
	case strings.Contains(path, "://"):
		return ", which is the address of no web server: download the package first"
	}
	return suggest.Beside(path)
}

// Building says how the package of a source is made, and what runs a package.
type Building struct {
	// CacheDir is the folder in which building keeps what saves work to the next time; "" keeps nothing.
	CacheDir string
	// Debug builds executables for a debugger: not stripped, not optimised. A package cannot be opened with it.
	Debug bool
	// Emulator runs packages of other architectures.
	Emulator Emulator
}

// Open unpacks the package at path, a URL, or "-" as remote.Open takes them, or the package made of the manifest or the folder at
// path, into dir, which must be there and empty, and is so again after an error. The error is a *RejectedError if there are
// findings of severity error, and wraps an *ElsewhereError if the package does not run here.
func Open(ctx context.Context, path, dir string, building Building) (_ *Integration, err error) {
	built, unpacked := filepath.Join(dir, "built"), filepath.Join(dir, "unpacked")
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(built), os.RemoveAll(unpacked))
			images, _ := filepath.Glob(filepath.Join(dir, "image*"))
			for _, image := range images {
				err = errors.Join(err, os.RemoveAll(image))
			}
		}
	}()
	packed := path
	if IsSource(path) {
		if packed, err = build(ctx, path, built, building); err != nil { // which verifies it
			return nil, err
		}
	} else if building.Debug {
		return nil, fmt.Errorf("%s is a package: executables for a debugger are built from a source tree", path)
	}
	file, size, err := ptarread.OpenFile(ctx, packed)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no package or manifest at %s%s", path, absent(path))
	}
	if err != nil {
		return nil, err
	}
	defer func() { file.Close() }()
	emulator := ""
	if packed == path {
		var its target
		if file, its, err = judged(ctx, file, size, path); err != nil {
			return nil, err
		}
		if emulator, err = its.emulator(building.Emulator); err != nil {
			return nil, fmt.Errorf("%s cannot be run: %w", path, err)
		}
	}
	pkg, err := ptarread.New(ctx, file, size)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	if err := os.Mkdir(unpacked, 0o700); err != nil {
		return nil, fmt.Errorf("unpacking %s: %w", path, err)
	}
	if err := pkg.Extract(ctx, unpacked); err != nil {
		return nil, fmt.Errorf("unpacking %s: %w", path, err)
	}
	data, err := regular.Read(filepath.Join(unpacked, manifest.FileName), manifest.MaxSize+1)
	if err != nil {
		return nil, fmt.Errorf("reading the manifest of %s: %w", path, err)
	}
	opened := &Integration{
		Dir: unpacked, Package: path, Manifest: manifest.Read(manifest.FileName, data).Manifest, Emulator: emulator,
	}
	return opened, opened.unpackImages(ctx, dir)
}

// IsSource tells a folder or a manifest, of which a package is built, from a package.
func IsSource(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir() || filepath.Ext(path) == filepath.Ext(manifest.FileName)
}

// build makes the package of a source for this machine and returns its path.
func build(ctx context.Context, path, dir string, building Building) (string, error) {
	integrations, err := create.Run(ctx, create.Options{
		Manifests: []string{path}, Version: anyVersion, OutDir: dir,
		CacheDir: building.CacheDir, Debug: building.Debug, Cover: os.Getenv(coverVariable) != "",
		Compression: "lz4", // the quickest: nobody keeps the package
	})
	if err != nil {
		return "", err
	}
	made := integrations[0]
	if finding.HasErrors(made.Findings) {
		return "", &RejectedError{path, made.Findings}
	}
	if made.Err != nil {
		return "", made.Err
	}
	if found := made.Packages[0].Findings; finding.HasErrors(found) {
		return "", &RejectedError{path, found}
	}
	if err := made.Packages[0].Err; err != nil {
		return "", fmt.Errorf("making the package of %s: %w", path, err)
	}
	return made.Packages[0].File, nil
}

// target is what a package is for: a platform, and clients that run containers if images serve its connectors.
type target struct {
	executable.Platform
	contained bool
}

// emulator is what runs the package here, "" if it runs without.
func (t target) emulator(wanted Emulator) (string, error) {
	program, err := wanted.program(t.Platform)
	if t.contained && (program != "" || err != nil) {
		return "", &ElsewhereError{t.Platform, "its connectors are in images, and containers run executables of this machine alone, " +
			"without an emulator"}
	}
	return program, err
}

// judged is a copy of the file of a package, which it closes, and has passed its checks: what is unpacked is then what was
// judged, whoever writes to the file meanwhile or takes its name. What is no package, or too large for one, is not copied.
func judged(ctx context.Context, file remote.Input, size int64, path string) (own remote.Input, its target, err error) {
	if _, err := ptarread.New(ctx, file, size); err != nil || size > ptarread.MaxUnpacked {
		its, checked := check(ctx, file, size, path)
		return file, its, cmp.Or(checked, err, fmt.Errorf("%s is too large for a package", path))
	}
	if !remote.Is(path) { // of which file is a copy already
		// Not more than it had when it was opened, even if it grows.
		if own, err = remote.Keep(ctx, file); err != nil {
			return file, its, fmt.Errorf("copying %s: %w", path, err)
		}
		file = own
	}
	its, err = check(ctx, file, size, path)
	return file, its, err
}

// check refuses a package that does not verify, and tells what it is for.
func check(ctx context.Context, file io.ReaderAt, size int64, path string) (target, error) {
	report, err := verify.Reader(ctx, file, size, verify.Options{Name: path, Image: verify.ImageBeside(path)})
	if err != nil {
		return target{}, err
	}
	its := target{executable.Platform{OS: report.OS, Arch: report.Arch}, report.Images != nil}
	if remote.Base(path) == "" && len(report.Executables) > 0 { // there is no name that says it
		its.OS, its.Arch = report.Executables[0].OS, report.Executables[0].Arch
	}
	if finding.HasErrors(report.Findings) {
		return its, &RejectedError{path, report.Findings}
	}
	return its, nil
}
