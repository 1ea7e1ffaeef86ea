package create_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
)

// makeIntegration runs for one manifest.
func makeIntegration(t *testing.T, opts create.Options) *create.Integration {
	t.Helper()
	integrations, err := create.Run(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return integrations[0]
}

// makeOne makes one package and expects that to succeed.
func makeOne(t *testing.T, opts create.Options) *create.Package {
	t.Helper()
	i := makeIntegration(t, opts)
	if i.Err != nil || len(i.Packages) != 1 || i.Packages[0].Err != nil {
		t.Fatalf("%+v", i)
	}
	return i.Packages[0]
}

// raised returns the findings of a rule.
func raised(rule string, findings []finding.Finding) []finding.Finding {
	var found []finding.Finding
	for _, f := range findings {
		if f.Rule == rule {
			found = append(found, f)
		}
	}
	return found
}

// TestWrittenInPlace has something else write a package of its own into the file that is about to be verified: it passes
// every check, and is not the one that was made.
func TestWrittenInPlace(t *testing.T) {
	if testing.Short() {
		t.Skip("builds with Go")
	}
	other := makeOne(t, create.Options{Manifests: []string{tree(t, tiny)}, Version: "v1.0.0", OutDir: t.TempDir()})
	data, err := os.ReadFile(other.File)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"LICENSE": "free\n"}
	for name, content := range tiny {
		files[name] = content
	}
	out := t.TempDir()
	i := makeIntegration(t, create.Options{
		Manifests: []string{tree(t, files)}, Version: "v1.0.0", OutDir: out,
		Progress: func(s create.Step) {
			if s.Stage != create.Verifying {
				return
			}
			temporary, err := filepath.Glob(filepath.Join(out, ".*.tmp"))
			if err != nil || len(temporary) != 1 {
				t.Errorf("temporary files %v, %v", temporary, err)
				return
			}
			if err := os.WriteFile(temporary[0], data, 0o600); err != nil { // truncates, and keeps the file
				t.Error(err)
			}
		},
	})
	if err := i.Packages[0].Err; err == nil {
		t.Error("the package of someone else has the name")
	}
	if left, err := os.ReadDir(out); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestCacheDir: nothing is kept unless a folder is given, and what is kept is sound or is not used.
func TestCacheDir(t *testing.T) {
	if testing.Short() {
		t.Skip("builds with Go")
	}
	ownCache(t)
	home := os.Getenv("XDG_CACHE_HOME")
	dir, cacheDir := tree(t, tiny), t.TempDir()
	opts := create.Options{Manifests: []string{dir}, Version: "v1.0.0", OutDir: t.TempDir(), Force: true}
	without := makeOne(t, opts)
	if again := makeOne(t, opts); again.Cached || again.Unchanged {
		t.Error("something is kept without a folder to keep it in")
	}
	if left, err := os.ReadDir(filepath.Join(home, "kpkg")); err == nil {
		t.Errorf("the user's cache holds %v", left)
	}
	opts.CacheDir = cacheDir
	makeOne(t, opts)
	kept, err := filepath.Glob(filepath.Join(cacheDir, "outputs", "*", "importer-*"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %v, %v", kept, err)
	}
	data, err := os.ReadFile(kept[0])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/3] ^= 0x41
	if err := os.WriteFile(kept[0], data, 0o700); err != nil {
		t.Fatal(err)
	}
	var told []finding.Finding
	opts.Built = func(_ *create.Integration, findings []finding.Finding) { told = findings }
	i := makeIntegration(t, opts)
	if i.Packages[0].Err != nil || i.Packages[0].Cached || i.Packages[0].SHA256 != without.SHA256 {
		t.Errorf("after damage to what is kept: %+v", i.Packages[0])
	}
	if len(raised("cache-damaged", told)) != 1 || len(raised("cache-damaged", i.Findings)) != 1 {
		t.Errorf("told %v, found %v", told, i.Findings)
	}
}

// TestBuildFindings: what building finds of several platforms is told once, with their names.
func TestBuildFindings(t *testing.T) {
	if testing.Short() {
		t.Skip("builds with Go")
	}
	files := map[string]string{
		"db/with.go":    "package db\n\n// int f(void) { return 1; }\nimport \"C\"\n",
		"db/without.go": "//go:build !cgo\n\npackage db\n",
	}
	for name, content := range tiny {
		files[name] = content
	}
	files["plugin/importer/main.go"] = "package main\n\nimport _ \"example.org/tiny/db\"\n\nfunc main() {}\n"
	files["manifest.yaml"] += "build: {platforms: [linux/amd64, windows/amd64]}\n"
	i := makeIntegration(t, create.Options{Manifests: []string{tree(t, files)}, Version: "v1.0.0", OutDir: t.TempDir(), All: true})
	found := raised("build-cgo", i.Findings)
	const want = "example.org/tiny/db is built without cgo: with.go left out, without.go in place (linux/amd64, windows/amd64)"
	if len(found) != 1 || found[0].Message != want || found[0].Severity != finding.Warning {
		t.Errorf("found %v", found)
	}
}

func TestEnvironmentIsReported(t *testing.T) {
	t.Setenv("GOENV", "off")
	t.Setenv("GOAMD64", "v3")
	t.Setenv("GOFLAGS", "-mod=mod -tags=foo")
	root := tree(t, map[string]string{"go.work": "go 1.26\n"})
	dir := filepath.Join(root, "tiny")
	if err := os.CopyFS(dir, os.DirFS(tree(t, tiny))); err != nil {
		t.Fatal(err)
	}
	i := makeIntegration(t, create.Options{Manifests: []string{dir}, Version: "v1.0.0", DryRun: true})
	found := raised("build-environment", i.Findings)
	if len(found) != 2 {
		t.Fatalf("found %v", found)
	}
	text := found[0].Message + "\n" + found[1].Message
	for _, want := range []string{"GOAMD64=v3, GOFLAGS=-tags=foo", "the workspace of " + filepath.Join(root, "go.work")} {
		if !strings.Contains(text, want) {
			t.Errorf("found %q, without %q", text, want)
		}
	}
}

// TestProgramsOfTheManifest: those that a manifest has the build start are a warning, and an error when strict.
func TestProgramsOfTheManifest(t *testing.T) {
	files := map[string]string{}
	for name, content := range tiny {
		files[name] = content
	}
	files["manifest.yaml"] += "build: {env: {CC: ./cc}}\n"
	dir := tree(t, files)
	for strict, want := range map[bool]finding.Severity{false: finding.Warning, true: finding.Error} {
		source, err := create.Validate(t.Context(), dir, create.ValidateOptions{Strict: strict})
		if err != nil {
			t.Fatal(err)
		}
		if found := raised("build-program", source.Findings); len(found) != 1 || found[0].Severity != want {
			t.Errorf("strict %t: %v", strict, found)
		}
		source, err = create.Validate(t.Context(), dir, create.ValidateOptions{Strict: strict, NoBuild: true})
		if err != nil {
			t.Fatal(err)
		}
		if found := raised("build-program", source.Findings); found != nil {
			t.Errorf("without building: %v", found)
		}
	}
}

// editReceipts changes a field of all receipts below the cache folder.
func editReceipts(t *testing.T, cacheDir, field string, value any) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(cacheDir, "receipts", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("receipts: %v, %v", files, err)
	}
	for _, file := range files {
		fields := map[string]any{}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &fields); err != nil {
			t.Fatal(err)
		}
		fields[field] = value
		if data, err = json.Marshal(fields); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A package is left alone only where this very kpkg has verified it, under its name and as strictly.
func TestUnchangedNeedsItsReceipt(t *testing.T) {
	if testing.Short() {
		t.Skip("builds with Go")
	}
	dir, cacheDir := tree(t, tiny), t.TempDir()
	out := t.TempDir()
	again := func() *create.Package {
		t.Helper()
		return makeOne(t, create.Options{Manifests: []string{dir}, Version: "v1.0.0", OutDir: out, Force: true, CacheDir: cacheDir})
	}
	again()
	if !again().Unchanged {
		t.Fatal("what has not changed is made again")
	}
	for field, value := range map[string]any{
		"Kpkg": "another", "Name": "other_v1.0.0_linux_amd64.ptar", "Strict": true, "SHA256": "00",
	} {
		editReceipts(t, cacheDir, field, value)
		if again().Unchanged {
			t.Errorf("a receipt with another %s is believed", field)
		}
		if !again().Unchanged {
			t.Errorf("after one with another %s, there is no receipt", field)
		}
	}
}
