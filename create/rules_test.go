package create_test

import (
	"context"
	"flag"
	"maps"
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
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/verify"
)

var update = flag.Bool("update", false, "rewrite the tables of rules in the documentation")

// TestRules makes a case of each rule, and holds docs/building.md to the rules.
func TestRules(t *testing.T) {
	if testing.Short() {
		t.Skip("builds with Go")
	}
	ownCache(t)
	var raised []finding.Finding
	for _, test := range []struct {
		rule string
		text string // in the message
		run  func(*testing.T) []finding.Finding
	}{
		{"source-modified", "plugin/importer/main.go", modifiedSource},
		{"file-omitted", "README.md is left out of the package", omittedFile},
		{"ignore-unknown", `has the rule "licence"`, ignored},
		{"image-manifest", "image_id of their platform's image", imagedManifest},
		{"output-name", "plakar installs no package of this name", oddName},
		{"build-environment", "GOAMD64=v3", exportedSetting},
		{"git-missing", "git is not in PATH", noGit},
		{"build-cgo", "example.org/tiny/db is built without cgo", cgoStub},
		{"cache-damaged", "tinyImporter", damagedCache},
		{"cache-shared", "everybody may write to it (mode 0777)", sharedCache},
		{"build-failed", "undefined: missing", failedBuild},
		{"rebuild-differs", "differs from byte", otherSource},
	} {
		t.Run(test.rule, func(t *testing.T) {
			var own []finding.Finding
			for _, f := range test.run(t) {
				if _, err := finding.Lookup(create.Rules, f.Rule); err == nil {
					own = append(own, f)
				}
			}
			if len(own) == 0 || own[0].Rule != test.rule || !strings.Contains(own[0].Message, test.text) {
				t.Errorf("found %v", own)
			}
			raised = append(raised, own...)
		})
	}
	findingtest.Raised(t, create.Rules, raised)
	readme, err := finding.Lookup(verify.Rules, "package-readme") // which create --strict has before it builds
	if err != nil {
		t.Fatal(err)
	}
	rules := append(slices.Concat(gobuild.Rules, create.Rules), readme)
	findingtest.Documented(t, rules, "../docs/building.md", *update)
}

// imagedManifest makes a package with an image.
func imagedManifest(t *testing.T) []finding.Finding {
	i := makeIntegration(t, create.Options{
		Manifests: []string{tree(t, tiny)}, Version: "v1.0.0", OutDir: t.TempDir(), Image: true,
		Platforms: []executable.Platform{{OS: "linux", Arch: "amd64"}},
	})
	if made := i.Packages[0]; made.Err != nil || len(made.Image.Images) != 1 || made.Executables != 0 {
		t.Errorf("%+v, %v", made, made.Err)
	}
	return i.Findings
}

// ownCache gives a test a cache folder of its own, but leaves it the compiler's. Who runs it may have flags for Go, which are
// a finding.
func ownCache(t *testing.T) {
	t.Helper()
	compiler, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOCACHE", strings.TrimSpace(string(compiler)))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("GOFLAGS", "")
}

