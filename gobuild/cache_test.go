package gobuild

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
)

// keepFile makes an entry of one sparse file that was used some time ago.
func keepFile(t *testing.T, root, entry string, size int64, ago time.Duration) string {
	t.Helper()
	dir := filepath.Join(root, "outputs", entry)
	writeTree(t, dir, map[string]string{"importer": ""})
	if err := os.Truncate(filepath.Join(dir, "importer"), size); err != nil {
		t.Fatal(err)
	}
	return aged(t, dir, ago)
}

func aged(t *testing.T, file string, ago time.Duration) string {
	t.Helper()
	used := time.Now().Add(-ago)
	if err := os.Chtimes(file, used, used); err != nil {
		t.Fatal(err)
	}
	return file
}

func exists(t *testing.T, file string) bool {
	t.Helper()
	_, err := os.Stat(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

func TestPrune(t *testing.T) {
	c := openCache(t.TempDir())
	old := keepFile(t, c.root, "old", 1, cacheAge+time.Hour)
	large := keepFile(t, c.root, "large", cacheLimit/2, 2*time.Hour)
	larger := keepFile(t, c.root, "larger", cacheLimit/2, time.Hour)
	last := keepFile(t, c.root, "last", 1, time.Minute)
	killed := filepath.Join(c.root, "work", "killed")
	writeTree(t, killed, map[string]string{"tmp/object": "x"})
	aged(t, killed, workAge+time.Hour)
	running := filepath.Join(c.root, "work", "running")
	writeTree(t, running, map[string]string{"tmp/object": "x"})
	if err := c.prune(); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]bool{
		old: false, large: false, larger: true, last: true, killed: false, running: true,
	} {
		if exists(t, file) != want {
			t.Errorf("%s is there: %v", file, !want)
		}
	}
}

func TestClean(t *testing.T) {
	c := openCache(t.TempDir())
	entry := keepFile(t, c.root, "entry", 1000, 0)
	running := filepath.Join(c.root, "work", "running")
	writeTree(t, running, map[string]string{"object": "x"})
	if freed, err := Clean(t.Context(), c.root); err != nil || freed != 1000 {
		t.Errorf("Clean() = %d, %v", freed, err)
	}
	if exists(t, entry) || !exists(t, running) {
		t.Error("Clean must remove what is kept and leave running builds alone")
	}
	if freed, err := Clean(t.Context(), filepath.Join(c.root, "nowhere")); err != nil || freed != 0 {
		t.Errorf("Clean() of a folder that is not there = %d, %v", freed, err)
	}
}

func TestBuildWithoutCacheFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	b := testBuilder(t, Options{CacheDir: filepath.Join(file, "cache")}, runGo)
	output, err := b.Build(t.Context(), testPlan(t, twoPrograms()), executable.Host(), Stamp{})
	if err != nil || output.Cached || len(output.Files) != 2 {
		t.Errorf("%+v, %v", output, err)
	}
}

func TestKeepingIsWholeWhileOthersRead(t *testing.T) {
	root := t.TempDir()
	plan := testPlan(t, twoPrograms())
	first, second := testBuilder(t, Options{CacheDir: root}, runGo), testBuilder(t, Options{CacheDir: root}, runGo)
	one, err := first.Build(t.Context(), plan, executable.Host(), Stamp{})
	if err != nil {
		t.Fatal(err)
	}
	before := sums(t, one.Files)
	writeTree(t, plan.Dir, map[string]string{"importer/main.go": program + "\nfunc init() { version = \"new\" }\n"})
	two, err := second.Build(t.Context(), plan, executable.Host(), Stamp{})
	if err != nil {
		t.Fatal(err)
	}
	after, again := sums(t, two.Files), sums(t, one.Files)
	if again["importer"] != before["importer"] {
		t.Error("a later run changed the executable handed out by an earlier one")
	}
	if after["importer"] == before["importer"] {
		t.Error("the later run did not build the change")
	}
}

// TestSharedCacheIsKeptApart builds with a program for go's cache, and without: what was linked from the one is not there for the other.
func TestSharedCacheIsKeptApart(t *testing.T) {
	plan, root := testPlan(t, twoPrograms()), t.TempDir()
	there := 0 // executables that a build found
	run := func(_ context.Context, _ string, _, args []string, _ io.Writer) ([]byte, error) {
		at := slices.Index(args, "-o")
		if at < 0 {
			return nil, nil
		}
		files, err := os.ReadDir(args[at+1])
		there = len(files)
		return nil, errors.Join(err, fakeGo(args))
	}
	for _, test := range []struct {
		program string
		there   int
	}{{"", 0}, {"", 2}, {"client", 0}, {"client --token x", 2}, {"", 2}} {
		t.Setenv("GOCACHEPROG", test.program)
		b := testBuilder(t, Options{CacheDir: root}, run)
		if _, err := b.Build(t.Context(), plan, executable.Host(), Stamp{}); err != nil {
			t.Fatal(err)
		}
		if there != test.there {
			t.Errorf("with GOCACHEPROG=%s go finds %d executables, want %d", test.program, there, test.there)
		}
	}
}
