//go:build unix

package git

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// gitThat puts a git first in PATH that does what the lines of shell say before it is the real one.
func gitThat(t *testing.T, lines string) {
	t.Helper()
	installed, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := put(t, dir, "git", "#!/bin/sh\n"+lines+"\nexec '"+installed+"' \"$@\"\n")
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
}

// A folder may belong to someone else, also for a git that is told so by a file only.
func TestForeignFolder(t *testing.T) {
	user(t, "")
	dir := t.TempDir()
	do(t, dir, "init", "-q")
	gitThat(t, `[ "$1" = -c ] && shift 2; export GIT_TEST_ASSUME_DIFFERENT_OWNER=1`)
	if printed, ok, err := Output(context.Background(), dir, "rev-parse", "--show-cdup"); err != nil || !ok || printed != "" {
		t.Errorf("%q, %t, %v", printed, ok, err)
	}
	cmd := exec.Command("git", "-C", dir, "rev-parse")
	if err := cmd.Run(); err == nil {
		t.Error("git alone trusts the folder as well")
	}
}

// A git that does not take its configuration from the environment could not be kept from running filters.
func TestModifiedOld(t *testing.T) {
	user(t, "")
	dir, marks := t.TempDir(), t.TempDir()
	do(t, dir, "init", "-q")
	put(t, dir, "a", "a")
	do(t, dir, "add", ".")
	do(t, dir, "commit", "-qm", "first")
	do(t, dir, "config", "filter.one.clean", "touch '"+filepath.Join(marks, "ran")+"'; cat")
	put(t, dir, ".git/info/attributes", "a filter=one\n")
	put(t, dir, "a", "b")
	gitThat(t, `unset GIT_CONFIG_COUNT; [ "$3" = version ] && echo git version 2.30.2 && exit`)
	if got, ok, err := Modified(context.Background(), dir); err != nil || ok || got != nil {
		t.Errorf("%q, %t, %v", got, ok, err)
	}
	if ran := names(t, marks); len(ran) > 0 {
		t.Errorf("git ran %q", ran)
	}
	do(t, dir, "status")
	if ran := names(t, marks); !slices.Equal(ran, []string{"ran"}) {
		t.Errorf("git status ran %q", ran)
	}
}

// A question leaves nothing behind.
func TestOutputLeavesNothing(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	if _, ok, err := Output(context.Background(), temporary, "version"); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if left := names(t, temporary); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}
