package git

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Changed lists what in the repository around dir is not as a commit, tag or branch has it: slash paths from the repository's root, of
// files that are gone too. What is not committed is among them, that of submodules as well; a submodule of another commit is its folder.
// top is the folder of the repository, in which its links are followed. The error says what git does not know, and how it may.
func Changed(ctx context.Context, dir, ref string) (top string, paths []string, err error) {
	if !Installed() {
		return "", nil, fmt.Errorf("there is no git to tell what changed in %s: install it", dir)
	}
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
		return "", nil, unknown(ctx, top, ref)
	}
	// diff-tree compares what is stored, so that no filter and no other program of the repository's has a part in it.
	printed, ok, err := Output(ctx, top, "diff-tree", "-r", "-z", "--no-renames", "--name-only", commit, "HEAD")
	if err != nil {
		return "", nil, err
	}
	if !ok {
		return "", nil, fmt.Errorf("git does not compare HEAD with %s in %s: there is no commit at HEAD, or the clone lacks folders of one of "+
			"the two, as those made with --filter=tree:0 do; clone it without, or with --filter=blob:none", ref, top)
	}
	for path := range strings.SplitSeq(printed, "\x00") {
		if path != "" {
			paths = append(paths, path)
		}
	}
	uncommitted, err := uncommitted(ctx, top)
	return top, append(paths, uncommitted...), err
}

// unknown says that git knows no such commit. Most of those who meet that have a clone that a CI made.
func unknown(ctx context.Context, top, ref string) error {
	shallow, _, err := Output(ctx, top, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return err
	}
	if shallow == "true" {
		return fmt.Errorf("git knows no commit %q in %s, a shallow clone, which lacks the history: git fetch --unshallow --tags, or have the "+
			"CI clone all of it, in GitHub with fetch-depth: 0 of actions/checkout, in GitLab with GIT_DEPTH: 0", ref, top)
	}
	return fmt.Errorf("git knows no commit %q in %s: name a commit, tag or branch that git log finds; "+
		"one that is in the remote repository alone has to be fetched, with git fetch --tags", ref, top)
}

// uncommitted lists what is not as the commit at HEAD has it, in the repository with the root top and in its submodules, which git
// status would ask by their own configuration.
func uncommitted(ctx context.Context, top string) ([]string, error) {
	paths, ok, err := modified(ctx, top, "all")
	if err != nil {
		return nil, err
	}
	tree, known, err := Output(ctx, top, "ls-tree", "-r", "-z", "HEAD")
	if err != nil {
		return nil, err
	}
	if !ok || !known {
		return nil, fmt.Errorf("git does not tell what is not committed in %s: it takes git 2.32 or newer", top)
	}
	for entry := range strings.SplitSeq(tree, "\x00") {
		mode, folder, _ := strings.Cut(entry, "\t") // the mode, the type and the name of what is stored come before
		dir := filepath.Join(top, filepath.FromSlash(folder))
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err != nil || !strings.HasPrefix(mode, "160000 ") {
			continue // no submodule, or one that is not there
		}
		its, err := uncommitted(ctx, dir)
		if err != nil {
			return nil, err
		}
		for _, path := range its {
			paths = append(paths, folder+"/"+path)
		}
	}
	return paths, nil
}
