package scratch_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/PlakarKorp/kpkg/internal/scratch"
)

// TestMain is also the run that is killed: it makes a folder, says where it is, and goes on until then, or until the test has ended.
func TestMain(m *testing.M) {
	if os.Getenv("SCRATCH_RUN") == "" {
		os.Exit(m.Run())
	}
	f, err := scratch.Make("test")
	if err != nil {
		panic(err)
	}
	for _, folder := range []string{"closed/inner", "open"} {
		if err := os.MkdirAll(filepath.Join(f.Path, folder), 0o700); err != nil {
			panic(err)
		}
	}
	if err := os.Chmod(filepath.Join(f.Path, "closed"), 0); err != nil {
		panic(err)
	}
	os.Stdout.WriteString(f.Path)
	os.Stdout.Close()
	io.Copy(io.Discard, os.Stdin) // to wait without anything to wait for is a deadlock, which ends it
	runtime.KeepAlive(f)
}

// run starts a run of which a folder is left when it is killed.
func run(t *testing.T) (path string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SCRATCH_RUN=1", "TMPDIR="+os.TempDir(), "TMP="+os.TempDir())
	var failure strings.Builder
	cmd.Stderr = &failure
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	kill = func() {
		if !killed {
			killed = true
			cmd.Process.Kill()
			if cmd.Wait(); failure.Len() > 0 {
				t.Errorf("the run has ended by itself: %s", &failure)
			}
		}
	}
	t.Cleanup(kill)
	var text strings.Builder
	buffer := make([]byte, 1000)
	for {
		n, err := out.Read(buffer)
		text.Write(buffer[:n])
		if err != nil {
			return text.String(), kill
		}
	}
}

func temporaryFolder(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
}

func is(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// TestStale removes the folder of a run that was killed, and not before.
func TestStale(t *testing.T) {
	temporaryFolder(t)
	path, kill := run(t)
	first, err := scratch.Make("test")
	if err != nil {
		t.Fatal(err)
	}
	if !is(path) {
		t.Fatal("the folder of a run that goes on was removed")
	}
	kill()
	if !is(path) {
		t.Fatal("nothing is left of the killed run: the test tells nothing")
	}
	second, err := scratch.Make("other")
	if err != nil {
		t.Fatal(err)
	}
	if is(path) {
		t.Error("the folder of a killed run is still there")
	}
	if !is(first.Path) || !is(second.Path) {
		t.Error("a folder in use was removed")
	}
	for _, f := range []*scratch.Folder{first, second} {
		if err := f.Remove(); err != nil || is(f.Path) {
			t.Errorf("removing %s: %v", f.Path, err)
		}
	}
}

// TestForeign leaves alone what only looks like a folder of kpkg's.
func TestForeign(t *testing.T) {
	temporaryFolder(t)
	f, err := scratch.Make("test")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Remove()
	note, err := os.ReadFile(filepath.Join(f.Path, ".kpkg-temporary"))
	if err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(os.TempDir(), "kpkg-test-mine")
	other := filepath.Join(os.TempDir(), "kpkg-test-other")
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	for folder, content := range map[string]string{mine: "", other: "my own notes\n", elsewhere: string(note)} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if content != "" {
			if err := os.WriteFile(filepath.Join(folder, ".kpkg-temporary"), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	link := filepath.Join(os.TempDir(), "kpkg-test-link")
	if err := os.Symlink(elsewhere, link); err != nil {
		t.Fatal(err)
	}
	again, err := scratch.Make("test")
	if err != nil {
		t.Fatal(err)
	}
	defer again.Remove()
	for _, path := range []string{mine, other, link, elsewhere} {
		if !is(path) {
			t.Errorf("%s was removed", path)
		}
	}
}

// TestSideBySide makes folders while others are made, removed and looked for.
func TestSideBySide(t *testing.T) {
	temporaryFolder(t)
	var both sync.WaitGroup
	for range 8 {
		both.Go(func() {
			for range 50 {
				f, err := scratch.Make("test")
				if err != nil {
					t.Error(err)
					return
				}
				if err := os.WriteFile(filepath.Join(f.Path, "file"), nil, 0o600); err != nil {
					t.Errorf("a folder in use: %v", err)
				}
				if err := f.Remove(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	both.Wait()
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestNoRoom says what cannot be done.
func TestNoRoom(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	t.Setenv("TMP", filepath.Join(t.TempDir(), "missing"))
	if _, err := scratch.Make("test"); err == nil || !strings.Contains(err.Error(), "make a temporary folder: ") {
		t.Errorf("error %v", err)
	}
}
