package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/internal/raced"
)

//go:generate go test -run ^TestCommandsPage$ -update .

// TestCommandsPage compares docs/commands.md with the help of the commands, or with -update writes it.
func TestCommandsPage(t *testing.T) {
	var page bytes.Buffer
	page.WriteString("# Commands\n\nWhat `--help` says of each command. `go generate ./cmd/kpkg` writes this page.\n")
	eachCommand(newRootCommand(), func(cmd *cobra.Command) {
		if cmd.HasParent() && !cmd.IsAvailableCommand() || strings.HasPrefix(cmd.CommandPath(), "kpkg completion ") {
			return
		}
		var help bytes.Buffer
		writeHelp(&help, cmd, 0)
		text := help.String()
		if cmd.HasParent() { // those are on the page once
			text, _, _ = strings.Cut(text, "\nFlags of all commands:\n")
		}
		fmt.Fprintf(&page, "\n## %s\n\n```text figure\n%s\n```\n", cmd.CommandPath(), strings.TrimSpace(text))
	})
	file := filepath.Join(treeRoot(t), "docs", "commands.md")
	if *update {
		if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if there, err := os.ReadFile(file); err != nil || !bytes.Equal(there, page.Bytes()) {
		t.Errorf("docs/commands.md is not what the commands say: run go generate ./cmd/kpkg (%v)", err)
	}
}

// TestManual makes the manual pages and has man show one, in which what Markdown would take for its own must have stayed.
func TestManual(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SOURCE_DATE_EPOCH", "86400")
	root := newRootCommand()
	root.SetOut(io.Discard)
	root.SetArgs([]string{"manual", dir})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	eachCommand(newRootCommand(), func(cmd *cobra.Command) {
		if cmd.HasParent() && !cmd.IsAvailableCommand() {
			return
		}
		page, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(page, []byte("Jan 1970")) {
			t.Errorf("the page of %s has another date:\n%.200s", cmd.CommandPath(), page)
		}
	})
	page, err := os.ReadFile(filepath.Join(dir, "kpkg-ls.1"))
	for _, want := range []string{".SH DESCRIPTION", "* stands for", "and ** for any", "[a-z] for one", `\fB--snapshot\fP`} {
		if !strings.Contains(strings.ReplaceAll(string(page), "\n", " "), strings.ReplaceAll(want, "\n", " ")) {
			t.Errorf("the page of ls has no %q, %v:\n%s", want, err, page)
		}
	}
}

// TestBashCompletion has a real bash complete command lines, by what kpkg completion bash prints.
func TestBashCompletion(t *testing.T) {
	raced.Skip(t, "other programs do the work")
	const library = "/usr/share/bash-completion/bash_completion"
	if _, err := os.Stat(library); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("bash-completion is not installed, as it is where the project's own checks run")
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"manifest.yaml": "name: ftp\nconnectors:\n- {type: importer, protocols: [ftp], executable: ftp, validator: schema.json}\n",
		"schema.json":   `{"properties": {"location": {}, "username": {"description": "who logs in"}}}`,
		"other.yaml":    "a: b\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		"kpkg vali": "validate",
		"kpkg create --platform linux/amd64,window": "linux/amd64,windows/amd64",
		"kpkg create ma":            "manifest.yaml",
		"kpkg create oth":           "",
		"kpkg test --config user":   "username=",
		"kpkg test --connector imp": "importer:ftp",
	} {
		words := strings.Fields(line)
		script := fmt.Sprintf(`. %s
eval "$(kpkg completion bash)"
COMP_LINE=%q COMP_POINT=${#COMP_LINE} COMP_TYPE=9 COMP_WORDS=(%s) COMP_CWORD=%d
__start_kpkg
printf '%%s\n' "${COMPREPLY[@]}"
`, library, line, strings.Join(words, " "), len(words)-1)
		run := exec.CommandContext(t.Context(), "bash", "--norc", "-c", script)
		run.Dir = dir
		out, err := run.Output()
		// Bash takes a word apart at ":" and "="; what it is given back begins after that.
		if found := strings.Fields(strings.ReplaceAll(string(out), `\`, "")); err != nil || want != "" && !strings.Contains(strings.Join(found, " "), want) || want == "" && len(found) > 0 {
			t.Errorf("%s: %q, %v", line, found, err)
		}
	}
}
