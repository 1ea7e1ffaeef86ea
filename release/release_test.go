package release

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/finding/findingtest"
)

const app = `name: NAME
display_name: App
description: a Go program
homepage: https://example.org/app
license: ISC
api_version: v1.1.0
connectors:
- {type: importer, class: service, executable: program, protocols: [xapp], validator: schema.json, extra_files: [words]}
build:
  packages: {program: ./main}
  platforms: [linux/amd64, linux/arm64]
`

// source is a repository with integrations, each in a folder and a Go module of its own.
func source(t *testing.T, names ...string) string {
	t.Helper()
	for name, value := range map[string]string{
		"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org",
		"GIT_CONFIG_GLOBAL": filepath.Join(t.TempDir(), "none"), "GOFLAGS": "-mod=mod",
	} {
		t.Setenv(name, value)
	}
	dir := t.TempDir()
	for _, name := range names {
		for file, content := range map[string]string{
			"manifest.yaml": strings.ReplaceAll(app, "NAME", name), "words": "words\n", "README.md": "# App\n", "LICENSE": "ISC\n",
			"schema.json": `{"type": "object", "properties": {"location": {"type": "string"}}}`,
			"go.mod":      "module example.org/app\n\ngo 1.26\n", "main/main.go": "package main\n\nfunc main() { println(\"" + name + "\") }\n",
		} {
			path := filepath.Join(dir, name, filepath.FromSlash(file))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			put(t, path, content)
		}
	}
	gitDo(t, dir, "init", "-q")
	gitDo(t, dir, "remote", "add", "origin", "https://token@example.org/acme/apps.git")
	commit(t, dir, "First", "")
	return dir
}

func gitDo(t *testing.T, dir string, args ...string) {
	t.Helper()
	if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
}

func commit(t *testing.T, dir, message, tag string) {
	t.Helper()
	gitDo(t, dir, "add", ".")
	gitDo(t, dir, "commit", "-q", "--allow-empty", "-m", message)
	if tag != "" {
		gitDo(t, dir, "tag", tag)
	}
}

func options(dir, out string, names ...string) Options {
	o := Options{OutDir: out, SkipTest: []string{"importer:xapp"}, Maker: "test", Compression: "gzip"}
	for _, name := range names {
		o.Manifests = append(o.Manifests, filepath.Join(dir, name))
	}
	return o
}

// released runs a release that has to succeed.
func released(t *testing.T, opts Options) ([]*Release, Outcome) {
	t.Helper()
	releases, outcome, err := Run(context.Background(), opts)
	for _, r := range releases {
		err = errors.Join(err, r.Err)
		for _, f := range r.Findings {
			if f.Severity == finding.Error {
				t.Errorf("%v", f)
			}
		}
	}
	if err != nil || outcome == Refused {
		t.Fatalf("%v, %v", outcome, err)
	}
	return releases, outcome
}

// Several integrations of a repository have a folder each, and the tags of each are its own.
func TestSeveral(t *testing.T) {
	dir, out := source(t, "one", "two"), filepath.Join(t.TempDir(), "dist")
	gitDo(t, dir, "tag", "one/v1.0.0")
	gitDo(t, dir, "tag", "two/v3.0.0")
	commit(t, dir, "Second", "one/v1.1.0")
	gitDo(t, dir, "tag", "two/v3.0.1")
	releases, _ := released(t, options(dir, out, "one", "two"))
	for i, want := range []struct{ name, tag, previous string }{{"one", "one/v1.1.0", "v1.0.0"}, {"two", "two/v3.0.1", "v3.0.0"}} {
		r := releases[i]
		if r.Tag != want.tag || r.Previous != want.previous || r.Dir != filepath.Join(out, want.name) || len(r.Files) != 8 {
			t.Errorf("%+v, %d files in %s", r.Tag, len(r.Files), r.Dir)
		}
		recipe, err := ReadRecipe(filepath.Join(out, want.name, RecipeName))
		if err != nil || recipe != (Recipe{want.name, want.tag, "https://example.org/acme/apps"}) {
			t.Errorf("%v, %v", recipe, err)
		}
	}
	if _, outcome := released(t, options(dir, out, "one", "two")); outcome != Unchanged {
		t.Errorf("the same again is %s", outcome)
	}
}

