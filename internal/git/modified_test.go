package git

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// do runs git as a user would, without that user's own settings.
func do(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.org"}, args...)...)
	cmd.Env = environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
}

func put(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestModified(t *testing.T) {
	for name, test := range map[string]struct {
		change func(t *testing.T, dir string)
		want   []string
	}{
		"nothing": {func(*testing.T, string) {}, nil},
		"touched": {func(t *testing.T, dir string) {
			later := time.Now().Add(time.Hour)
			if err := os.Chtimes(filepath.Join(dir, "module", "a.go"), later, later); err != nil {
				t.Fatal(err)
			}
		}, nil},
		"edited":     {func(t *testing.T, dir string) { put(t, dir, "module/a.go", "b") }, []string{"module/a.go"}},
		"staged":     {func(t *testing.T, dir string) { put(t, dir, "module/a.go", "b"); do(t, dir, "add", ".") }, []string{"module/a.go"}},
		"removed":    {func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "module", "a.go")) }, []string{"module/a.go"}},
		"renamed":    {func(t *testing.T, dir string) { do(t, dir, "mv", "module/a.go", "module/b.go") }, []string{"module/a.go", "module/b.go"}},
		"new":        {func(t *testing.T, dir string) { put(t, dir, "module/b \n.go", "b") }, []string{"module/b \n.go"}},
		"new folder": {func(t *testing.T, dir string) { put(t, dir, "module/b/b.go", "b") }, []string{"module/b/"}},
		"ignored":    {func(t *testing.T, dir string) { put(t, dir, "module/x.log", "b") }, nil},
		"excluded": {func(t *testing.T, dir string) {
			put(t, dir, "module/dist/x.ptar", "b")
			put(t, dir, "module/x.ptar", "b")
		}, nil},
		"outside": {func(t *testing.T, dir string) { put(t, dir, "other/a.go", "b"); put(t, dir, "b.go", "b") }, nil},
		"other repository": {func(t *testing.T, dir string) {
			do(t, dir, "init", "-q", "module/inner")
			put(t, dir, "module/inner/a.go", "b")
		},
			[]string{"module/inner/"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			do(t, dir, "init", "-q")
			put(t, dir, ".gitignore", "*.log\n")
			put(t, dir, "module/a.go", "a")
			put(t, dir, "other/a.go", "a")
			do(t, dir, "add", ".")
			do(t, dir, "commit", "-qm", "first")
			test.change(t, dir)
			got, ok, err := Modified(context.Background(), filepath.Join(dir, "module"), "**/*.ptar")
			if err != nil || !ok || !slices.Equal(got, test.want) {
				t.Errorf("%q, %t, %v; want %q", got, ok, err, test.want)
			}
		})
	}
}

func TestModifiedOutside(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(dir))
	if paths, ok, err := Modified(context.Background(), dir); err != nil || ok || paths != nil {
		t.Errorf("%q, %t, %v", paths, ok, err)
	}
}

// A repository may name programs for git to run. None is.
func TestModifiedRunsNothing(t *testing.T) {
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	program := "touch '" + ran + "'; cat"
	do(t, dir, "init", "-q")
	for _, key := range []string{"filter.one.clean", "filter.a=b.clean", "filter.three.process", "core.fsmonitor"} {
		do(t, dir, "config", key, program)
	}
	do(t, dir, "config", "filter.one.required", "true")
	put(t, dir, "a", "a")
	do(t, dir, "-c", "core.fsmonitor=false", "add", ".")
	do(t, dir, "-c", "core.fsmonitor=false", "commit", "-qm", "first")
	put(t, dir, ".git/info/attributes", "a filter=one\nb filter=a=b\nc filter=three\n")
	put(t, dir, "a", "b")
	put(t, dir, "b", "b")
	if got, ok, err := Modified(context.Background(), dir); err != nil || !ok || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%q, %t, %v", got, ok, err)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("git ran a program that the repository names")
	}
	// The same question to git alone must run it, or the test would prove nothing.
	do(t, dir, "-c", "core.fsmonitor=false", "-c", "filter.one.required=false", "status")
	if _, err := os.Stat(ran); err != nil {
		t.Error("git status ran no filter")
	}
}
