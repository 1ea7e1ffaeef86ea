package create

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/google/uuid"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/internal/sha256sum"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/verify"
)

// ErrRejected is why a package that does not pass its own verification does not appear; its Findings say more.
var ErrRejected = errors.New("the package does not pass its verification")

// pack writes, verifies and places the package of one platform, whose executables are built.
func (r *run) pack(ctx context.Context, i *Integration, p *Package, built map[string]string) error {
	files, listed, err := i.contents(p.Platform, built)
	if err != nil {
		return err
	}
	p.Files, p.Executables = listed, len(i.plan.Executables)
	content, err := ptarbuild.New(ctx, files, ptarbuild.Options{Time: i.moment.time, Compression: r.opts.Compression})
	if err != nil {
		return err
	}
	p.Unpacked = content.Unpacked
	name := i.identity(p.Platform).FileName()
	if r.unchanged(ctx, p, name, content.RepositoryID) {
		return nil
	}
	write := func(temporary string) error {
		r.step(p, Packing)
		// Not 0600: whom the umask lets read it may install it.
		f, err := os.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			return fmt.Errorf("making a temporary file for %s: %w", p.File, err)
		}
		p.Size, err = content.Write(ctx, f)
		return errors.Join(err, f.Close())
	}
	judge := func(temporary string) error {
		r.step(p, Verifying)
		report, err := verify.File(ctx, temporary, verify.Options{Name: name, Strict: r.opts.Strict})
		if err != nil {
			return err
		}
		p.SHA256, p.Findings = report.SHA256, report.Findings
		if finding.HasErrors(report.Findings) {
			return ErrRejected
		}
		return nil
	}
	if err := place.File(ctx, p.File, r.opts.Force, write, judge); err != nil {
		return err
	}
	r.receipts.put(content.RepositoryID, receipt{Name: name, Strict: r.opts.Strict, SHA256: p.SHA256, Findings: p.Findings})
	return nil
}

// unchanged reports whether the package at its place is the very one that would be written: then it is left alone.
func (r *run) unchanged(ctx context.Context, p *Package, name string, id uuid.UUID) bool {
	known, ok := r.receipts.get(id)
	if !ok || known.Name != name || known.Strict != r.opts.Strict {
		return false
	}
	sum, size, err := sha256sum.File(ctx, p.File)
	if err != nil || sum != known.SHA256 {
		return false
	}
	p.Unchanged, p.Size, p.SHA256, p.Findings = true, size, sum, known.Findings
	return true
}

// contents lists all that a package for the platform holds; built is nil before the executables are built.
func (i *Integration) contents(platform executable.Platform, built map[string]string) ([]ptarbuild.File, []PackedFile, error) {
	executables, listed, err := i.executables(platform, built)
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
	var total int64
	for _, f := range listed {
		if f.Size > ptarread.MaxFile {
			return nil, nil, fmt.Errorf("%s is %d bytes, and a file of a package holds at most %d", f.Name, f.Size, int64(ptarread.MaxFile))
		}
		total += max(f.Size, 0)
	}
	if total > ptarread.MaxUnpacked {
		return nil, nil, fmt.Errorf("the files are %d bytes together, and a package holds at most %d", total, int64(ptarread.MaxUnpacked))
	}
	return executables, listed, nil
}
