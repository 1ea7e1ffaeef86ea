package create

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
)

// TestIgnore holds that build.ignore silences warnings and notes alone, counts them, and is itself checked.
func TestIgnore(t *testing.T) {
	const text = "name: X\nconnectors:\n- {type: importer, protocols: [fs], executable: x}\n" +
		"build:\n  ignore: [class-missing, name-case, protocol-builtin, version-key, licence, zzz]\n"
	s, dir := source(t, text, map[string][]byte{})
	want := []string{
		"error manifest.yaml:3 plakar has its own importer for protocol \"fs\" and will not install this one",
		"warning manifest.yaml:5 no check of sources has the rule \"licence\"",
		"warning manifest.yaml:5 no check of sources has the rule \"zzz\"",
	}
	ignored := []string{"class-missing", "name-case", "protocol-builtin", "ignore-unknown"}
	if diff := cmp.Diff(want, of(s.Findings, ignored...)); diff != "" {
		t.Error(diff)
	}
	if s.Silenced != 2 { // class-missing and name-case
		t.Errorf("%d silenced", s.Silenced)
	}
	for _, f := range s.Findings {
		if f.Rule == "ignore-unknown" && f.Hint != `did you mean "license"?` && f.Hint != "findings name their rules in brackets" {
			t.Errorf("hint %q", f.Hint)
		}
	}
	alone, err := Validate(t.Context(), dir, ValidateOptions{ManifestOnly: true, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	if alone.Silenced != 2 || !finding.HasErrors(alone.Findings) {
		t.Errorf("the manifest alone: %d silenced, %v", alone.Silenced, alone.Findings)
	}
}

// source lays out a tree and validates it, without looking for main packages.
func source(t *testing.T, text string, files map[string][]byte) (*Source, string) {
	t.Helper()
	dir := t.TempDir()
	files[manifest.FileName] = []byte(text)
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Validate(t.Context(), dir, ValidateOptions{NoBuild: true})
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

// of writes the findings with one of the rules.
func of(findings []finding.Finding, rules ...string) []string {
	var lines []string
	for _, f := range findings {
		if slices.Contains(rules, f.Rule) {
			lines = append(lines, fmt.Sprintf("%s %s:%d %s", f.Severity, filepath.Base(f.File), f.Line, f.Message))
		}
	}
	return lines
}
