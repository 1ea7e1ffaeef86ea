package create

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/verify"
)

// errRejected is why a package that does not pass its own verification does not appear.
var errRejected = errors.New("the package does not pass its verification")

// pack writes, verifies and places the package of one platform, whose executables are built.
func (r *run) pack(ctx context.Context, i *Integration, p *Package, built map[string]string) error {
	files, listed, err := i.contents(p.Platform, built)
	if err != nil {
		return err
	}
	p.Files, p.Executables = listed, len(i.plan.Executables)
	write := func(f *os.File) error {
		r.step(p, Packing)
		result, err := ptarbuild.Write(ctx, f, files, ptarbuild.Options{Time: i.time, Compression: r.opts.Compression})
		p.Size, p.Unpacked = result.Size, result.Unpacked
		return err
	}
	judge := func(temporary string) error {
		r.step(p, Verifying)
		report, err := verify.File(ctx, temporary, verify.Options{Name: i.identity(p.Platform).FileName()})
		if err != nil {
			return err
		}
		p.SHA256, p.Findings = report.SHA256, report.Findings
		if finding.HasErrors(report.Findings) {
			return errRejected
		}
		return nil
	}
	return place(ctx, p.File, r.opts.Force, write, judge)
}

// contents lists all that a package for the platform holds; built is nil before the executables are built.
func (i *Integration) contents(platform gobuild.Platform, built map[string]string) ([]ptarbuild.File, []PackedFile, error) {
	executables, listed, err := executables(i.plan, platform, built)
	if err != nil {
		return nil, nil, err
	}
	files, more, err := otherFiles(i.tree, i.Source.Document)
	if err != nil {
		return nil, nil, err
	}
	known := map[string]bool{}
	for _, f := range executables {
		known[f.Name] = true
	}
	for n, f := range files {
		// A file may be both an executable and another connector's extra file.
		if !known[f.Name] {
			executables, listed = append(executables, f), append(listed, more[n])
		}
	}
	sortByName(listed)
	return executables, listed, nil
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
