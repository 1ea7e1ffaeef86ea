package host_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/PlakarKorp/kpkg/host"
)

// TestLeftBehind ends what a plugin has started, wherever that has gone, and tells what did not end by itself.
func TestLeftBehind(t *testing.T) {
	if err := host.AdoptOrphans(); err != nil {
		t.Fatal(err)
	}
	// It is this program's own, and not to be waited for by anybody else.
	own := exec.Command("sleep", "0.5")
	if err := own.Start(); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		start string // in a shell, with the number of the process to the file $1
		left  []string
	}{
		"in its group":           {`sleep 61 & echo $! > $1`, []string{"sleep"}},
		"in another session":     {`setsid sh -c 'echo $$ > '$1'; exec sleep 62' &`, []string{"sleep"}},
		"without a parent":       {`(setsid sh -c 'echo $$ > '$1'; exec sleep 63' &)`, []string{"sleep"}},
		"without an environment": {`env -i setsid sh -c 'echo $$ > '$1'; PATH=/usr/bin:/bin exec sleep 64' &`, []string{"sleep"}},
		"ends by itself":         {`setsid sh -c 'echo $$ > '$1'; exec sleep 0.2' &`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			script, pidFile := filepath.Join(dir, "script"), filepath.Join(dir, "pid")
			content := fmt.Sprintf("#!/bin/sh\nset -- %s\n%s\nuntil [ -s $1 ]; do sleep 0.05; done\nexec %s importer\n",
				pidFile, test.start, os.Args[0])
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
			pid := readPid(t, pidFile)
			wantGone(t, pid)
			if !slices.Equal(p.Left(), test.left) {
				t.Errorf("left: %v, want %v", p.Left(), test.left)
			}
			if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil && test.left != nil {
				t.Error("it was not reaped")
			}
		})
	}
	if err := own.Wait(); err != nil {
		t.Error("the program's own process:", err)
	}
}
