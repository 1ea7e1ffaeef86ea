//go:build unix

package gobuild

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/finding/findingtest"
	"github.com/PlakarKorp/kpkg/gobuild/internal/makefile"
	"github.com/PlakarKorp/kpkg/manifest"
)

// TestRules holds that a tree raises each rule. One of them takes a pipe. docs/building.md is held to the rules in create.
func TestRules(t *testing.T) {
	trees, err := filepath.Glob("testdata/resolve/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	findings := append(largeMakefile(t), pipe(t)...)
	for _, tree := range trees {
		_, dir := layOut(t, tree)
		_, found, err := Resolve(t.Context(), dir, readManifest(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		findings = append(findings, found...)
	}
	programs := manifest.Read("manifest.yaml", []byte("name: x\nbuild: {env: {CC: ./cc}}\n"))
	findingtest.Raised(t, Rules, append(findings, CheckPrograms(programs)...))
}

// pipe are the findings on a tree with a pipe that is named like a Go file.
func pipe(t *testing.T) []finding.Finding {
	t.Helper()
	dir := t.TempDir()
	writeTree(t, dir, simple)
	if err := syscall.Mkfifo(filepath.Join(dir, "plugin/importer/pipe.go"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, findings, err := Resolve(t.Context(), dir, readManifest(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

// largeMakefile are the findings on a tree whose Makefile is too large to be read.
func largeMakefile(t *testing.T) []finding.Finding {
	t.Helper()
	dir := t.TempDir()
	writeTree(t, dir, simple)
	writeTree(t, dir, map[string]string{
		"Makefile": "all:\n\tgo build -o other ./plugin/other\n" + strings.Repeat("#", makefile.MaxSize),
	})
	plan, findings, err := Resolve(t.Context(), dir, readManifest(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Executables) != 1 || plan.Executables[0].Source != FromConvention || len(findings) != 1 {
		t.Errorf("%+v, %v", plan.Executables, findings)
	}
	return findings
}
