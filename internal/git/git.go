// Package git asks the git program about the repository around a folder. It changes nothing, fetches nothing, asks nobody
// and heeds no configuration but the repository's own. Of that it runs no program: callers of Output use plumbing only,
// since commands such as log run programs that a repository's configuration names, to show signatures for one.
package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Output is what `git args...` prints in dir, without the last newline. ok is false, and err nil, when git is not
// installed or says no: outside a repository, in an empty one.
func Output(ctx context.Context, dir string, args ...string) (printed string, ok bool, err error) {
	return output(ctx, dir, nil, args...)
}

func output(ctx context.Context, dir string, settings []setting, args ...string) (printed string, ok bool, err error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{
		// The folder may belong to someone else, as in most containers.
		"-c", "safe.directory=*", "-C", dir}, args...)...)
	cmd.Env = append(environment(), asEnvironment(settings)...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", false, fmt.Errorf("asking git about %s: %w", dir, context.Cause(ctx))
	case errors.Is(err, exec.ErrNotFound), errors.As(err, &exit):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("asking git about %s: %w", dir, err)
	}
	return strings.TrimRight(string(out), "\n"), true, nil
}

// environment keeps the user's and the machine's git settings out, a repository named by GIT_DIR as well, but for how far up
// to look for one, and lets git neither ask nor fetch.
func environment() []string {
	var env []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "GIT_") || strings.HasPrefix(variable, "GIT_CEILING_DIRECTORIES=") {
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
