package interop

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// TestWorkflows holds the workflows of docs/ci.md, and with them the action that they use, to actionlint.
func TestWorkflows(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(rig.Root(), "docs", "ci.md"))
	if err != nil {
		t.Fatal(err)
	}
	lint, root := newLinter(t)
	workflows := regexp.MustCompile("(?ms)^```yaml workflow\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	for i, block := range workflows {
		if found := lint(filepath.Join(root, fmt.Sprintf("%d.yml", i)), block[1]); found != "" {
			t.Errorf("%s\n%s", block[1], found)
		}
	}
	if len(workflows) < 3 {
		t.Errorf("the page has %d workflows", len(workflows))
	}
	// What the action does not take is found.
	const wrong = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: PlakarKorp/kpkg@main\n        with: { manifests: a }\n"
	if found := lint(filepath.Join(root, "wrong.yml"), wrong); !strings.Contains(found, `"manifests" is not defined in action "kpkg"`) {
		t.Errorf("of an input that the action does not have, actionlint says %q", found)
	}
}

// newLinter is actionlint in a repository that has kpkg's action in its folder kpkg, which is used in the place of that on
// GitHub: actionlint reads the metadata of local actions only.
func newLinter(t *testing.T) (lint func(file, workflow string) string, root string) {
	t.Helper()
	root = t.TempDir()
	metadata, err := os.ReadFile(filepath.Join(rig.Root(), "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{".git", filepath.Join(".github", "workflows"), "kpkg"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "kpkg", "action.yml"), metadata, 0o644); err != nil {
		t.Fatal(err)
	}
	project, err := actionlint.NewProject(root)
	if err != nil {
		t.Fatal(err)
	}
	return func(file, workflow string) string {
		var found bytes.Buffer
		linter, err := actionlint.NewLinter(&found, &actionlint.LinterOptions{WorkingDir: root})
		if err != nil {
			t.Fatal(err)
		}
		local := strings.ReplaceAll(workflow, "PlakarKorp/kpkg@main", "./kpkg")
		if _, err := linter.Lint(file, []byte(local), project); err != nil {
			t.Fatal(err)
		}
		return found.String()
	}, root
}