// TestGoOn has a run that fails at its last package gone on with, and nothing else used that lies around.
func TestGoOn(t *testing.T) {
	dir, out := source(t, "one"), filepath.Join(t.TempDir(), "dist")
	gitDo(t, dir, "tag", "one/v1.0.0")
	opts := options(dir, out, "one")
	opts.Platforms = []executable.Platform{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"}}
	opts.Jobs = 1
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var first string // whichever platform that is
	opts.Progress = func(step create.Step) {
		if step.Stage == create.Done && first == "" { // the other may be done just after
			first = step.Package.File
			cancel()
		}
	}
	if _, _, err := Run(ctx, opts); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Fatal("half a release is there")
	}
	kept := get(t, first)
	var built []string
	opts.Progress = func(step create.Step) {
		if step.Stage == create.Building {
			built = append(built, step.Package.Platform.String())
		}
	}
	// A stranger's leftovers in the folder do not get into the release.
	put(t, filepath.Join(out+workSuffix, treeName, "stray"), "x")
	released(t, opts)
	if len(built) != 1 || strings.HasSuffix(first, "_"+strings.ReplaceAll(built[0], "/", "_")+".ptar") {
		t.Errorf("with %s there it goes on with %q", first, built)
	}
	if get(t, filepath.Join(out, filepath.Base(first))) != kept {
		t.Error("the package that was there is another")
	}
	if _, err := os.Stat(filepath.Join(out, "stray")); err == nil {
		t.Error("a stray file was released")
	}

	// What is left of a run of another commit, or was changed since, is not used.
	for name, change := range map[string]func(left string){
		"another commit": func(string) { commit(t, dir, "Other", "one/v1.0.1") },
		"changed":        func(left string) { put(t, left, "x") },
		"changed with its sum": func(left string) {
			put(t, left, "x")
			os.Remove(left + SumExtension)
			if _, err := WriteSum(t.Context(), left); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			again := options(dir, filepath.Join(t.TempDir(), "dist"), "one")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var left string
			again.Platforms, again.Jobs = opts.Platforms, 1
			again.Progress = func(step create.Step) {
				if step.Stage == create.Done && left == "" {
					left = step.Package.File
					cancel()
				}
			}
			if _, _, err := Run(ctx, again); !errors.Is(err, context.Canceled) {
				t.Fatalf("%v", err)
			}
			change(left)
			built := 0
			again.Progress = func(step create.Step) {
				if step.Stage == create.Building {
					built++
				}
			}
			if released(t, again); built != 2 {
				t.Errorf("%d packages were built, not 2", built)
			}
		})
	}
}

// TestParts looks into what is said of a package: a NOTICE in it, the same list in the list of parts and in the provenance.
func TestParts(t *testing.T) {
	dir, out := source(t, "one"), filepath.Join(t.TempDir(), "dist")
	put(t, filepath.Join(dir, "one", "NOTICE"), "App, by Acme.\n")
	commit(t, dir, "Notice", "one/v1.0.0")
	released(t, options(dir, out, "one"))
	file := filepath.Join(out, "one_v1.0.0_linux_amd64.ptar")
	parts, provenance := get(t, file+PartsExtension), get(t, file+ProvenanceExtension)
	head, err := exec.Command("git", "-C", dir, "rev-parse", "HEAD").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"purl": "pkg:golang/std@1.`, `"id": "BSD-3-Clause"`, `"value": "linux/amd64"`} {
		if !strings.Contains(parts, want) {
			t.Errorf("the list of parts lacks %s", want)
		}
	}
	for _, want := range []string{string(bytes.TrimSpace(head)), `"GOARCH": "amd64"`, `"-trimpath": "true"`, `"tag": "one/v1.0.0"`, `"manifest": "one/manifest.yaml"`} {
		if !strings.Contains(provenance, want) {
			t.Errorf("the provenance lacks %s", want)
		}
	}
	if strings.Contains(parts+provenance, dir) || strings.Contains(provenance, "token") {
		t.Error("what is told has something of this machine")
	}
	// The NOTICE is in the package, which is the same when it is made again.
	sum, err := SumFile(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	differences, err := create.Rebuild(t.Context(), filepath.Join(dir, "one"), file, sum.SHA256)
	if err != nil || len(differences) > 0 {
		t.Errorf("made again: %v, %v", differences, err)
	}
}

