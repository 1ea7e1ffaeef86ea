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

	"github.com/PlakarKorp/kpkg/host"
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
	wantGone(t, readPid(t, pidFile))
}

func readPid(t *testing.T, file string) (pid int) {
	t.Helper()
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Sscan(string(written), &pid)
	return pid
}

func wantGone(t *testing.T, pid int) {
	t.Helper()
	for tries := 0; alive(pid); tries++ {
		if tries == 1000 {
			t.Fatal("what the plugin has started still runs")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// escaping leaves its process group, tells its process id to the file in the environment, and prints for ever.
func escaping() {
	if _, err := syscall.Setsid(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	os.WriteFile(os.Getenv("PID_FILE"), fmt.Appendln(nil, os.Getpid()), 0o600)
	for {
		fmt.Fprintln(os.Stderr, "here")
		time.Sleep(10 * time.Millisecond)
	}
}

func init() { plugins["escaping"] = escaping }

// TestNothingAfterClose has a plugin start a process that leaves its group and holds on to its standard error: the pipe is
// closed all the same, which ends a process that goes on printing.
func TestNothingAfterClose(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	pidFile := filepath.Join(t.TempDir(), "pid")
	content := fmt.Sprintf("#!/bin/sh\n%[1]s escaping &\nuntil [ -s \"$PID_FILE\" ]; do sleep 0.1; done\nexec %[1]s importer\n",
		os.Args[0])
	if err := os.WriteFile(script, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	var out lines
	p, err := host.Start(t.Context(), script, host.Options{Stderr: &out, Env: []string{"PID_FILE=" + pidFile}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	printed := out.String()
	pid := readPid(t, pidFile)
	t.Cleanup(func() {
		if alive(pid) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	wantGone(t, pid)
	if !strings.Contains(printed, "here\n") || out.String() != printed {
		t.Errorf("printed until Close: %q, then: %q", printed, out.String())
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
	wantError(t, p.Close(), "did not end within 2s")
}
