package pages

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const sample = "# A page\n\nText with `kpkg verify a.ptar` in [it](other.md).\n\n" +
	"```sh run\nkpkg version\n```\n\n" +
	"<!-- sh run\nmkdir a\n-->\n\n<!-- a note -->\n\n" +
	"- ```go file=plugin/main.go\n  package main\n  ```\n\n" +
	"| a | b |\n|---|---|\n| 12 MiB | c |\n\n" +
	"    indented\n\n```\nnone\n```\n\n```sh\nunmarked\n```\n\n~~~go run\nwrong\n~~~\n\n```go file=../main.go\noutside\n```\n"

func TestRead(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "page.md"), []byte(sample), 0o644); err != nil {
		t.Fatal(err)
	}
	page, problems, err := Read(root, "page.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range page.Blocks {
		got = append(got, fmt.Sprintf("%d %s %s %s %q", b.Line, b.Language, b.Mark, b.File, b.Text))
	}
	want := []string{
		`6 sh run  "kpkg version\n"`, `10 sh run  "mkdir a\n"`, `16 go file plugin/main.go "package main\n"`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("blocks:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var lines []string
	for _, problem := range problems {
		place, _, _ := strings.Cut(problem.Error(), ": ")
		lines = append(lines, place)
	}
	if want := "page.md:23 page.md:26 page.md:30 page.md:34 page.md:38"; strings.Join(lines, " ") != want {
		t.Errorf("problems %s, want %s", lines, want)
	}
	if len(page.Spans) != 1 || page.Spans[0].Text != "kpkg verify a.ptar" || page.Spans[0].Line != 3 {
		t.Errorf("spans: %+v", page.Spans)
	}
	if len(page.Links) != 1 || page.Links[0].Text != "other.md" {
		t.Errorf("links: %+v", page.Links)
	}
	var prose []string
	for _, p := range page.Prose {
		prose = append(prose, p.Text)
	}
	if want := "A page\nText with kpkg verify a.ptar in it (other.md).\na | b | \n12 MiB | c | "; strings.Join(prose, "\n") != want {
		t.Errorf("prose %q", prose)
	}
}

func TestFind(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"README.md", "docs/a.md", "docs/testdata/b.md", ".git/c.md", "bin/d.md", "docs/e.txt"} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := Find(root)
	if err != nil || strings.Join(found, " ") != "README.md docs/a.md" {
		t.Errorf("%q, %v", found, err)
	}
}

func TestRun(t *testing.T) {
	page := Page{Name: "page.md", Blocks: []Block{
		{Page: "page.md", Line: 1, Language: "text", Mark: "file", File: "a/b.txt", Text: "one\ntwo\n"},
		{Page: "page.md", Line: 2, Language: "sh", Mark: "run", Text: "cat a/b.txt\n"},
		{Page: "page.md", Line: 3, Language: "sh", Mark: "check", Text: "false\n"},
		{Page: "page.md", Line: 4, Language: "text", Mark: "output", Text: "one\nt...o\n"},
		{Page: "page.md", Line: 5, Language: "sh", Mark: "plakar", Text: "cd a; echo \"$NAME\" >&2\n"},
	}}
	run := func(env []string, marks ...string) string {
		return fmt.Sprint(page.Run(t.Context(), t.TempDir(), append(env, "PATH="+os.Getenv("PATH")), marks...))
	}
	if got := run(nil, "run"); got != "<nil>" {
		t.Error(got)
	}
	page.Blocks = append(page.Blocks, Block{Page: "page.md", Line: 6, Language: "text", Mark: "output", Text: "it\n"})
	if got := run([]string{"NAME=it"}, "run", "plakar"); got != "<nil>" {
		t.Error(got)
	}
	if got := run([]string{"NAME=else"}, "run", "plakar"); !strings.Contains(got, `page.md:6: "it" was not printed`) {
		t.Error(got)
	}
	page.Blocks[1].Text = "echo before; false\n"
	if got := run(nil, "run", "plakar"); !strings.Contains(got, "page.md:2: exit status 1\nbefore") {
		t.Error(got)
	}
}

func TestMatch(t *testing.T) {
	const printed = "ok  ftp v1.2.3\n\n2 packages\nlast  \n"
	for shown, want := range map[string]bool{
		"ok  ftp v1.2.3\n": true, "ok ... v...\n2 packages\n": true, "ok...\n...\nlast\n": true,
		"ok  ftp\n": false, "last\n2 packages\n": false, "2 package.\n": false,
	} {
		if err := Match(shown, printed); (err == nil) != want {
			t.Errorf("%q: %v", shown, err)
		}
	}
}
