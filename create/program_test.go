package create

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/executable/executabletest"
)

// The build ID is the one that go finds, in every format of executables.
func TestBuildID(t *testing.T) {
	for _, system := range []string{"linux", "windows", "darwin", "freebsd"} {
		file := filepath.Join(t.TempDir(), "program")
		data := executabletest.Program(t, system, "amd64")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		want, err := exec.Command("go", "tool", "buildid", file).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := buildID(bytes.NewReader(data)); got == "" || got != strings.TrimSpace(string(want)) {
			t.Errorf("of a program for %s: %q, want %q", system, got, want)
		}
	}
	for name, data := range map[string]string{
		"nothing": "", "a script": "#!/bin/sh\n", "one that was set": "\xff Go build ID: \"mine\"\n \xff",
		"an empty one": "\xff Go build ID: \"\"\n \xff", "one without an end": "\xff Go build ID: \"a/b/c/d",
		"a note that is cut off": "\x80\x00\x00\x00\x04\x00\x00\x00Go\x00\x00a/b/c/d", "the last part missing": "\xff Go build ID: \"a/b/c/\"\n \xff",
	} {
		if got := buildID(strings.NewReader(data)); got != "" {
			t.Errorf("%s has the build ID %q", name, got)
		}
	}
	if thisProgram() == "" {
		t.Error("this program cannot be told from others")
	}
}
