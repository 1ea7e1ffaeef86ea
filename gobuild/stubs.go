package gobuild

import (
	"bytes"
	"context"
	"go/build"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/executable"
)

// Stub is a package that was built without files that take cgo, and with others that stand in for them. Some such packages
// do the same in another way; others compile, and fail when they are used.
type Stub struct {
	// Package is its import path.
	Package string
	// LeftOut are its files that go builds only with cgo, InPlace those that it builds only without.
	LeftOut, InPlace []string
}

// stubFormat has go list print, for each package outside of the standard library of which it ignores files, four fields that
// end with NUL; no file name has a slash.
const stubFormat = `{{if and (not .Standard) .IgnoredGoFiles .GoFiles}}` +
	`{{.ImportPath}}{{"\x00"}}{{.Dir}}{{"\x00"}}{{join .IgnoredGoFiles "/"}}{{"\x00"}}{{join .GoFiles "/"}}{{"\x00"}}{{end}}`

// findStubs looks for stubs among all packages in the plan's executables, sorted. The standard library does without cgo by
// design and is passed over.
func (b *Builder) findStubs(
	ctx context.Context, plan *Plan, platform executable.Platform, env []string, calls []goCall) ([]Stub, error) {
	with := build.Default
	with.GOOS, with.GOARCH, with.BuildTags, with.CgoEnabled = platform.OS, platform.Arch, plan.settings.Tags, true
	without := with
	without.CgoEnabled = false
	found := map[string]Stub{}
	for _, call := range calls {
		var listed bytes.Buffer
		args := slices.Concat([]string{"list", "-deps", "-f", stubFormat}, tagFlags(plan), call.packages)
		printed, err := b.run(ctx, plan.Dir, env, args, &listed)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			return nil, &BuildError{platform, located(string(printed), plan.Dir), err}
		}
		for fields := range slices.Chunk(strings.Split(strings.ReplaceAll(listed.String(), "\x00\n", "\x00"), "\x00"), 4) {
			if len(fields) < 4 {
				break
			}
			dir := fields[1]
			matches := func(context build.Context, file string) bool {
				match, err := context.MatchFile(dir, file)
				return match && err == nil
			}
			stub := Stub{Package: fields[0]}
			for file := range strings.SplitSeq(fields[2], "/") {
				if !strings.HasSuffix(file, "_test.go") && matches(with, file) {
					stub.LeftOut = append(stub.LeftOut, file)
				}
			}
			if stub.LeftOut == nil {
				continue
			}
			for file := range strings.SplitSeq(fields[3], "/") {
				if matches(without, file) && !matches(with, file) {
					stub.InPlace = append(stub.InPlace, file)
				}
			}
			if stub.InPlace != nil {
				found[stub.Package] = stub
			}
		}
	}
	stubs := make([]Stub, 0, len(found))
	for _, stub := range found {
		stubs = append(stubs, stub)
	}
	slices.SortFunc(stubs, func(a, b Stub) int { return strings.Compare(a.Package, b.Package) })
	return stubs, nil
}
