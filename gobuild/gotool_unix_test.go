//go:build unix

package gobuild

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
)

// scriptedGo puts a shell script in the place of the go tool.
func scriptedGo(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func TestCancelEndsTheCompilers(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	t.Setenv("PIDS", pids)
	scriptedGo(t, "touch $GOTMPDIR/half-an-object\nsleep 600 &\necho $$ $! >$PIDS.new && mv $PIDS.new $PIDS\nwait\n")
	root := t.TempDir()
	b, err := newBuilder(Options{CacheDir: root}, runGo)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped by the user")
	done := make(chan error)
	go func() {
		_, err := b.Build(ctx, testPlan(t, twoPrograms()), executable.Host(), Stamp{})
		done <- err
	}()
	var line []byte
	for line == nil {
		time.Sleep(time.Millisecond)
		line, _ = os.ReadFile(pids)
	}
	cancel(stop)
	if err := <-done; !errors.Is(err, stop) {
		t.Errorf("got %v, want %v", err, stop)
	}
	for _, field := range strings.Fields(string(line)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		for alive(pid) {
			time.Sleep(time.Millisecond) // the test's own limit ends this
		}
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(root, "*", "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// alive reports whether the process runs; one that ended and that nobody waited for does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func TestKilledBuildIsExplained(t *testing.T) {
	for name, script := range map[string]string{
		"go itself":  "kill -9 $$\n",
		"a compiler": "echo 'example.org/x: /usr/lib/go/compile: signal: killed'; exit 1\n",
	} {
		t.Run(name, func(t *testing.T) {
			scriptedGo(t, script)
			b := testBuilder(t, Options{}, runGo)
			_, err := b.Build(t.Context(), testPlan(t, twoPrograms()), executable.Host(), Stamp{})
			if err == nil || !strings.Contains(err.Error(), "most often because memory ran out") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestOutputOfGoIsBounded(t *testing.T) {
	scriptedGo(t, "head -c 10000000 /dev/zero; exit 1\n")
	output, err := runGo(t.Context(), ".", os.Environ(), nil, nil)
	if err == nil || len(output) != outputLimit {
		t.Errorf("%d bytes, %v", len(output), err)
	}
}
