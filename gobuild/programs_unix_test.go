//go:build unix

package gobuild

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/manifest"
)

// TestProgramsAreStarted holds the check to what go really does: what is reported is started.
func TestProgramsAreStarted(t *testing.T) {
	for _, setting := range []string{"GOFLAGS=-toolexec=%s", "GOCACHEPROG=%s"} {
		dir := t.TempDir()
		program, mark := filepath.Join(dir, "program"), filepath.Join(dir, "mark")
		if err := os.WriteFile(program, fmt.Appendf(nil, "#!/bin/sh\ntouch %s\nexit 1\n", mark), 0o755); err != nil {
			t.Fatal(err)
		}
		name, value, _ := strings.Cut(fmt.Sprintf(setting, program), "=")
		files := twoPrograms()
		files["manifest.yaml"] += fmt.Sprintf("build: {env: {%s: %s}}\n", name, value)
		if found := CheckPrograms(manifest.Read("manifest.yaml", []byte(files["manifest.yaml"]))); len(found) != 1 {
			t.Errorf("%s: %v", setting, found)
		}
		testBuilder(t, Options{}, runGo).Build(t.Context(), testPlan(t, files), executable.Host(), Stamp{})
		if !exists(t, mark) {
			t.Errorf("%s is reported and starts nothing", setting)
		}
	}
}