// made runs create in the folder, and returns all that its report says.
func made(t *testing.T, opts create.Options) []finding.Finding {
	t.Helper()
	opts.Platforms = []executable.Platform{executable.Host()}
	if opts.Version == "" {
		opts.Version = "v1.0.0"
	}
	integrations, err := create.Run(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return create.Report(integrations, nil).Findings
}

// changed is the tree of tiny with another content of some files.
func changed(t *testing.T, files map[string]string) string {
	t.Helper()
	all := maps.Clone(tiny)
	maps.Copy(all, files)
	return tree(t, all)
}

func modifiedSource(t *testing.T) []finding.Finding {
	dir := committed(t, tiny)
	main := filepath.Join(dir, "plugin", "importer", "main.go")
	if err := os.WriteFile(main, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return made(t, create.Options{Manifests: []string{dir}, DryRun: true, OutDir: t.TempDir()})
}

// committed is a tree in a repository of its own, whose one commit is tagged v1.0.0.
func committed(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := tree(t, files)
	git := func(args ...string) {
		cmd := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@example.org"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	git("init", "-q")
	git("add", ".")
	git("commit", "-q", "-m", "x")
	git("tag", "v1.0.0")
	return dir
}

// TestPackagesInTheTree holds that packages which were made in the tree itself are no change of the source, wherever in it
// they are, and that what else is new there is one.
func TestPackagesInTheTree(t *testing.T) {
	dir := committed(t, tiny)
	modified := func(name string) []finding.Finding {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		return raised("source-modified", made(t, create.Options{Manifests: []string{dir}, DryRun: true, OutDir: t.TempDir()}))
	}
	for _, name := range []string{"tiny_v1.0.0_linux_amd64.ptar", "dist/tiny_v1.0.0_linux_amd64.ptar"} {
		if found := modified(name); len(found) > 0 {
			t.Errorf("with %s: %v", name, found)
		}
	}
	if found := modified("notes.ptar.txt"); len(found) != 1 || !strings.Contains(found[0].Message, "notes.ptar.txt") {
		t.Errorf("with a file that is no package: %v", found)
	}
}

func omittedFile(t *testing.T) []finding.Finding {
	dir := tree(t, tiny)
	readme := filepath.Join(dir, "README.md")
	if err := os.Remove(readme); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(readme, 0o755); err != nil {
		t.Fatal(err)
	}
	source, err := create.Validate(context.Background(), dir, create.ValidateOptions{})
	return create.ValidateReport([]create.Validated{{Path: dir, Source: source, Err: err}}).Findings
}

func ignored(t *testing.T) []finding.Finding {
	dir := changed(t, map[string]string{"manifest.yaml": tiny["manifest.yaml"] + "build:\n  ignore: [licence]\n"})
	source, err := create.Validate(context.Background(), dir, create.ValidateOptions{})
	return create.ValidateReport([]create.Validated{{Path: dir, Source: source, Err: err}}).Findings
}

func noGit(t *testing.T) []finding.Finding {
	dir := tree(t, tiny)
	if err := os.Mkdir(filepath.Join(dir, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	onlyGo(t)
	return made(t, create.Options{Manifests: []string{dir}, DryRun: true, OutDir: t.TempDir()})
}

// onlyGo leaves no program in PATH but go.
func onlyGo(t *testing.T) {
	t.Helper()
	program, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(program, filepath.Join(dir, filepath.Base(program))); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

func oddName(t *testing.T) []finding.Finding {
	return made(t, create.Options{Manifests: []string{tree(t, tiny)}, DryRun: true, Output: filepath.Join(t.TempDir(), "my.ptar")})
}

func exportedSetting(t *testing.T) []finding.Finding {
	t.Setenv("GOAMD64", "v3")
	return made(t, create.Options{Manifests: []string{tree(t, tiny)}, DryRun: true, OutDir: t.TempDir()})
}

func cgoStub(t *testing.T) []finding.Finding {
	dir := changed(t, map[string]string{
		"plugin/importer/main.go": "package main\n\nimport _ \"example.org/tiny/db\"\n\nfunc main() {}\n",
		"db/with.go":              "package db\n\n// int f(void) { return 1; }\nimport \"C\"\n",
		"db/without.go":           "//go:build !cgo\n\npackage db\n",
	})
	return made(t, create.Options{Manifests: []string{dir}, OutDir: t.TempDir()})
}

func damagedCache(t *testing.T) []finding.Finding {
	dir, cacheDir := tree(t, tiny), t.TempDir()
	made(t, create.Options{Manifests: []string{dir}, OutDir: t.TempDir(), CacheDir: cacheDir})
	kept, err := filepath.Glob(filepath.Join(cacheDir, "outputs", "*", "importer-*"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %v, %v", kept, err)
	}
	if err := os.Truncate(kept[0], 100); err != nil {
		t.Fatal(err)
	}
	return made(t, create.Options{Manifests: []string{dir}, OutDir: t.TempDir(), CacheDir: cacheDir})
}

// sharedCache is a cache that everybody may write to. An executable there that has the sum it should have is another one.
func sharedCache(t *testing.T) []finding.Finding {
	dir, cacheDir := tree(t, tiny), t.TempDir()
	made(t, create.Options{Manifests: []string{dir}, OutDir: t.TempDir(), CacheDir: cacheDir})
	if err := os.Chmod(filepath.Join(cacheDir, "outputs"), 0o777); err != nil {
		t.Fatal(err)
	}
	integrations, err := create.Run(context.Background(), create.Options{
		Manifests: []string{dir}, OutDir: t.TempDir(), CacheDir: cacheDir, Version: "v1.0.0",
		Platforms: []executable.Platform{executable.Host()},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range integrations[0].Packages {
		if p.Cached {
			t.Errorf("%s is taken from there", p.Platform)
		}
	}
	return create.Report(integrations, nil).Findings
}

func failedBuild(t *testing.T) []finding.Finding {
	dir := changed(t, map[string]string{"plugin/importer/main.go": "package main\n\nfunc main() { missing() }\n"})
	return made(t, create.Options{Manifests: []string{dir}, OutDir: t.TempDir()})
}

// otherSource verifies a package against a source that was changed after it was made.
func otherSource(t *testing.T) []finding.Finding {
	out := t.TempDir()
	made(t, create.Options{Manifests: []string{tree(t, tiny)}, OutDir: out})
	packages, err := filepath.Glob(filepath.Join(out, "*.ptar"))
	if err != nil || len(packages) != 1 {
		t.Fatalf("%v, %v", packages, err)
	}
	judged, err := create.Verify(context.Background(), packages, create.VerifyOptions{Source: tree(t, tiny)})
	if report := create.VerifyReport(judged, err); report.Count(finding.Error) > 0 {
		t.Fatalf("the package does not come out of its own source: %v", report.Findings)
	}
	dir := changed(t, map[string]string{"README.md": "# Another\n"})
	judged, err = create.Verify(context.Background(), packages, create.VerifyOptions{Source: dir})
	report := create.VerifyReport(judged, err)
	if last := report.Cases[len(report.Cases)-1]; last.Name != "rebuild" || last.Failure == "" {
		t.Errorf("the case of the rebuild is not the last, or does not fail: %+v", report.Cases)
	}
	return report.Findings
}

// TestReportCounts holds that what could not be made counts as an error.
func TestReportCounts(t *testing.T) {
	ownCache(t)
	integrations, err := create.Run(context.Background(), create.Options{
		Manifests: []string{filepath.Join(t.TempDir(), "nowhere"), tree(t, tiny)}, Version: "v1.0.0", DryRun: true,
	})
	report := create.Report(integrations, err)
	if n := report.Count(finding.Error); n != 1 {
		t.Errorf("%d errors: %v", n, report.Findings)
	}
	report = create.Report(integrations, context.Canceled)
	if n := report.Count(finding.Error); n != 2 {
		t.Errorf("%d errors after an interruption: %v", n, report.Findings)
	}
}

func TestSplitVersion(t *testing.T) {
	t.Chdir(tree(t, map[string]string{"v1.0.0/manifest.yaml": "", "ftp/manifest.yaml": ""}))
	for _, test := range []struct {
		args      string
		manifests int
		version   string
		wrong     bool
	}{
		{"ftp", 1, "", false},
		{"ftp v1.2.3", 1, "v1.2.3", false},
		{"ftp 1.2.3", 1, "1.2.3", false},
		{"ftp v1.0.0", 2, "", false}, // a folder of that name
		{"ftp nowhere/manifest.yaml", 2, "", false},
		{"nowhere", 1, "", false},
		{"v1.2.3", 1, "v1.2.3", false}, // of the current folder
		{"ftp nowhere", 0, "", true},
	} {
		manifests, version, err := create.SplitVersion(strings.Fields(test.args))
		if len(manifests) != test.manifests || version != test.version || (err != nil) != test.wrong {
			t.Errorf("%s: %v, %q, %v", test.args, manifests, version, err)
		}
	}
}
