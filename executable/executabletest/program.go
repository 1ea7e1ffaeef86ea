// Package executabletest has an executable for tests: a small one, as what is packed, summed, compressed and verified in them is
// no larger than what they prove needs.
package executabletest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var programs sync.Map // by platform

// Program is a Go executable for the platform that does nothing, of about 1 MB, built once for all tests of a program.
func Program(t testing.TB, goos, goarch string) []byte {
	t.Helper()
	built, _ := programs.LoadOrStore(goos+"/"+goarch, sync.OnceValues(func() ([]byte, error) { return build(goos, goarch) }))
	data, err := built.(func() ([]byte, error))()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func build(goos, goarch string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "kpkg-test-program-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	files := map[string]string{"go.mod": "module example.org/importer\n\ngo 1.24\n", "main.go": "package main\n\nfunc main() {}\n"}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", "program", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch, "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build a program for tests: %w: %s", err, out)
	}
	return os.ReadFile(filepath.Join(dir, "program"))
}
