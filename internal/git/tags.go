package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Head is where a folder's repository is at.
type Head struct {
	// Commit is the full hash of the commit at HEAD.
	Commit string
	// Prefix is the path of the folder in the repository, with a slash at its end; "" for the repository's own.
	Prefix string
	// Top is the folder of the repository.
	Top string
	// Here are the tags of the commit, Before all those of the commits that it comes after, its own included; Elsewhere are those
	// of other commits.
	Here, Before, Elsewhere []string
	// Remote is the address that the repository was cloned from, "" when it names none.
	Remote string
}

// ReadHead asks for all that. ok is false outside of a repository with a commit.
func ReadHead(ctx context.Context, dir string) (head Head, ok bool, err error) {
	if head.Commit, ok, err = Output(ctx, dir, "rev-parse", "--verify", "HEAD^{commit}"); err != nil || !ok {
		return Head{}, false, err
	}
	var all string
	var here, before string
	for _, question := range []struct {
		into *string
		args []string
	}{
		{&head.Prefix, []string{"rev-parse", "--show-prefix"}},
		{&head.Top, []string{"rev-parse", "--show-toplevel"}},
		{&here, []string{"tag", "--points-at", "HEAD"}},
		{&before, []string{"tag", "--merged", "HEAD"}},
		{&all, []string{"tag", "--list"}},
		{&head.Remote, []string{"config", "--get", "remote.origin.url"}},
	} {
		if *question.into, _, err = Output(ctx, dir, question.args...); err != nil {
			return Head{}, false, err
		}
	}
	head.Here, head.Before = strings.Fields(here), strings.Fields(before)
	at := map[string]bool{}
	for _, tag := range head.Here {
		at[tag] = true
	}
	for _, tag := range strings.Fields(all) {
		if !at[tag] {
			head.Elsewhere = append(head.Elsewhere, tag)
		}
	}
	return head, true, nil
}

// Commit is one that a release is made of.
type Commit struct{ Hash, Subject string }

// Since lists the commits after a tag, or all for "", that changed something in dir, the newest first. No more than limit.
func Since(ctx context.Context, dir, tag string, limit int) ([]Commit, error) {
	commits := "HEAD"
	if tag != "" {
		commits = "refs/tags/" + tag + "..HEAD"
	}
	// Unlike log, rev-list checks no signatures.
	args := []string{"rev-list", "--no-merges", fmt.Sprintf("--max-count=%d", limit), "--format=%h %s", commits, "--", "."}
	printed, ok, err := Output(ctx, dir, args...)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("git does not tell what changed in %s since %s", dir, tag)
	}
	var list []Commit
	for line := range strings.Lines(printed) {
		hash, subject, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		if hash != "commit" && hash != "" { // before each, a line with the full hash
			list = append(list, Commit{hash, subject})
		}
	}
	return list, nil
}

// File returns the content of a file in dir as a tag has it, without the newlines at its end. The error about one that the
// tag has not wraps fs.ErrNotExist.
func File(ctx context.Context, dir, tag, name string) ([]byte, error) {
	content, ok, err := Output(ctx, dir, "cat-file", "blob", "refs/tags/"+tag+":./"+name)
	if err == nil && !ok {
		err = &fs.PathError{Op: "read", Path: tag + ":" + name, Err: fs.ErrNotExist}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return []byte(content), err
}
