package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// TestInit takes a new integration the way that plakar's own tools have, pkg build from a tag of its repository, and then kpkg's,
// and backs up, restores and keeps a store through what comes of both.
func TestInit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(dir, program string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a",
			"GIT_COMMITTER_EMAIL=a@example.org", "GIT_CONFIG_GLOBAL=/dev/null")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
	}
	in(dir, tools.Kpkg, "init", "notes", "--importer", "--exporter", "--storage")
	notes := filepath.Join(dir, "notes")
	in(notes, "git", "init", "-q", "-b", "main")
	in(notes, "git", "add", "-A")
	in(notes, "git", "commit", "-q", "-m", "Begin")
	in(notes, "git", "tag", "v0.1.0")
	in(notes, tools.Kpkg, "create", ".", "--out-dir", "dist", "--strict")

	workflow, err := os.ReadFile(filepath.Join(notes, ".github", "workflows", "integration.yml"))
	if err != nil {
		t.Fatal(err)
	}
	lint, root := newLinter(t)
	if found := lint(filepath.Join(root, "integration.yml"), string(workflow)); found != "" {
		t.Error(found)
	}

	recipe := filepath.Join(dir, "recipe.yaml")
	text := "name: notes\nversion: v0.1.0\nrepository: " + notes + "\n"
	if err := os.WriteFile(recipe, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	name := packageName("notes")
	for who, file := range map[string]string{"kpkg": filepath.Join(notes, "dist", name), "plakar": filepath.Join(dir, name)} {
		t.Run(who, func(t *testing.T) {
			client := newClient(t)
			if who == "plakar" {
				buildWithPlakar(t, client, recipe, file)
			}
			must(t, client, "pkg", "add", file)
			tree := writeTree(t)
			store := "notes://" + filepath.Join(t.TempDir(), "store")
			must(t, client, "at", store, "create", "-plaintext")
			restored := filepath.Join(t.TempDir(), "restored")
			backup(t, client, store, "notes://"+tree, "notes://"+restored)
			wantEqual(t, tree, restored)
		})
	}
}

// buildWithPlakar has plakar clone, make and pack what a recipe names, and moves the package to file. Go keeps its caches.
func buildWithPlakar(t *testing.T, client *rig.Client, recipe, file string) {
	t.Helper()
	var variables []string
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB"} {
		value, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		variables = append(variables, name+"="+strings.TrimSpace(string(value)))
	}
	result, err := client.RunWith(t.Context(), variables, "pkg", "build", recipe)
	if err != nil || result.Status != 0 {
		t.Fatalf("plakar pkg build: %v, %v", err, result)
	}
	made := filepath.Join(client.Home(), packageName("notes"))
	if err := os.Rename(made, file); err != nil {
		t.Fatal(err)
	}
}
