package git

import (
	"context"
	"strconv"
	"strings"
)

// setting is one of git's configuration, as git spells both.
type setting struct{ key, value string }

// asEnvironment is how git takes settings that win over a repository's own, whatever characters they hold.
func asEnvironment(settings []setting) []string {
	env := []string{"GIT_CONFIG_COUNT=" + strconv.Itoa(len(settings))}
	for i, s := range settings {
		n := strconv.Itoa(i)
		env = append(env, "GIT_CONFIG_KEY_"+n+"="+s.key, "GIT_CONFIG_VALUE_"+n+"="+s.value)
	}
	return env
}

// Modified lists what in dir and below is not as the commit at HEAD has it, files that git neither knows nor is told to
// ignore included: slash paths from the repository's root, with a slash at the end of a folder that is new as a whole.
// exclude are glob patterns of paths that do not count. ok is false when git does not say.
//
// The content of files is compared as it is, without the programs that a repository may name as filters, so that a file
// under one, as of Git LFS, counts as modified once it was touched.
func Modified(ctx context.Context, dir string, exclude ...string) (paths []string, ok bool, err error) {
	filters, _, err := Output(ctx, dir, "config", "--null", "--name-only", "--get-regexp", `^filter\.`)
	if err != nil {
		return nil, false, err
	}
	settings := []setting{{"core.fsmonitor", "false"}} // it may name a program too
	for key := range strings.SplitSeq(filters, "\x00") {
		switch key[strings.LastIndex(key, ".")+1:] {
		case "clean", "process":
			settings = append(settings, setting{key, ""})
		case "required":
			settings = append(settings, setting{key, "false"})
		}
	}
	args := []string{"status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal", "--ignore-submodules=dirty", "--", "."}
	for _, pattern := range exclude {
		args = append(args, ":(exclude,glob)"+pattern)
	}
	output, ok, err := output(ctx, dir, settings, args...)
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
