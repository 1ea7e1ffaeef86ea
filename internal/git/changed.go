package git

import (
	"context"
	"fmt"
	"strings"
)

// Changed lists what in the repository around dir is not as a commit, tag or branch has it: slash paths from the repository's root, of
// files that are gone too. Those that Modified lists are among them. top is the folder of the repository, in which its links are
// followed. The error says what git does not know.
func Changed(ctx context.Context, dir, ref string) (top string, paths []string, err error) {
	top, ok, err := Output(ctx, dir, "rev-parse", "--show-toplevel")
	if err != nil {
		return "", nil, err
	}
	if !ok {
		return "", nil, fmt.Errorf("%s is in no git repository, so that nothing tells what changed", dir)
	}
	commit, ok, err := "", false, error(nil)
	if !strings.HasPrefix(ref, "-") { // no commit's name does, and git's options do
		commit, ok, err = Output(ctx, top, "rev-parse", "--verify", "--quiet", ref+"^{commit}")
	}
	if err != nil {
		return "", nil, err
	}
	if !ok {
		return "", nil, fmt.Errorf("git knows no commit %q in %s: fetch it, with the history in between (a clone of depth 1 has none)", ref, top)
	}
	// diff-tree compares what is stored, so that no filter and no other program of the repository's has a part in it.
	printed, ok, err := Output(ctx, top, "diff-tree", "-r", "-z", "--no-renames", "--name-only", commit, "HEAD")
	if err != nil {
		return "", nil, err
	}
	modified, known, err := Modified(ctx, top)
	if err != nil {
		return "", nil, err
	}
	if !ok || !known {
		return "", nil, fmt.Errorf("git does not tell what changed in %s since %s: it takes git 2.32 or newer", top, ref)
	}
	for path := range strings.SplitSeq(printed, "\x00") {
		if path != "" {
			paths = append(paths, path)
		}
	}
	return top, append(paths, modified...), nil
}
