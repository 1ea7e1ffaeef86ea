package git

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// do runs git as a user would, and returns what it prints.
func do(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.org"}, args...)...)
	cmd.Env = append(environment("GIT_CONFIG_"), "GIT_ALLOW_PROTOCOL=file")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// user gives the test, and git in it, a home with the configuration, and returns that home.
func user(t *testing.T, configuration string) string {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	t.Setenv("GIT_CONFIG_GLOBAL", "") // set, so that it is restored
	os.Unsetenv("GIT_CONFIG_GLOBAL")
	put(t, home, ".gitconfig", configuration)
	return home
}

// later gives a file another time, so that git compares its content.
func later(t *testing.T, path string) {
	t.Helper()
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
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
		"nothing":    {func(*testing.T, string) {}, nil},
		"touched":    {func(t *testing.T, dir string) { later(t, filepath.Join(dir, "module", "a.go")) }, nil},
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
		"temporary files within": {func(t *testing.T, dir string) {
			t.Setenv("TMPDIR", filepath.Dir(put(t, dir, "module/tmp/x.ptar", "")))
		}, nil},
		"outside": {func(t *testing.T, dir string) { put(t, dir, "other/a.go", "b"); put(t, dir, "b.go", "b") }, nil},
		"other repository": {func(t *testing.T, dir string) {
			do(t, dir, "init", "-q", "module/inner")
			put(t, dir, "module/inner/a.go", "b")
		},
			[]string{"module/inner/"}},
	} {
		t.Run(name, func(t *testing.T) {
			user(t, "")
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

// In a fresh clone all is as committed, in the user's eyes: by the user's line ends, attributes and ignored files.
func TestModifiedUser(t *testing.T) {
	for name, configuration := range map[string]string{
		"none":                "",
		"line ends":           "[core]\n\tautocrlf = true\n",
		"line ends, no value": "[core]\n\tautocrlf\n",
		"attributes":          "[core]\n\tattributesFile = ~/attributes\n",
		"ignored":             "[core]\n\texcludesFile = ~/ignore\n",
		"repository's own":    "[core]\n\tautocrlf = false\n",
	} {
		t.Run(name, func(t *testing.T) {
			home := user(t, configuration)
			put(t, home, "attributes", "*.go text eol=crlf\n")
			put(t, home, "ignore", ".DS_Store\n")
			origin, clone := t.TempDir(), filepath.Join(t.TempDir(), "clone")
			do(t, origin, "init", "-q")
			put(t, origin, "a.go", "a\n")
			put(t, origin, "b.go", "b\n")
			do(t, origin, "-c", "core.autocrlf=false", "-c", "core.attributesFile=", "add", ".")
			do(t, origin, "commit", "-qm", "first")
			clones := []string{"clone", "-q", origin, clone}
			if name == "repository's own" {
				clones = append(clones, "--config", "core.autocrlf=true")
			}
			do(t, origin, clones...)
			later(t, filepath.Join(clone, "a.go"))
			if name == "ignored" {
				put(t, clone, ".DS_Store", "")
			}
			if got, ok, err := Modified(context.Background(), clone); err != nil || !ok || got != nil {
				t.Errorf("in a fresh clone: %q, %t, %v", got, ok, err)
			}
			if printed := do(t, clone, "status", "--porcelain"); printed != "" {
				t.Errorf("git status says %q", printed)
			}
			put(t, clone, "b.go", "c\n")
			if got, ok, err := Modified(context.Background(), clone); err != nil || !ok || !slices.Equal(got, []string{"b.go"}) {
				t.Errorf("edited: %q, %t, %v", got, ok, err)
			}
		})
	}
}

// Without its filter, what a file of Git LFS should hold is not known; that it is there is.
func TestModifiedFiltered(t *testing.T) {
	user(t, "[filter \"lfs\"]\n\tclean = echo pointer\n\trequired = true\n")
	dir := t.TempDir()
	module := filepath.Join(dir, "module")
	do(t, dir, "init", "-q")
	put(t, dir, ".gitattributes", "*.bin filter=lfs\nplain.bin -filter\nalso.bin !filter\n")
	for _, name := range []string{"touched.bin", "edited.bin", "removed.bin", "plain.bin", "also.bin", "a b\n.bin"} {
		put(t, module, name, name)
	}
	do(t, dir, "add", ".")
	do(t, dir, "commit", "-qm", "first")
	later(t, filepath.Join(module, "touched.bin"))
	for _, name := range []string{"edited.bin", "plain.bin", "also.bin", "a b\n.bin", "new.bin"} {
		put(t, module, name, "changed")
	}
	if err := os.Remove(filepath.Join(module, "removed.bin")); err != nil {
		t.Fatal(err)
	}
	got, ok, err := Modified(context.Background(), module)
	slices.Sort(got)
	want := []string{"module/also.bin", "module/new.bin", "module/plain.bin", "module/removed.bin"}
	if err != nil || !ok || !slices.Equal(got, want) {
		t.Errorf("%q, %t, %v; want %q", got, ok, err, want)
	}
}

// A repository may name programs for git to run. None is.
func TestModifiedRunsNothing(t *testing.T) {
	user(t, "")
	dir, marks := t.TempDir(), t.TempDir()
	program := func(mark, then string) string { return "touch '" + filepath.Join(marks, mark) + "'; " + then }
	files := []string{"a", "b", "c", "d"}
	do(t, dir, "init", "-q")
	for _, name := range files {
		put(t, dir, name, name)
	}
	do(t, dir, "add", ".")
	do(t, dir, "commit", "-qm", "first")
	want := []string{"clean", "clean of a=b", "fsmonitor", "process"}
	do(t, dir, "config", "filter.one.clean", program(want[0], "cat"))
	do(t, dir, "config", "filter.a=b.clean", program(want[1], "cat"))
	do(t, dir, "config", "filter.three.process", program(want[3], "cat"))
	do(t, dir, "config", "core.fsmonitor", program(want[2], "false"))
	do(t, dir, "config", "filter.one.required", "true")
	put(t, dir, ".git/info/attributes", "a filter=one\nb filter=a=b\nc filter=three\n")
	for _, name := range files {
		put(t, dir, name, strings.ToUpper(name)) // of the same size, which alone would tell
	}
	if got, ok, err := Modified(context.Background(), dir); err != nil || !ok || !slices.Equal(got, []string{"d"}) {
		t.Errorf("%q, %t, %v", got, ok, err)
	}
	if ran := names(t, marks); len(ran) > 0 {
		t.Errorf("git ran programs that the repository names: %q", ran)
	}
	// The same question to git alone must run each, or the test would prove nothing.
	do(t, dir, "status")
	if ran := names(t, marks); !slices.Equal(ran, want) {
		t.Errorf("git status ran %q, not %q", ran, want)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
