package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFirstIntegration follows docs/first.md to the letter: its files are written and its commands run, but for those of
// plakar and the suite, which takes a minute.
func TestFirstIntegration(t *testing.T) {
	page, err := os.ReadFile("../../docs/first.md")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	base := t.TempDir()
	if err := os.Symlink(root, filepath.Join(base, "kpkg")); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(base, "bin")
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "kpkg"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var commands strings.Builder
	part := regexp.MustCompile("(?ms)`([^`\n]+)`:\n\n```[a-z]+\n(.*?)^```\n|^    (.*?)$")
	for _, m := range part.FindAllStringSubmatch(string(page), -1) {
		switch {
		case m[1] != "":
			commands.WriteString("cat > " + m[1] + " <<'END'\n" + m[2] + "END\n")
		case !strings.HasPrefix(m[3], "plakar") && !strings.HasPrefix(m[3], "kpkg test"):
			commands.WriteString(strings.Replace(m[3], "--platform all ", "", 1) + "\n") // which is as long as six of it
		}
	}
	run := exec.Command("sh", "-ex")
	run.Dir, run.Stdin = base, strings.NewReader(commands.String())
	run.Env = append(os.Environ(), "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"), "GOFLAGS=-mod=mod",
		"XDG_CACHE_HOME="+filepath.Join(base, "cache"))
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"backed up 2 files, 1 folder", "/shopping"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if packages, _ := filepath.Glob(filepath.Join(base, "notes/dist/notes_v0.1.0_*.ptar")); len(packages) != 1 {
		t.Errorf("packages: %v", packages)
	}
}