// TestRules raises each rule of a release, and holds its documentation to the table.
func TestRules(t *testing.T) {
	var raised []finding.Finding
	raise := func(opts Options, rule string) {
		t.Helper()
		opts.DryRun = true
		releases, outcome, err := Run(t.Context(), opts)
		if err != nil || outcome != Refused && rule != "release-untagged" {
			t.Errorf("%s: %v, %v", rule, outcome, err)
		}
		for _, r := range releases {
			if !slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Rule == rule }) {
				t.Errorf("%s is not found: %v", rule, r.Findings)
			}
			for _, f := range r.Findings {
				if strings.HasPrefix(f.Rule, "release-") {
					raised = append(raised, f)
				}
			}
		}
	}
	dir := source(t, "one")
	opts := options(dir, filepath.Join(t.TempDir(), "dist"), "one")
	opts.Version, opts.Platforms = "v1.0.0", []executable.Platform{executable.Host()}
	raise(opts, "release-untagged")
	gitDo(t, dir, "tag", "one/v1.0.0")
	opts.Version = "v1.0.1"
	raise(opts, "release-tag")
	put(t, filepath.Join(dir, "one", "words"), "-----BEGIN RSA PRIVATE KEY-----")
	raise(opts, "release-dirty")
	os.Remove(filepath.Join(dir, "one", "LICENSE"))
	os.Remove(filepath.Join(dir, "one", "README.md"))
	commit(t, dir, "Secret", "")
	for _, rule := range []string{"release-secret", "release-license", "release-readme", "release-step"} {
		raise(opts, rule)
	}
	opts.Version = "v1.0.0"
	raise(opts, "release-exists")
	gitDo(t, dir, "reset", "-q", "--hard", "one/v1.0.0")
	opts.Version, opts.SkipTest = "v1.0.0", nil
	opts.Platforms = []executable.Platform{{OS: "freebsd", Arch: "arm64"}}
	raise(opts, "release-untested")
	os.RemoveAll(filepath.Join(dir, ".git"))
	opts.Repository = "https://example.org/x"
	raise(opts, "release-commit")

	put(t, filepath.Join(dir, "one", "go.mod"), "module example.org/app\n\ngo 1.26\n\nrequire example.org/odd v1.0.0\n\nreplace example.org/odd => ./odd\n")
	os.MkdirAll(filepath.Join(dir, "one", "odd"), 0o755)
	put(t, filepath.Join(dir, "one", "odd", "go.mod"), "module example.org/odd\n")
	put(t, filepath.Join(dir, "one", "odd", "odd.go"), "package odd\n\nfunc Do() {}\n")
	put(t, filepath.Join(dir, "one", "main", "main.go"), "package main\n\nimport \"example.org/odd\"\n\nfunc main() { odd.Do() }\n")
	opts = options(dir, filepath.Join(t.TempDir(), "dist"), "one")
	opts.Version, opts.Repository, opts.Allow = "v1.0.0", "https://example.org/x", []string{"release-commit"}
	releases, _ := released(t, opts)
	raised = append(raised, releases[0].Findings...)

	findingtest.Raised(t, Rules, raised)
	findingtest.Documented(t, Rules, "../docs/release.md", *update)
}
