package create

// The trees of these tests hold names that differ by case alone, which the usual file systems of other systems do not.

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/PlakarKorp/kpkg/manifest"
)

const shownManifest = "name: x\nconnectors:\n- {type: importer, protocols: [x], executable: x}\n"

// TestShownFiles holds what is packed of the files that clients show, and that whatever is left out is said.
func TestShownFiles(t *testing.T) {
	s, dir := source(t, shownManifest, map[string][]byte{
		"README.md":       make([]byte, 1<<20),
		"License":         nil,
		"assets/Icon.svg": nil,
		"assets/icon.png": make([]byte, 256<<10+1),
	})
	want := []string{
		"warning License:0 License is left out of the package: clients look for LICENSE",
		"warning Icon.svg:0 assets/Icon.svg is left out of the package: clients look for assets/icon.svg",
		"warning icon.png:0 assets/icon.png is left out of the package: it is 262145 bytes long, and clients show at most 262144",
	}
	if diff := cmp.Diff(want, of(s.Findings, "file-omitted")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"README.md", "manifest.yaml"}, packedNames(t, s, dir)); diff != "" {
		t.Error(diff)
	}

	s, _ = source(t, strings.Replace(shownManifest, "}", ", extra_files: [assets/icon.png]}", 1), map[string][]byte{"assets/icon.png": bytes.Repeat([]byte("x"), 1<<20)})
	if got := of(s.Findings, "file-omitted"); got != nil {
		t.Errorf("an icon that the manifest names: %q", got)
	}
}

func packedNames(t *testing.T, s *Source, dir string) []string {
	t.Helper()
	tree, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	_, packed, err := otherFiles(tree, s.Document)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range packed {
		names = append(names, file.Name)
	}
	slices.Sort(names)
	return names
}

func TestShownFileIsALink(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{manifest.FileName: shownManifest, "readme": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("readme", filepath.Join(dir, "README.md")); err != nil {
		t.Fatal(err)
	}
	s, err := Validate(t.Context(), dir, ValidateOptions{NoBuild: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"warning README.md:0 README.md is left out of the package: it is not a regular file"}
	if diff := cmp.Diff(want, of(s.Findings, "file-omitted")); diff != "" {
		t.Error(diff)
	}
}

// TestReadmeUnderStrict holds that what fails the verification of a strict run fails it before anything is built.
func TestReadmeUnderStrict(t *testing.T) {
	_, dir := source(t, shownManifest, map[string][]byte{"readme.md": nil})
	for strict, want := range map[bool][]string{
		false: nil,
		true:  {"error " + filepath.Base(dir) + ":0 there is no file README.md to pack"},
	} {
		s, err := Validate(t.Context(), dir, ValidateOptions{NoBuild: true, Strict: strict})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, of(s.Findings, "package-readme")); diff != "" {
			t.Errorf("strict %t: %s", strict, diff)
		}
	}
}

// TestNamesOfThePackage holds that names which do not survive on other systems are found before there is a package.
func TestNamesOfThePackage(t *testing.T) {
	connector := "name: x\nconnectors:\n- type: importer\n  protocols: [x]\n  executable: readme.md\n  extra_files:\n"
	extra := "  - data/Rates.json\n  - data/rates.json\n  - Data/x\n  - nul.txt\n"
	files := map[string][]byte{"README.md": nil, "data/Rates.json": nil, "data/rates.json": nil, "Data/x": nil, "nul.txt": nil}
	s, _ := source(t, connector+extra, files)
	want := []string{
		"warning manifest.yaml:5 README.md and readme.md are one file on systems that ignore case",
		"warning manifest.yaml:8 data/Rates.json and data/rates.json are one file on systems that ignore case",
		"warning manifest.yaml:9 data and Data are one file on systems that ignore case",
	}
	if diff := cmp.Diff(want, of(s.Findings, "package-case", "package-path")); diff != "" {
		t.Error(diff)
	}
	s, _ = source(t, connector+extra+"build: {platforms: [linux/amd64, windows/amd64]}\n", files)
	want = []string{
		"error manifest.yaml:5 README.md and readme.md are one file on windows",
		"error manifest.yaml:8 data/Rates.json and data/rates.json are one file on windows",
		"warning manifest.yaml:9 data and Data are one file on systems that ignore case",
		"error manifest.yaml:10 windows has no file named nul.txt",
	}
	if diff := cmp.Diff(want, of(s.Findings, "package-case", "package-path")); diff != "" {
		t.Error(diff)
	}
}
