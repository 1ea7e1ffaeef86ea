package try

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/verify"
)

// RejectedError is why a package or a manifest is not tried: it has findings of severity error.
type RejectedError struct {
	Path     string
	Findings []finding.Finding
}

func (e *RejectedError) Error() string { return e.Path + " has errors" }

// integration is an unpacked package.
type integration struct {
	dir      string
	manifest manifest.Manifest
}

// open unpacks the package at path into the folder scratch; one that is made of the manifest at path first, when path is
// a manifest or a folder.
func open(ctx context.Context, path, scratch string, stage func(Stage)) (*integration, error) {
	if isManifest(path) {
		stage(Building)
		built, err := build(ctx, path, filepath.Join(scratch, "built"))
		if err != nil {
			return nil, err
		}
		path = built // which create has verified
	} else {
		stage(Verifying)
		if err := check(ctx, path); err != nil {
			return nil, err
		}
	}
	dir := filepath.Join(scratch, "package")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making a folder for the package: %w", err)
	}
	pkg, err := ptarread.Open(path)
	if err != nil {
		return nil, err
	}
	defer pkg.Close()
	if err := pkg.Extract(ctx, dir); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(dir, create.ManifestName))
	if err != nil {
		return nil, fmt.Errorf("reading the manifest of %s: %w", path, err)
	}
	return &integration{dir, manifest.Read(create.ManifestName, data).Manifest}, nil
}

func isManifest(path string) bool {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return true
	}
	return filepath.Ext(path) == filepath.Ext(create.ManifestName)
}

// build makes the package of a manifest for this machine and returns its path.
func build(ctx context.Context, path, dir string) (string, error) {
	// The version is in the package's name only, which nobody will see: no tag is needed for a try.
	integrations, err := create.Run(ctx, create.Options{Manifests: []string{path}, Version: "v0.0.0", OutDir: dir})
	if err != nil {
		return "", err
	}
	made := integrations[0]
	if finding.HasErrors(made.Findings) {
		return "", &RejectedError{path, made.Findings}
	}
	if err := made.Packages[0].Err; err != nil {
		return "", fmt.Errorf("making the package of %s: %w", path, err)
	}
	return made.Packages[0].File, nil
}

// check refuses a package that does not verify, or that is for another platform.
func check(ctx context.Context, path string) error {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no package or manifest at %s", path)
	}
	report, err := verify.File(ctx, path, verify.Options{})
	if err != nil {
		return err
	}
	if finding.HasErrors(report.Findings) {
		return &RejectedError{path, report.Findings}
	}
	its, here := gobuild.Platform{OS: report.OS, Arch: report.Arch}, gobuild.Host()
	if its != here {
		return fmt.Errorf("%s is a package for %s, this machine is %s", path, its, here)
	}
	return nil
}
