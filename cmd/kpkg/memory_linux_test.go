package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/PlakarKorp/kpkg/internal/raced"
)

// maxPeak is the most that docs/limits.md promises of memory, in KiB.
const maxPeak = 256 << 10

// TestMemory backs up and restores what hostile importers bring. The peak is that of kpkg or of the plugin, whichever is
// higher.
func TestMemory(t *testing.T) {
	raced.Skip(t, "it measures memory")
	t.Parallel()
	dir := t.TempDir()
	pkg := recordsPackage(t)
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
			for _, r := range each(t, dir, [][]string{
				{"try", "backup", pkg, "records://x", "kind=" + test.kind, "n=" + test.n, "-o", data},
				{"try", "restore", pkg, "records://x", data},
			}) {
				if r.Printed > 2<<20 {
					t.Errorf("kpkg %q printed %d bytes", r.Args, r.Printed)
				}
				if r.Status != test.status {
					t.Fatalf("kpkg %q: exit status %d, want %d\n%.2000s", r.Args, r.Status, test.status, r.Out)
				}
				t.Logf("%s %s: %d MiB", r.Args[0], r.Args[1], r.Peak>>10)
				if r.Peak > maxPeak {
					t.Errorf("kpkg %q took %d KiB of memory, more than %d", r.Args, r.Peak, maxPeak)
				}
			}
		})
	}
}

// recordsPackage is the package of testdata/records, which is made once for all tests.
func recordsPackage(t *testing.T) string {
	t.Helper()
	dir, err := madeRecords()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "records_v1.0.0_"+runtime.GOOS+"_"+runtime.GOARCH+".ptar")
}

var madeRecords = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "records")
	if err != nil {
		return "", err
	}
	atEnd = append(atEnd, func() { os.RemoveAll(dir) })
	repository, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return "", err
	}
	source := filepath.Join(dir, "records")
	if err := os.CopyFS(source, os.DirFS(filepath.Join("testdata", "records"))); err != nil {
		return "", err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(repository, "examples", "fs", name))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(source, name), data, 0o644); err != nil {
			return "", err
		}
	}
	edit := exec.Command("go", "mod", "edit", "-module=example.org/records", "-replace=github.com/PlakarKorp/kpkg="+repository)
	create := exec.Command("kpkg", "create", ".", "v1.0.0", "--out-dir", dir, "--quiet", "--no-cache")
	for _, cmd := range []*exec.Cmd{edit, create} {
		cmd.Dir = source
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
		}
	}
	return dir, nil
})
