package create

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/modules"
	"github.com/PlakarKorp/kpkg/internal/scratch"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/remote"
)

// Rebuild makes the package at path again from the source in dir and compares the SHA-256 with sum, the package's as
// verification found it. No findings means that the two are identical; otherwise each finding names a difference, what
// probably caused it first. The version and platform are those of the package's name; its time and compression those it
// records; nothing that an earlier run kept is used. The error is for what could not be done, a package that does not open
// and a source with errors included.
func Rebuild(ctx context.Context, dir, path, sum string) ([]finding.Finding, error) {
	original, err := ptarread.Open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("rebuilding %s: %w", path, err)
	}
	defer original.Close()
	return rebuild(ctx, dir, path, original, sum)
}

func rebuild(ctx context.Context, dir, path string, original *ptarread.Package, sum string) ([]finding.Finding, error) {
	name := remote.Base(path)
	if name == "" {
		return nil, errors.New("rebuilding what is on the standard input: its version and platform are in the name of a file, which it has not")
	}
	identity, err := manifest.ParseFileName(name)
	if err != nil {
		return nil, fmt.Errorf("rebuilding %s: %w", path, err)
	}
	platform, err := executable.ParsePlatform(identity.OS + "/" + identity.Arch)
	if err != nil {
		return nil, fmt.Errorf("rebuilding %s: %w", path, err)
	}
	temporary, err := scratch.Make("rebuild")
	if err != nil {
		return nil, err
	}
	defer temporary.Remove()

	recorded := recordedTime(original)
	imaged, reference, err := recordedImage(ctx, original, dir)
	if err != nil {
		return nil, err
	}
	integrations, err := Run(ctx, Options{
		Manifests: []string{dir}, Version: identity.Version, Platforms: []executable.Platform{platform}, OutDir: temporary.Path,
		Compression: recordedCompression(original), Notice: recordedNotice(original), recorded: &recorded,
		Image: imaged, ImageReference: reference,
	})
	if err != nil {
		return nil, err
	}
	source := integrations[0]
	if source.Err != nil {
		return nil, source.Err
	}
	if finding.HasErrors(source.Findings) {
		return nil, fmt.Errorf("the source in %s has errors (%s): kpkg validate shows them", dir, finding.Tally(source.Findings))
	}
	made := source.Packages[0]
	switch {
	case made.Err != nil:
		return nil, made.Err
	case made.SHA256 == sum:
		return nil, nil
	}
	again, err := ptarread.Open(ctx, made.File)
	if err != nil {
		return nil, fmt.Errorf("comparing: %w", err)
	}
	defer again.Close()
	c := comparison{ctx: ctx, file: path, original: original, again: again}
	return c.compare()
}

// recordedTime is the one time of a package that kpkg made.
func recordedTime(p *ptarread.Package) time.Time {
	entry, _ := p.Entry(manifest.FileName)
	return entry.ModTime.UTC()
}

// recordedNotice tells whether the package has a NOTICE that kpkg has written.
func recordedNotice(p *ptarread.Package) bool {
	entry, err := p.OpenEntry(modules.NoticeName)
	if err != nil {
		return false
	}
	content, err := io.ReadAll(io.LimitReader(entry, maxNotice))
	return err == nil && modules.IsNotice(content)
}

// recordedManifest is the content of the manifest in a package.
func recordedManifest(p *ptarread.Package) ([]byte, error) {
	entry, err := p.OpenEntry(manifest.FileName)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(entry, manifest.MaxSize+1))
}

// recordedImage tells whether kpkg has put an image into the place of an executable of the source in dir, and its name.
func recordedImage(ctx context.Context, p *ptarread.Package, dir string) (imaged bool, reference string, err error) {
	packed, err := recordedManifest(p)
	if err != nil {
		return false, "", fmt.Errorf("rebuilding: %w", err)
	}
	source, err := Validate(ctx, dir, ValidateOptions{NoBuild: true})
	if err != nil {
		return false, "", err
	}
	was := source.Document.Manifest.Connectors
	for i, c := range manifest.Read(manifest.FileName, packed).Manifest.Connectors {
		if c.ImageID != "" && i < len(was) && was[i].Executable != "" && was[i].ImageID == "" {
			return true, c.Image, nil
		}
	}
	return false, "", nil
}

func recordedCompression(p *ptarread.Package) ptarbuild.Compression {
	for _, c := range ptarbuild.Compressions {
		if strings.EqualFold(string(c), p.Info().Compression) {
			return c
		}
	}
	return ptarbuild.DefaultCompression
}
