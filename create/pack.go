package create

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/verify"
)

// errRejected is why a package that does not pass its own verification does not appear.
var errRejected = errors.New("the package does not pass its verification")

// pack writes, verifies and places the package of one platform, whose executables are built.
func (j *job) pack(ctx context.Context, p *Package, built map[string]string) error {
	files, listed, err := j.contents(p.Platform, built)
	if err != nil {
		return err
	}
	p.Files, p.Executables = listed, len(j.plan.Executables)
	write := func(f *os.File) error {
		j.step(p, Packing)
		result, err := ptarbuild.Write(ctx, f, files, ptarbuild.Options{Time: j.time, Compression: j.opts.Compression})
		p.Size, p.Unpacked = result.Size, result.Unpacked
		return err
	}
	judge := func(temporary string) error {
		j.step(p, Verifying)
		report, err := verify.File(ctx, temporary, verify.Options{Name: j.identity(p.Platform).FileName()})
		if err != nil {
			return err
		}
		p.SHA256, p.Findings = report.SHA256, report.Findings
		if finding.HasErrors(report.Findings) {
			return errRejected
		}
		return nil
	}
	return place(ctx, p.File, j.opts.Force, write, judge)
}

// contents lists all that a package for the platform holds; built is nil before the executables are built.
func (j *job) contents(platform gobuild.Platform, built map[string]string) ([]ptarbuild.File, []PackedFile, error) {
	executables, listed, err := executables(j.plan, platform, built)
	if err != nil {
		return nil, nil, err
	}
	files, more, err := otherFiles(j.tree, j.result.Source.Document)
	if err != nil {
		return nil, nil, err
	}
	known := map[string]bool{}
	for _, f := range executables {
		known[f.Name] = true
	}
	for i, f := range files {
		// A file may be both an executable and another connector's extra file.
		if !known[f.Name] {
			executables, listed = append(executables, f), append(listed, more[i])
		}
	}
	sortByName(listed)
	return executables, listed, nil
}

func (j *job) identity(platform gobuild.Platform) manifest.Identity {
	return manifest.Identity{
		Name: j.result.Source.Document.Manifest.Name, Version: j.result.Version.Value, OS: platform.OS, Arch: platform.Arch,
	}
}

// output is the path of the package for the platform.
func (j *job) output(platform gobuild.Platform) string {
	if j.opts.Output != "" {
		return j.opts.Output
	}
	return filepath.Join(j.opts.OutDir, j.identity(platform).FileName())
}

// step tells of a stage that begins.
func (j *job) step(p *Package, stage Stage) {
	if j.opts.Progress == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	step := Step{Platform: p.Platform, Stage: stage}
	if stage == Done || stage == Failed {
		step.Package = p
	}
	j.opts.Progress(step)
}

// finish records how a package ended.
func (j *job) finish(p *Package, begin time.Time, err error) {
	p.Seconds = time.Since(begin).Seconds()
	p.Err = err
	if err != nil {
		j.step(p, Failed)
		return
	}
	j.step(p, Done)
}

// free checks that nothing would be overwritten, before the work of building.
func free(path string, force bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking at the output: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is there and not a regular file", path)
	case !force:
		return exists(path)
	}
	return nil
}
