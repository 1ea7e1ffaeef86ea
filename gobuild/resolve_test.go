package gobuild

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestResolve lays out each tree of testdata/resolve and compares what Resolve makes of it with the tree's last file.
func TestResolve(t *testing.T) {
	trees, err := filepath.Glob("testdata/resolve/*.txtar")
	if err != nil || len(trees) == 0 {
		t.Fatalf("no trees: %v", err)
	}
	for _, tree := range trees {
		t.Run(strings.TrimSuffix(filepath.Base(tree), ".txtar"), func(t *testing.T) {
			archive, dir := layOut(t, tree)
			golden := len(archive.Files) - 1
			plan, findings, err := Resolve(t.Context(), dir, readManifest(t, dir))
			if err != nil {
				t.Fatal(err)
			}
			got := resolved(plan, findings)
			if *update {
				archive.Files[golden].Data = []byte(got)
				if err := os.WriteFile(tree, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(archive.Files[golden].Data), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// layOut makes the tree of an archive, whose last file is what is wanted.
func layOut(t *testing.T, path string) (*txtar.Archive, string) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir, files := t.TempDir(), map[string]string{}
	golden := len(archive.Files) - 1
	if archive.Files[golden].Name != "want" {
		t.Fatal("the last file of the tree is not named want")
	}
	for _, file := range archive.Files[:golden] {
		files[file.Name] = string(file.Data)
	}
	writeTree(t, dir, files)
	return archive, dir
}

func readManifest(t *testing.T, dir string) *manifest.Document {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "manifest.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return manifest.Read("manifest.yaml", data)
}

func resolved(plan *Plan, findings []finding.Finding) string {
	var b strings.Builder
	for _, e := range plan.Executables {
		fmt.Fprintf(&b, "%s: %s %s\n", e.Name, e.Source, strings.Join(append([]string{e.Package}, e.Files...), " "))
	}
	fmt.Fprintf(&b, "all: %v\n", plan.Platforms())
	for _, f := range findings {
		fmt.Fprintf(&b, "%s\n", f)
		if f.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", f.Hint)
		}
	}
	return b.String()
}
