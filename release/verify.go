package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/sha256sum"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/remote"
	"github.com/PlakarKorp/kpkg/verify"
)

// Verify judges packages as create.Verify does and, given keys, their sums and signatures. Files that are no packages by
// their names, such as a recipe, are held to their sum and signature alone.
func Verify(ctx context.Context, paths []string, opts create.VerifyOptions, trust Trust) ([]create.Verified, error) {
	if len(trust.Keys) == 0 {
		return create.Verify(ctx, paths, opts)
	}
	if slices.Contains(paths, remote.StandardInput) {
		return nil, errors.New("what comes on the standard input has no signature beside it: name a file or a URL")
	}
	var packages []string
	others := make([]bool, len(paths))
	for n, path := range paths {
		if others[n] = isOther(path); !others[n] {
			packages = append(packages, path)
		}
	}
	judged, err := create.Verify(ctx, packages, opts)
	if err != nil {
		return judged, err
	}
	var all []create.Verified
	for n, path := range paths {
		one := create.Verified{Path: path}
		if others[n] {
			one.Report, one.Err = otherFile(ctx, path)
		} else {
			one, judged = judged[0], judged[1:]
		}
		if ctx.Err() != nil {
			return all, context.Cause(ctx)
		}
		if one.Report != nil && one.Report.SHA256 != "" {
			one.Err = errors.Join(one.Err, trust.add(ctx, path, one.Report))
		}
		all = append(all, one)
	}
	return all, nil
}

// isOther tells a file that does not claim to be a package.
func isOther(path string) bool {
	if remote.Is(path) {
		return !strings.HasSuffix(remote.Base(path), manifest.Extension)
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && !strings.HasSuffix(path, manifest.Extension)
}

// otherFile is the report on a file of which nothing is known.
func otherFile(ctx context.Context, path string) (*verify.Report, error) {
	in, size, err := ptarread.OpenInput(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", path, err)
	}
	defer in.Close()
	sum, _, err := sha256sum.Of(ctx, io.NewSectionReader(in, 0, size))
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", path, err)
	}
	return verify.Unopened(path, sum, size), nil
}

// add judges sum and signature as one more check of a file's report.
func (t Trust) add(ctx context.Context, path string, report *verify.Report) error {
	beside := BesideFile(path)
	if remote.Is(path) {
		beside = besideURL(ctx, path)
	}
	signed, findings, err := t.Judge(path, Sum{remote.Base(path), report.SHA256}, beside)
	if err != nil {
		return err
	}
	report.Signature = signed
	report.Findings = append(report.Findings, findings...)
	finding.Sort(report.Findings)
	report.Checks = append(report.Checks, verify.Check{ID: "signature", Count: len(t.Keys), Unit: "keys", Findings: findings})
	return nil
}
