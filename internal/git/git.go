// Package git asks the git program about the repository around a folder. It changes nothing, fetches nothing, asks nobody,
// and heeds the repository's own configuration and, of the user's and the machine's, only how files compare.
//
// It runs no program that a repository's configuration names. tag, rev-list, rev-parse, config, cat-file and check-attr read and
// print; none is given an option for which git would start a helper, and a pager is for terminals only. Other callers of
// Output must hold to that: log and show, for one, start whatever is to check signatures. status would start filters and a
// file system monitor, which Modified turns off, and a hook if it wrote the index, which GIT_OPTIONAL_LOCKS forbids.
package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Output is what `git args...` prints in dir, without the last newline. ok is false, and err nil, when git is not
// installed or says no: outside a repository, in an empty one.
func Output(ctx context.Context, dir string, args ...string) (printed string, ok bool, err error) {
	return question{dir: dir}.ask(ctx, args...)
}

// Installed tells whether there is a git to ask.
func Installed() bool {
	_, err := exec.LookPath("git")
	return err == nil
}

// question is what git is asked, beside its arguments.
type question struct {
	dir      string
	settings []setting // win over the repository's
	input    string
}

// ask is Output with a question's settings and input.
func (q question) ask(ctx context.Context, args ...string) (printed string, ok bool, err error) {
	global, err := trusting()
	if err != nil {
		return "", false, fmt.Errorf("asking git about %s: %w", q.dir, err)
	}
	defer os.Remove(global)
	env := append(environment(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+global)
	return q.run(ctx, append(env, asEnvironment(q.settings)...), args)
}

func (q question) run(ctx context.Context, env, args []string) (printed string, ok bool, err error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", q.dir}, args...)...)
	cmd.Env = env
	cmd.WaitDelay = time.Second / 2 // for what git has started and still holds the pipe
	cmd.Stdin = strings.NewReader(q.input)
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", false, fmt.Errorf("asking git about %s: %w", q.dir, context.Cause(ctx))
	case errors.Is(err, exec.ErrNotFound), errors.As(err, &exit):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("asking git about %s: %w", q.dir, err)
	}
	return strings.TrimRight(string(out), "\n"), true, nil
}

// configuration is the pattern of the names of the files that trusting makes.
const configuration = "kpkg-*.gitconfig"

// trusting makes a global configuration for one question, by which the folder may belong to someone else, as in most
// containers. git before 2.38 takes this setting from a file only.
func trusting() (path string, err error) {
	removeStale()
	file, err := os.CreateTemp("", configuration)
	if err != nil {
		return "", err
	}
	_, err = file.WriteString("[safe]\n\tdirectory = *\n")
	if err = errors.Join(err, file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
}

// stale is how old a configuration is that a killed run has left: a question takes seconds.
const stale = time.Hour

// removeStale removes what killed runs have left. What cannot be removed is somebody else's.
func removeStale() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), configuration)) // the pattern is well-formed
	for _, file := range left {
		if info, err := os.Lstat(file); err == nil && time.Since(info.ModTime()) > stale {
			_ = os.Remove(file)
		}
	}
}

// environment is the process's without git's own variables, such as the GIT_DIR of a hook, but for how far up to look for a
// repository and those that start with one of kept. It lets git neither ask nor fetch nor write.
func environment(kept ...string) []string {
	kept = append(kept, "GIT_CEILING_DIRECTORIES=")
	var env []string
	for _, variable := range os.Environ() {
		keep := func(prefix string) bool { return strings.HasPrefix(variable, prefix) }
		if !keep("GIT_") || slices.ContainsFunc(kept, keep) {
			env = append(env, variable)
		}
	}
	return append(env,
		"GIT_TERMINAL_PROMPT=0",
		"GIT_OPTIONAL_LOCKS=0",
		"GIT_NO_LAZY_FETCH=1",
		"GIT_ALLOW_PROTOCOL=none",
		"LC_ALL=C",
	)
}
