package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// maxPeak is the most that docs/limits.md promises of memory, in KiB.
const maxPeak = 256 << 10

// TestMemory backs up and restores what hostile importers bring. The peak is that of kpkg or of the plugin, whichever is
// higher.
func TestMemory(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("GOCACHE", goEnv(t, "GOCACHE")["GOCACHE"]) // which would be below the next one
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	repository, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(dir, "records")
	if err := os.CopyFS(source, os.DirFS(filepath.Join("testdata", "records"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(repository, "examples", "fs", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(source, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	edit := exec.Command("go", "mod", "edit", "-module=example.org/records", "-replace=github.com/PlakarKorp/kpkg="+repository)
	edit.Dir = source
	if out, err := edit.CombinedOutput(); err != nil {
		t.Fatalf("go mod edit: %v\n%s", err, out)
	}
	if out, err := exec.Command("kpkg", "create", source, "v1.0.0", "--out-dir", dir, "--quiet").CombinedOutput(); err != nil {
		t.Fatalf("kpkg create: %v\n%s", err, out)
	}
	pkg := filepath.Join(dir, "records_v1.0.0_"+runtime.GOOS+"_"+runtime.GOARCH+".ptar")
	for _, test := range []struct {
		kind, n string
		status  int
	}{
		{"nested", "3000", exitOK},
		{"files", "10000", exitOK},
		{"large", "16", exitOK},
		{"errors", "10000", exitFailed},
		{"refused", "5000", exitFailed},
	} {
		t.Run(test.kind, func(t *testing.T) {
			data := filepath.Join(dir, test.kind+".ptar")
			kpkg(t, test.status, "try", "backup", pkg, "records://x", "kind="+test.kind, "n="+test.n, "-o", data)
			kpkg(t, test.status, "try", "restore", pkg, "records://x", data)
		})
	}
}

// kpkg runs the program, which must exit with the status and stay within its memory.
func kpkg(t *testing.T, status int, args ...string) {
	t.Helper()
	cmd := exec.Command("kpkg", args...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if len(out) > 2<<20 {
		t.Errorf("kpkg %q printed %d bytes", args, len(out))
	}
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Fatalf("kpkg %q: exit status %d, want %d\n%.2000s", args, got, status, out)
	}
	peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss // of children that it waited for, too; getrusage(2)
	t.Logf("%s %s: %d MiB", args[0], args[1], peak>>10)
	if peak > maxPeak {
		t.Errorf("kpkg %q took %d KiB of memory, more than %d", args, peak, maxPeak)
	}
}
