package create

import (
	"context"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/verify"
)

// VerifyOptions say how to judge packages.
type VerifyOptions struct {
	// Strict makes errors of what upstream's newer validator refuses.
	Strict bool
	// Client, when it is not empty, is the line of plakar's releases that must be able to use the packages.
	Client string
	// Image is the archive with the images of the package, of which there is one then; "" is the one beside each.
	Image string
	// Source, when it is not empty, is the folder of an integration: each package that passes is made again from it, and
	// the two must be the same.
	Source string
}

// Verified is what Verify says of one package.
type Verified struct {
	// Path is the package's.
	Path string
	// Report is nil when the package could not be judged. Of one that was to be made again and could not be, it is there.
	Report *verify.Report
	// Err is what could not be done.
	Err error
}

// Verify judges packages, some side by side, and, with a source, holds them to it. What cannot be done with one does not keep the others
// from being judged. The error is that of ctx, with the packages judged so far.
func Verify(ctx context.Context, paths []string, opts VerifyOptions) ([]Verified, error) {
	all := make([]*Verified, len(paths))
	var judging errgroup.Group
	judging.SetLimit(sideBySide(opts))
	for n, path := range paths {
		judging.Go(func() error {
			if ctx.Err() == nil {
				if one := verifyOne(ctx, path, opts); ctx.Err() == nil {
					all[n] = &one
				}
			}
			return context.Cause(ctx)
		})
	}
	err := judging.Wait()
	var judged []Verified
	for _, one := range all {
		if one != nil {
			judged = append(judged, *one)
		}
	}
	return judged, err
}

// sideBySide is how many packages are judged at once. Each is read by several processors, but not from its beginning to its end; what more
// would take is memory. One that is made again has them all.
func sideBySide(opts VerifyOptions) int {
	if opts.Source != "" {
		return 1
	}
	return max(2, min(8, runtime.NumCPU()))
}

func verifyOne(ctx context.Context, path string, opts VerifyOptions) Verified {
	one := Verified{Path: path}
	judge := verify.Options{Strict: opts.Strict, Client: opts.Client, Image: opts.Image}
	one.Report, one.Err = verify.FileAnd(ctx, path, judge, func(r io.ReaderAt, size int64, report *verify.Report) error {
		if opts.Source == "" || finding.HasErrors(report.Findings) {
			return nil
		}
		return rebuildInto(ctx, opts.Source, path, r, size, report)
	})
	return one
}

// rebuildInto makes a package again, as one more check of its report.
func rebuildInto(ctx context.Context, source, path string, r io.ReaderAt, size int64, report *verify.Report) error {
	original, err := ptarread.New(ctx, r, size)
	if err != nil {
		return fmt.Errorf("rebuilding %s: %w", path, err)
	}
	differences, err := rebuild(ctx, source, path, original, report.SHA256)
	if err != nil {
		return err
	}
	report.Findings = append(report.Findings, differences...)
	finding.Sort(report.Findings)
	report.Checks = append(report.Checks,
		verify.Check{ID: "rebuild", Count: len(report.Files), Unit: "files", Findings: differences})
	return nil
}

// VerifyReport is the report of packages that were judged. err is the error of Verify.
func VerifyReport(judged []Verified, err error) *finding.Report {
	var packages []*verify.Report
	for _, one := range judged {
		if one.Report != nil {
			packages = append(packages, one.Report)
		}
	}
	report := verify.Combined(packages)
	for _, one := range judged {
		if one.Err != nil {
			report.Fail(one.Path, one.Err)
		}
	}
	if err != nil {
		report.Fail("", err)
	}
	return report
}
