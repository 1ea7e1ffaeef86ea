package host

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFindCrun takes crun where it is there and makes a container of this root, and says why it does not take it.
func TestFindCrun(t *testing.T) {
	installed, err := exec.LookPath("crun")
	if err != nil {
		t.Fatal(err, "(Debian's package crun has it)")
	}
	root := t.TempDir()
	if err := errors.Join(os.Chmod(root, 0o755), os.WriteFile(filepath.Join(root, "program"), nil, 0o755), prepareRoot(root)); err != nil {
		t.Fatal(err)
	}
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "crun"), []byte("#!/bin/sh\necho warned\necho it is not my day >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ path, program, want, crun string }{
		"works":      {filepath.Dir(installed), "/program", installed, installed},
		"none":       {t.TempDir(), "/program", "kpkg, from namespaces, as no crun is in PATH", ""},
		"broken":     {broken, "/program", "crun does not work here: it is not my day", ""},
		"no program": {filepath.Dir(installed), "/other", "crun does not work here: executable file `/other` not found", ""},
	} {
		t.Setenv("PATH", test.path)
		c := Container{Root: root}
		if got, err := c.findCrun(t.Context(), test.program); err != nil || !strings.Contains(got, test.want) || c.Crun != test.crun {
			t.Errorf("%s: %q, %v, %q", name, got, err, c.Crun)
		}
	}
}
