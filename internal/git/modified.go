package git

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Modified lists what in dir and below is not as the commit at HEAD has it, files that git neither knows nor is told to
// ignore included: slash paths from the repository's root, with a slash at the end of a folder in which all is new.
// exclude are glob patterns of paths that do not count. ok is false when git does not say, or is older than 2.32.
//
// The content of a file with the attribute filter, as of Git LFS, is not compared: that takes the filter, a program.
func Modified(ctx context.Context, dir string, exclude ...string) (paths []string, ok bool, err error) {
	return modified(ctx, dir, "normal", exclude...)
}

// modified is Modified, in which a folder with nothing but new files is listed as that (untracked is normal) or by its files (all).
func modified(ctx context.Context, dir, untracked string, exclude ...string) (paths []string, ok bool, err error) {
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
	q := question{dir: dir, settings: append(users, none...)}
	args := []string{"status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=" + untracked,
		"--ignore-submodules=dirty", "--", "."}
	for _, pattern := range append(exclude, "**/"+configuration) { // there may be the folder for temporary files
		args = append(args, ":(exclude,glob)"+pattern)
	}
	output, ok, err := q.ask(ctx, args...)
	if err != nil || !ok {
		return nil, ok, err
	}
	var edited []string // by their content, or their mode, alone
	for line := range strings.SplitSeq(output, "\x00") {
		if len(line) > 3 { // two letters and a space before the path
			paths = append(paths, line[3:])
			if line[:2] == " M" {
				edited = append(edited, line[3:])
			}
		}
	}
	filtered, ok, err := q.filtered(ctx, edited)
	if err != nil || !ok {
		return nil, ok, err
	}
	return slices.DeleteFunc(paths, func(path string) bool { return filtered[path] }), true, nil
}

// heedsEnvironment reports whether git is one that takes its configuration from the environment: without, its status would
// run the repository's filters.
func heedsEnvironment(ctx context.Context, dir string) (bool, error) {
	version, _, err := Output(ctx, dir, "version")
	var major, minor int
	_, _ = fmt.Sscanf(version, "git version %d.%d", &major, &minor) // 0 is old as well
	return major > 2 || major == 2 && minor >= 32, err
}

// filtered are those of the paths, which start at the repository's root, that have a filter.
func (q question) filtered(ctx context.Context, paths []string) (filtered map[string]bool, ok bool, err error) {
	if len(paths) == 0 {
		return nil, true, nil
	}
	root, ok, err := q.ask(ctx, "rev-parse", "--show-toplevel")
	if err != nil || !ok {
		return nil, ok, err
	}
	q.dir, q.input = root, strings.Join(paths, "\x00")+"\x00"
	printed, ok, err := q.ask(ctx, "check-attr", "--stdin", "-z", "filter")
	if err != nil || !ok {
		return nil, ok, err
	}
	filtered = map[string]bool{}
	for record := range slices.Chunk(strings.Split(printed, "\x00"), 3) { // path, attribute, value
		if len(record) == 3 && record[2] != "unspecified" && record[2] != "unset" {
			filtered[record[0]] = true
		}
	}
	return filtered, true, nil
}
