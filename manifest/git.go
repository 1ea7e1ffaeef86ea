package manifest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// tagAtHead asks git for the version tags of the commit that dir is at. It is empty without git, outside a repository and
// on a commit without such a tag; an error only when ctx is done.
func tagAtHead(ctx context.Context, dir, name string) (string, error) {
	git := exec.CommandContext(ctx, "git",
		// The folder may belong to someone else, as in most containers. Reading tags runs nothing that is configured in it.
		"-c", "safe.directory=*",
		"-C", dir, "tag", "--points-at", "HEAD")
	git.Env = gitEnvironment()
	output, err := git.Output()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("reading the git tags of %s: %w", dir, ctx.Err())
	case errors.Is(err, exec.ErrNotFound), errors.As(err, &exit):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("reading the git tags of %s: %w", dir, err)
	}
	return latestTag(strings.Fields(string(output)), name), nil
}

// gitEnvironment keeps the user's and the machine's git settings out, a repository named by GIT_DIR as well, and lets git
// neither ask nor fetch.
func gitEnvironment() []string {
	var env []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "GIT_") {
			env = append(env, variable)
		}
	}
	return append(env,
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL="+os.DevNull,
		"GIT_TERMINAL_PROMPT=0",
		"GIT_OPTIONAL_LOCKS=0",
		"GIT_NO_LAZY_FETCH=1",
		"GIT_ALLOW_PROTOCOL=none",
		"LC_ALL=C",
	)
}
