package git

import (
	"context"
	"fmt"
	"strings"
)

// Modified lists what in dir and below is not as the commit at HEAD has it, files that git neither knows nor is told to
// ignore included: slash paths from the repository's root, with a slash at the end of a folder that is new as a whole.
// exclude are glob patterns of paths that do not count. ok is false when git does not say, or is older than 2.32.
//
// The content of files is compared as it is, without the programs that a repository may name as filters, so that a file
// under one, as of Git LFS, counts as modified once it was touched.
func Modified(ctx context.Context, dir string, exclude ...string) (paths []string, ok bool, err error) {
	if ok, err := heedsEnvironment(ctx, dir); err != nil || !ok {
		return nil, false, err
	}
	users, err := comparing(ctx, dir)
	if err != nil {
		return nil, false, err
	}
	none, err := unfiltered(ctx, dir)
	if err != nil {
		return nil, false, err
	}
	args := []string{"status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal", "--ignore-submodules=dirty", "--", "."}
	for _, pattern := range exclude {
		args = append(args, ":(exclude,glob)"+pattern)
	}
	output, ok, err := question{dir: dir, settings: append(users, none...)}.ask(ctx, args...)
	if err != nil || !ok {
		return nil, ok, err
	}
	for line := range strings.SplitSeq(output, "\x00") {
		if len(line) > 3 { // two letters and a space before the path
			paths = append(paths, line[3:])
		}
	}
	return paths, true, nil
}

// heedsEnvironment reports whether git is one that takes its configuration from the environment: without, its status would
// run the repository's filters.
func heedsEnvironment(ctx context.Context, dir string) (bool, error) {
	version, _, err := Output(ctx, dir, "version")
	var major, minor int
	_, _ = fmt.Sscanf(version, "git version %d.%d", &major, &minor) // 0 is old as well
	return major > 2 || major == 2 && minor >= 32, err
}
