//go:build unix

package host_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/sdk/host"
)

// TestKill ends what a plugin has started, too.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "script")
	pidFile := filepath.Join(dir, "pid")
	content := fmt.Sprintf("#!/bin/sh\nsleep 60 & echo $! > %s\nexec %s importer\n", pidFile, os.Args[0])
	if err := os.WriteFile(script, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := host.Start(t.Context(), script, host.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	written, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	fmt.Sscan(string(written), &pid)
	for tries := 0; alive(pid); tries++ {
		if tries == 100 {
			t.Fatal("what the plugin has started still runs")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// alive tells a process that runs from one that is gone or waits to be reaped.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestCloseKillsWhatDoesNotEnd(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	content := fmt.Sprintf("#!/bin/sh\n%s importer\nsleep 60\n", os.Args[0])
	if err := os.WriteFile(script, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := host.Start(t.Context(), script, host.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, p.Close(), "did not end within 5s")
}
