package create_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
)

// script is an integration whose executable is there already, so that making its package takes no build.
var script = map[string]string{
	"manifest.yaml": `name: script
display_name: Script
description: an importer that needs no build
license: ISC
connectors:
- {type: importer, executable: run, protocols: [script], extra_files: [data/words, data/more]}
`,
	"run":        "#!/bin/sh\nexit 0\n",
	"data/words": "words\n",
	"data/more":  "more\n",
	"README.md":  "# Script\n",
}

// scriptTree is the tree of script with another content of some files; "" leaves one out.
func scriptTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := tree(t, script)
	for name, content := range files {
		path := filepath.Join(dir, name)
		if content == "" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func scriptOptions(dir, out string) create.Options {
	return create.Options{
		Manifests: []string{dir}, Version: "v1.0.0", Platforms: []executable.Platform{{OS: "linux", Arch: "amd64"}},
		OutDir: out, NoBuild: true, Force: true,
	}
}

// TestPrebuilt makes a package of files that are there, and holds what is said of it.
func TestPrebuilt(t *testing.T) {
	out := t.TempDir()
	opts := scriptOptions(scriptTree(t, nil), out)
	var stages []create.Stage
	opts.Progress = func(s create.Step) { stages = append(stages, s.Stage) }
	i := makeIntegration(t, opts)
	if i.Err != nil || len(i.Packages) != 1 {
		t.Fatalf("%+v", i)
	}
	p := i.Packages[0]
	if want := filepath.Join(out, "script_v1.0.0_linux_amd64.ptar"); p.Err != nil || p.File != want {
		t.Fatalf("%s: %v %v", p.File, p.Err, p.Findings)
	}
	if info, err := os.Stat(p.File); err != nil || info.Size() != p.Size {
		t.Errorf("%d bytes, said to be %d: %v", info.Size(), p.Size, err)
	}
	if want := []create.Stage{create.Packing, create.Verifying, create.Done}; !slices.Equal(stages, want) {
		t.Errorf("stages %v", stages)
	}
	var names []string
	var unpacked int64
	for _, f := range p.Files {
		names = append(names, f.Name)
		unpacked += f.Size
		if f.Executable != (f.Name == "run") {
			t.Errorf("%s is executable: %t", f.Name, f.Executable)
		}
	}
	if want := "README.md data/more data/words manifest.yaml run"; strings.Join(names, " ") != want {
		t.Errorf("files %v", names)
	}
	if p.Unpacked != unpacked || p.Executables != 1 || !p.Prebuilt || p.Cached || p.Unchanged || len(p.SHA256) != 64 {
		t.Errorf("%+v", p)
	}
	if p.Seconds <= 0 || p.Seconds > 600 {
		t.Errorf("it took %g seconds", p.Seconds)
	}

	report := create.Report([]*create.Integration{i}, nil)
	var text bytes.Buffer
	if err := finding.Write(&text, "json", report); err != nil {
		t.Fatal(err)
	}
	var said struct {
		Integrations []struct {
			Error    *string
			Packages []struct {
				SHA256 string
				Error  *string
				Files  []struct{ Path string }
			}
		}
	}
	if err := json.Unmarshal(text.Bytes(), &said); err != nil {
		t.Fatal(err)
	}
	if one := said.Integrations[0]; one.Error != nil || one.Packages[0].Error != nil ||
		one.Packages[0].SHA256 != p.SHA256 || len(one.Packages[0].Files) != 5 {
		t.Errorf("%s", text.Bytes())
	}
	if report.Count(finding.Error) > 0 {
		t.Errorf("findings %v", report.Findings)
	}
}

// TestPrebuiltUnchanged is TestUnchangedNeedsItsReceipt without a build.
func TestPrebuiltUnchanged(t *testing.T) {
	cacheDir := t.TempDir()
	opts := scriptOptions(scriptTree(t, nil), t.TempDir())
	first := makeOne(t, opts)
	if first.Unchanged || makeOne(t, opts).Unchanged {
		t.Error("a package is left alone without a folder of receipts")
	}
	opts.CacheDir = cacheDir
	again := func() *create.Package { t.Helper(); return makeOne(t, opts) }
	if again().Unchanged {
		t.Error("a package without a receipt is left alone")
	}
	kept := again()
	if !kept.Unchanged || kept.SHA256 != first.SHA256 || kept.Size != first.Size || len(kept.Files) != len(first.Files) {
		t.Errorf("what has not changed is %+v, not %+v", kept, first)
	}
	for field, value := range map[string]any{
		"Kpkg": "another", "Name": "other_v1.0.0_linux_amd64.ptar", "Strict": true, "SHA256": "00",
	} {
		editReceipts(t, cacheDir, field, value)
		if again().Unchanged {
			t.Errorf("a receipt with another %s is believed", field)
		}
	}
	data, err := os.ReadFile(first.File)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(first.File, append(data, 0), 0o644); err != nil {
		t.Fatal(err)
	}
	if again().Unchanged {
		t.Error("another file in the place of the package is left alone")
	}
	if err := os.Remove(first.File); err != nil {
		t.Fatal(err)
	}
	if again().Unchanged {
		t.Error("a package that is not there is left alone")
	}
	if freed, err := create.Clean(t.Context(), cacheDir); err != nil || freed <= 0 {
		t.Errorf("cleaning frees %d bytes, %v", freed, err)
	}
	if left, err := os.ReadDir(filepath.Join(cacheDir, "receipts")); err != nil || len(left) > 0 {
		t.Errorf("cleaning leaves %v, %v", left, err)
	}
	if freed, err := create.Clean(t.Context(), t.TempDir()); err != nil || freed != 0 {
		t.Errorf("cleaning an empty folder frees %d bytes, %v", freed, err)
	}
}

// TestRefused holds what keeps a package from being made, and that nothing appears then.
func TestRefused(t *testing.T) {
	manifest := script["manifest.yaml"]
	for _, test := range []struct {
		name  string
		files map[string]string
		edit  func(*create.Options)
		want  string
	}{
		{"no executable", map[string]string{"run": "\x00"}, nil, "does not pass its verification"},
		{"taken", nil, func(o *create.Options) {
			o.Force = false
			if err := os.WriteFile(filepath.Join(o.OutDir, "script_v1.0.0_linux_amd64.ptar"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}, "script_v1.0.0_linux_amd64.ptar"},
		{"no platform", map[string]string{"manifest.yaml": manifest}, func(o *create.Options) {
			o.Platforms = []executable.Platform{{OS: "windows", Arch: "amd64"}}
		}, "build it before packing"},
	} {
		for _, dry := range []bool{true, false} {
			opts := scriptOptions(scriptTree(t, test.files), t.TempDir())
			if test.edit != nil {
				test.edit(&opts)
			}
			before, _ := os.ReadDir(opts.OutDir)
			opts.DryRun = dry
			integrations, err := create.Run(t.Context(), opts)
			if err != nil {
				t.Fatal(err)
			}
			if dry && test.name != "no platform" {
				continue // the others are found when the package is written
			}
			p := integrations[0].Packages[0]
			if p.Err == nil || !strings.Contains(p.Err.Error(), test.want) {
				t.Errorf("%s, dry %t: %v", test.name, dry, p.Err)
			}
			if after, _ := os.ReadDir(opts.OutDir); len(after) != len(before) {
				t.Errorf("%s, dry %t: left %v", test.name, dry, after)
			}
			report := create.Report(integrations, nil)
			if report.Count(finding.Error) == 0 {
				t.Errorf("%s, dry %t: no error is reported", test.name, dry)
			}
		}
	}
}

// TestRebuilt verifies a package against sources that differ from its own, each in one way.
func TestRebuilt(t *testing.T) {
	dir := scriptTree(t, nil)
	p := makeOne(t, scriptOptions(dir, t.TempDir()))
	differences := func(dir string) []string {
		t.Helper()
		judged, err := create.Verify(t.Context(), []string{p.File}, create.VerifyOptions{Source: dir})
		if err != nil {
			t.Fatal(err)
		}
		if judged[0].Err != nil {
			return []string{"error: " + judged[0].Err.Error()}
		}
		var said []string
		for _, f := range raised("rebuild-differs", judged[0].Report.Findings) {
			said = append(said, strings.TrimPrefix(f.File, filepath.ToSlash(p.File))+": "+f.Message)
		}
		return said
	}
	if found := differences(dir); found != nil {
		t.Errorf("against its own source: %q", found)
	}
	executableWords := scriptTree(t, nil)
	if err := os.Chmod(filepath.Join(executableWords, "data", "words"), 0o755); err != nil {
		t.Fatal(err)
	}
	withLicense := scriptTree(t, map[string]string{"LICENSE": "ISC\n"})
	for _, test := range []struct {
		name, dir, want string
	}{
		{"content", scriptTree(t, map[string]string{"data/words": "worlds\n"}), "/data/words: differs from byte 3 on"},
		{"longer", scriptTree(t, map[string]string{"data/words": "words\nmore\n"}), "/data/words: differs from byte 6 on"},
		{"script", scriptTree(t, map[string]string{"run": "#!/bin/sh\nexit 1\n"}), "/run: differs from byte 15 on"},
		{"mode", executableWords, "/data/words: the package has it with mode -rw-r--r--, the source gives executable true"},
		{"more", withLicense, "/LICENSE: the source gives this file, the package has none"},
		{"less", scriptTree(t, map[string]string{"README.md": ""}), "/README.md: the source gives no such file"},
		{"wrong", scriptTree(t, map[string]string{"data/more": ""}), "error: the source in "},
	} {
		found := differences(test.dir)
		if len(found) != 1 || !strings.HasPrefix(found[0], test.want) {
			t.Errorf("%s: %q, not %q", test.name, found, test.want)
		}
	}
}

// TestDryRun holds what is said of a package that is yet to be built, where nothing is set that the build leaves out.
func TestDryRun(t *testing.T) {
	t.Setenv("GOENV", "off")
	t.Setenv("GOFLAGS", "")
	i := makeIntegration(t, create.Options{Manifests: []string{tree(t, tiny)}, Version: "v1.0.0", OutDir: t.TempDir(), DryRun: true})
	if found := raised("build-environment", i.Findings); len(found) > 0 {
		t.Errorf("found %v", found)
	}
	for _, f := range i.Packages[0].Files {
		if f.Executable != (f.Size == -1) || f.Executable != (f.Built != "") {
			t.Errorf("%+v", f)
		}
	}
}
