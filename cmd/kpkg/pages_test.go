package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"
	"mvdan.cc/sh/v3/syntax"

	"github.com/PlakarKorp/kpkg/conformance"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/pages"
	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/schema"
)

// treeRoot is the root of this repository.
func treeRoot(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// readPages reads all pages of the documentation. Blocks without a mark fail the test.
func readPages(t *testing.T) []pages.Page {
	t.Helper()
	root := treeRoot(t)
	names, err := pages.Find(root)
	if err != nil || !slices.Contains(names, "README.md") {
		t.Fatalf("the pages are %q, %v", names, err)
	}
	var all []pages.Page
	for _, name := range names {
		page, problems, err := pages.Read(root, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range problems {
			t.Error(problem)
		}
		all = append(all, page)
	}
	return all
}

// TestPages holds every page to what can be said of it without running anything: blocks are marked and well-formed, commands
// are ones that kpkg takes, links lead somewhere.
func TestPages(t *testing.T) {
	all := readPages(t)
	anchors := map[string][]string{}
	for _, page := range all {
		anchors[page.Name] = headings(page.Source)
	}
	for _, page := range all {
		for _, block := range page.Blocks {
			if err := checkBlock(t, page, block); err != nil {
				t.Errorf("%s: %v", block, err)
			}
		}
		for _, span := range page.Spans {
			if words := strings.Fields(span.Text); len(words) > 1 && words[0] == "kpkg" {
				if err := checkNames(words[1:]); err != nil {
					t.Errorf("%s: `%s`: %v", span, span.Text, err)
				}
			}
		}
		for _, link := range page.Links {
			if err := checkLink(t, page.Name, link.Text, anchors); err != nil {
				t.Errorf("%s: %v", link, err)
			}
		}
	}
}

// checkBlock looks at a block that is not run.
func checkBlock(t *testing.T, page pages.Page, block pages.Block) error {
	has := func(mark string) bool {
		return slices.ContainsFunc(page.Blocks, func(b pages.Block) bool { return b.Mark == mark })
	}
	switch block.Language + " " + block.Mark {
	case "sh run", "sh plakar", "sh check":
		return checkShell(block.Text)
	case "text output":
		if !has("run") {
			return errors.New("there is no block before it whose output it could be")
		}
	case "yaml manifest", "yaml build":
		return checkManifest(block)
	case "yaml workflow":
		return checkWorkflow(t, block.Text)
	case "yaml gitlab":
		return checkGitLab(t, block.Text)
	case "yaml settings":
		return checkSettings(t, block.Text)
	case "json report":
		return checkReport(block.Text)
	case "json sample":
		if !json.Valid([]byte(block.Text)) {
			return errors.New("it is not JSON")
		}
	}
	if block.File != "" && !has("run") {
		return errors.New("no block of the page runs anything that could read the file")
	}
	return nil
}

// checkShell parses commands, and has kpkg and make look at those that are theirs, without doing anything.
func checkShell(script string) error {
	file, err := syntax.NewParser().Parse(strings.NewReader(script), "")
	if err != nil {
		return fmt.Errorf("no shell takes it: %w", err)
	}
	var problems []error
	syntax.Walk(file, func(node syntax.Node) bool {
		call, isCall := node.(*syntax.CallExpr)
		if !isCall || len(call.Args) == 0 {
			return true
		}
		var words []string
		for _, arg := range call.Args {
			word := printedWord(arg)
			if rest, home := strings.CutPrefix(word, "~/"); home { // which the shell replaces
				word = "/home/me/" + rest
			}
			words = append(words, word)
		}
		switch filepath.Base(words[0]) {
		case "kpkg":
			problems = append(problems, checkCommand(words[1:]))
		case "make":
			problems = append(problems, checkTargets(words[1:]))
		}
		return true
	})
	return errors.Join(problems...)
}

// printedWord is a word of a shell, without its quotes. Variables stay as they are.
func printedWord(word *syntax.Word) string {
	var out bytes.Buffer
	for _, part := range word.Parts {
		switch part := part.(type) {
		case *syntax.SglQuoted:
			out.WriteString(part.Value)
		case *syntax.DblQuoted:
			out.WriteString(printedWord(&syntax.Word{Parts: part.Parts}))
		default:
			syntax.NewPrinter().Print(&out, part) //nolint:errcheck // a buffer takes everything
		}
	}
	return out.String()
}

// checkCommand has kpkg's command line judge arguments, and does nothing with them.
func checkCommand(args []string) error {
	root := newRootCommand()
	root.SetOut(&bytes.Buffer{})
	eachCommand(root, func(cmd *cobra.Command) {
		if cmd.RunE != nil && !cmd.HasSubCommands() {
			cmd.RunE = func(*cobra.Command, []string) error { return nil }
		}
	})
	root.SetArgs(args)
	if err := root.Execute(); err != nil {
		return fmt.Errorf("kpkg %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// checkNames looks for the command and the flags that text about kpkg names, in part or in whole.
func checkNames(words []string) error {
	cmd, rest, err := newRootCommand().Find(words)
	if err != nil || cmd.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return errors.New("there is no such command")
	}
	for _, word := range rest {
		name, _, _ := strings.Cut(strings.TrimPrefix(word, "--"), "=")
		known := name == "help" || name == "version"
		eachCommand(cmd, func(sub *cobra.Command) { known = known || sub.Flag(name) != nil })
		if strings.HasPrefix(word, "--") && !known {
			return fmt.Errorf("it has no flag --%s", name)
		}
	}
	return nil
}

// checkTargets looks for the targets that make is given.
func checkTargets(args []string) error {
	data, err := os.ReadFile("../../Makefile")
	if err != nil {
		return err
	}
	for _, arg := range args {
		if !strings.ContainsAny(arg, "=-") && !regexp.MustCompile(`(?m)^`+arg+`:`).Match(data) {
			return fmt.Errorf("the Makefile has no target %s", arg)
		}
	}
	return nil
}

// checkManifest judges a manifest, or a part of one that is put into a whole one.
func checkManifest(block pages.Block) error {
	text := block.Text
	const connectors = "connectors:\n- {type: importer, class: service, subclass: ftp, protocols: [ftp], executable: ftpImporter, " +
		"validator: s.json}\n"
	const head = "name: ftp\ndisplay_name: FTP\ndescription: FTP servers\nhomepage: https://example.org\nlicense: ISC\n" +
		"api_version: v1.1.0\n"
	if !strings.Contains("\n"+text, "\nconnectors:") {
		text = connectors + text
	}
	if !strings.Contains("\n"+text, "\nname:") {
		text = head + text
	}
	doc := manifest.Read(block.String(), []byte(text))
	findings, err := doc.Check(context.Background(), manifest.CheckOptions{})
	if err != nil {
		return err
	}
	for _, f := range findings {
		if f.Severity != finding.Info && f.Rule != "build-unused" { // the part is about another integration
			return fmt.Errorf("%s [%s]", f.Message, f.Rule)
		}
	}
	return nil
}

// checkWorkflow looks at the commands of a workflow of GitHub's, and at what it gives kpkg's own action.
func checkWorkflow(t *testing.T, text string) error {
	var workflow struct {
		Jobs map[string]struct {
			Steps []actionStep
		}
	}
	if err := yaml.Unmarshal([]byte(text), &workflow); err != nil {
		return err
	}
	commands := 0
	for _, job := range workflow.Jobs {
		for _, step := range job.Steps {
			if strings.HasPrefix(step.Uses, "PlakarKorp/kpkg@") {
				commands++
				for name := range step.With {
					if _, known := readAction(t).Inputs[name]; !known {
						return fmt.Errorf("the action has no input %s", name)
					}
				}
			}
			if step.Run == "" {
				continue
			}
			commands++
			// What stands in ${{ }} is put in by GitHub before a shell sees it.
			run := regexp.MustCompile(`\$\{\{.*?\}\}`).ReplaceAllStringFunc(step.Run, func(expression string) string {
				if strings.Contains(expression, "platform") {
					return "linux/amd64"
				}
				return "v1.2.3"
			})
			if err := checkShell(run); err != nil {
				return err
			}
		}
	}
	if commands == 0 {
		return errors.New("a workflow that runs nothing")
	}
	return nil
}

// checkSettings reads settings for kpkg test.
func checkSettings(t *testing.T, text string) error {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kpkg-test.yaml"), []byte(text), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "secret.txt"), []byte("secret"), 0o644); err != nil {
		return err
	}
	for _, variable := range regexp.MustCompile(`\$([A-Z_]+)`).FindAllStringSubmatch(text, -1) {
		t.Setenv(variable[1], "secret")
	}
	_, err := conformance.ReadSettings(dir)
	return err
}

// checkReport holds a report to the schema of reports.
func checkReport(text string) error {
	var content any
	if err := json.Unmarshal([]byte(text), &content); err != nil {
		return err
	}
	compiled, err := jsonschema.CompileString("report.schema.json", string(schema.Report))
	if err != nil {
		return err
	}
	return compiled.Validate(content)
}

// headings are the anchors of a page, as GitHub makes them.
func headings(source []byte) []string {
	var found []string
	for _, m := range regexp.MustCompile("(?m)^#+ (.*)$").FindAllSubmatch(source, -1) {
		title := strings.ToLower(string(m[1]))
		title = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(title, "")
		found = append(found, strings.ReplaceAll(title, " ", "-"))
	}
	return found
}

// checkLink looks for what a link of a page leads to in this tree.
func checkLink(t *testing.T, page, link string, anchors map[string][]string) error {
	if strings.Contains(link, ":") { // elsewhere
		return nil
	}
	file, anchor, _ := strings.Cut(link, "#")
	target := page
	if file != "" {
		target = filepath.ToSlash(filepath.Join(filepath.Dir(page), file))
	}
	if _, err := os.Stat(filepath.Join(treeRoot(t), target)); err != nil {
		return fmt.Errorf("the link %s leads to no file", link)
	}
	if anchor != "" && !slices.Contains(anchors[target], anchor) {
		return fmt.Errorf("the link %s leads to no heading", link)
	}
	return nil
}

// TestPagesRun runs the commands of every page, those marked "run", in an empty folder that has a copy of this tree in the
// folder kpkg. What only plakar's client can do is run in interop.
func TestPagesRun(t *testing.T) {
	raced.Skip(t, "other programs do the work")
	t.Parallel()
	root := treeRoot(t)
	fetchModules(t, filepath.Join(root, "examples"))
	caches := goEnv(t, "GOROOT", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOFLAGS", "CGO_ENABLED")
	for _, page := range readPages(t) {
		if !slices.ContainsFunc(page.Blocks, func(b pages.Block) bool { return b.Mark == "run" }) {
			continue
		}
		t.Run(page.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			copyTree(t, root, filepath.Join(dir, "kpkg"))
			turnTelemetryOff(t, filepath.Join(dir, ".home", ".config"))
			env := []string{
				"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, ".home"), "TMPDIR=" + os.TempDir(),
				"XDG_CACHE_HOME=" + filepath.Join(dir, ".home", "cache"), "GIT_CEILING_DIRECTORIES=" + dir, "GOTOOLCHAIN=local",
			}
			for name, value := range caches {
				env = append(env, name+"="+value)
			}
			if err := page.Run(t.Context(), dir, env, "run"); err != nil {
				t.Error(err)
			}
		})
	}
}

// turnTelemetryOff keeps go, in a home that it does not know, from starting a program that writes there when all is over.
func turnTelemetryOff(t *testing.T, config string) {
	t.Helper()
	mode := filepath.Join(config, "go", "telemetry", "mode")
	if err := os.MkdirAll(filepath.Dir(mode), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mode, []byte("off 2026-01-01\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// copyTree copies what a clone of this repository has, but for its history.
func copyTree(t *testing.T, root, to string) {
	t.Helper()
	list := exec.Command("git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		t.Fatalf("listing the tree: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		from, file := filepath.Join(root, name), filepath.Join(to, name)
		info, err := os.Lstat(from)
		if errors.Is(err, os.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			continue // removed, and not committed yet
		}
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(file), 0o755)
		}
		if err == nil {
			err = os.WriteFile(file, data, info.Mode().Perm())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// imported are the packages that fragments of code may use without saying so, by the names under which they do.
var imported = map[string]string{
	"conformance": "github.com/PlakarKorp/kpkg/conformance",
	"connectors":  "github.com/PlakarKorp/kloset/connectors",
	"location":    "github.com/PlakarKorp/kloset/location",
	"objects":     "github.com/PlakarKorp/kloset/objects",
	"sdk":         "github.com/PlakarKorp/kpkg/sdk",
	"settings":    "github.com/PlakarKorp/kpkg/sdk/settings",
	"context":     "context", "errors": "errors", "fmt": "fmt", "fs": "io/fs", "io": "io", "os": "os", "strings": "strings",
	"testing": "testing", "time": "time",
}

// TestPagesCompile compiles the Go of every page. A block without a package clause is completed by one, by its imports and by
// the hidden block before it.
func TestPagesCompile(t *testing.T) {
	raced.Skip(t, "other programs do the work")
	t.Parallel()
	root := treeRoot(t)
	overlay := map[string]string{}
	args := []string{"build"}
	hidden := ""
	for _, page := range readPages(t) {
		for _, block := range page.Blocks {
			if block.Language != "go" || block.Mark != "compile" {
				continue
			}
			if block.Hidden {
				hidden = block.Text
				continue
			}
			source := block.Text
			if !regexp.MustCompile(`(?m)^package `).MatchString(source) {
				source = wholeFile(block, hidden)
			}
			hidden = ""
			// Code in the tree may import what is in it; the overlay is a tree with these files more.
			dir := fmt.Sprintf("internal/pages/block%d", len(overlay))
			file := filepath.Join(t.TempDir(), "block.go")
			if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
				t.Fatal(err)
			}
			overlay[filepath.Join(root, filepath.FromSlash(dir), "block.go")] = file
			args = append(args, "./"+dir)
		}
	}
	if len(overlay) == 0 {
		t.Fatal("no page has Go to compile")
	}
	replaced, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(file, replaced, 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", slices.Insert(args, 1, "-overlay", file)...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// wholeFile makes a file of a fragment. What the compiler says about it has the page's name and line.
func wholeFile(block pages.Block, hidden string) string {
	var imports strings.Builder
	for _, name := range slices.Sorted(maps.Keys(imported)) {
		if regexp.MustCompile(`\b` + name + `\.[A-Z]`).MatchString(hidden + block.Text) {
			fmt.Fprintf(&imports, "%q\n", imported[name])
		}
	}
	return fmt.Sprintf("package page\nimport (\n%s)\n%s\n//line %s:%d\n%s",
		imports.String(), hidden, block.Page, block.Line, block.Text)
}
