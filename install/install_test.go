package install

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/executable/executabletest"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/finding/findingtest"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/release"
)

var update = flag.Bool("update", false, "rewrite the documentation's tables of rules")

// folders are empty, below a folder of the test's.
func folders(t *testing.T) Folders {
	t.Helper()
	dir := t.TempDir()
	return Folders{filepath.Join(dir, "packages"), filepath.Join(dir, "extracted")}
}

// packageOf makes a package of a version, with a program that does nothing as its executable.
func packageOf(t *testing.T, name, version, marker string) string {
	t.Helper()
	dir, host := t.TempDir(), executable.Host()
	text := fmt.Sprintf(`name: %s
display_name: Test
description: A package of a test
homepage: https://example.org
license: ISC
tags: [%s]
api_version: v1.1.0
connectors:
- type: importer
  class: file-storage
  executable: plugin
  protocols: [%s]
`, name, marker, name)
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, manifest.FileName), []byte(text), 0o600),
		os.WriteFile(filepath.Join(dir, "README.md"), []byte("# Test\n"), 0o600),
		os.WriteFile(filepath.Join(dir, host.FileName("plugin")), executabletest.Program(t, host.OS, host.Arch), 0o700),
	); err != nil {
		t.Fatal(err)
	}
	made, err := create.Run(context.Background(), create.Options{
		Manifests: []string{dir}, Version: version, NoBuild: true, OutDir: filepath.Join(dir, "dist"), Compression: "lz4",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(made[0].Err, made[0].Packages[0].Err); err != nil {
		t.Fatal(err)
	}
	return made[0].Packages[0].File
}

func open(t *testing.T, f Folders) *Store {
	t.Helper()
	s, err := Open(context.Background(), f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// versions are the installed ones, and what is in the folders beside packages and what was extracted of them is an error.
func versions(t *testing.T, f Folders) []string {
	t.Helper()
	ids, err := f.packages("")
	if err != nil {
		t.Fatal(err)
	}
	var found, names []string
	for _, id := range ids {
		found = append(found, id.Version)
		names = append(names, strings.TrimSuffix(id.FileName(), manifest.Extension))
	}
	for _, dir := range []string{f.Packages, f.Extracted} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			name, _, _ := strings.Cut(entry.Name(), manifest.Extension)
			if entry.Name() != lockName && !slices.Contains(names, name) {
				t.Errorf("%s is left in %s", entry.Name(), dir)
			}
		}
	}
	return found
}

// TestKilled has a run end before and after each step of an upgrade, as a kill does: what is installed is the old version, or
// both, and the next run makes it one.
func TestKilled(t *testing.T) {
	old, next := packageOf(t, "one", "v1.0.0", "old"), packageOf(t, "one", "v2.0.0", "new")
	data, err := os.ReadFile(next)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	c := change{
		Add: filepath.Base(next), SHA256: hex.EncodeToString(sum[:]), Sum: "sum\n", Signature: "signature\n",
		Remove: []string{filepath.Base(old)},
	}
	extract := func(s *Store) error {
		dir := s.folders.extracted(c.Add)
		return errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "half"), nil, 0o600))
	}
	steps := []struct {
		name string
		do   func(s *Store) error
		want string
	}{
		{"copied a part", func(s *Store) error { return os.WriteFile(s.folders.pkgFile(workPrefix+"1"), data[:100], 0o600) }, "v1.0.0"},
		{"extracted", func(s *Store) error { return os.Mkdir(filepath.Join(s.folders.Extracted, workPrefix+"2"), 0o700) }, "v1.0.0"},
		{"written down", func(s *Store) error { return s.begin(c) }, "v1.0.0"},
		{"what was extracted has its name", extract, "v1.0.0"},
		{"the package has its name", func(s *Store) error { return os.WriteFile(s.folders.pkgFile(c.Add), data, 0o600) }, "v2.0.0"},
		{"the sum is there", func(s *Store) error { return s.beside(c.Add, release.SumExtension, c.Sum) }, "v2.0.0"},
		{"the old one is gone", func(s *Store) error { return os.Remove(s.folders.pkgFile(c.Remove[0])) }, "v2.0.0"},
		{"what was extracted of it is gone", func(s *Store) error { return os.RemoveAll(s.folders.extracted(c.Remove[0])) }, "v2.0.0"},
	}
	for n := range steps {
		t.Run(steps[n].name, func(t *testing.T) {
			f := folders(t)
			s := open(t, f)
			if r, err := s.Install(context.Background(), FileSource(old), Options{}); err != nil || r.Action != Added {
				t.Fatalf("%+v, %v", r, err)
			}
			for _, step := range steps[:n+1] {
				if err := step.do(s); err != nil {
					t.Fatal(err)
				}
			}
			s.Close()
			if len(must(t)(f.packages("one"))) == 0 {
				t.Error("no version is installed")
			}
			installed, _, err := Settled(context.Background(), f, nil)
			if err != nil || len(installed) != 1 || installed[0].Version != steps[n].want {
				t.Errorf("%+v, %v; want %s", installed, err, steps[n].want)
			}
			open(t, f) // sweeps
			if got := versions(t, f); !slices.Equal(got, []string{steps[n].want}) {
				t.Errorf("%s are installed; want %s", got, steps[n].want)
			}
			if steps[n].want != "v2.0.0" {
				return
			}
			if beside, err := os.ReadFile(f.pkgFile(c.Add + release.SignatureExtension)); err != nil || string(beside) != c.Signature {
				t.Errorf("the signature is %q, %v", beside, err)
			}
		})
	}
}

func must(t *testing.T) func([]manifest.Identity, error) []manifest.Identity {
	return func(ids []manifest.Identity, err error) []manifest.Identity {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
}

// TestRules raises every rule.
func TestRules(t *testing.T) {
	one, next := packageOf(t, "one", "v1.0.0", "one"), packageOf(t, "one", "v2.0.0", "two")
	f := folders(t)
	s := open(t, f)
	var raised []finding.Finding
	install := func(path string, want Action) {
		t.Helper()
		r, err := s.Install(context.Background(), FileSource(path), Options{})
		if err != nil || r.Action != want {
			t.Fatalf("%+v, %v; want %s", r, err, want)
		}
		raised = append(raised, r.Findings...)
	}
	install(next, Added)
	install(one, Refused) // older
	other := filepath.Join(t.TempDir(), filepath.Base(next))
	put(t, one, other)
	install(other, Refused) // other bytes
	foreign := filepath.Join(t.TempDir(), "one_v3.0.0_plan9_arm.ptar")
	put(t, one, foreign)
	install(foreign, Refused)
	twin := packageOf(t, "two", "v1.0.0", "one")
	put(t, next, f.pkgFile(manifest.Identity{Name: "three", Version: "v1.0.0", OS: runtime.GOOS, Arch: runtime.GOARCH}.FileName()))
	put(t, twin, f.pkgFile(filepath.Base(one))) // a second version, and one whose manifest has another name
	install(packageOf(t, "two", "v1.0.1", "one"), Refused)
	_, findings, err := List(context.Background(), f, nil)
	if err != nil {
		t.Fatal(err)
	}
	raised = append(append(raised, findings...), registryFindings(t)...)
	findingtest.Raised(t, Rules, raised)
	findingtest.Documented(t, Rules, "../docs/install.md", *update)
}

// put copies a file.
func put(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestOneAtATime has a second run wait for the first, as long as its caller likes.
func TestOneAtATime(t *testing.T) {
	f := folders(t)
	first := open(t, f)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, f); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a second run: %v", err)
	}
	first.Close()
	open(t, f)
}

// TestStrangeJournal holds that a journal names nothing outside of the folder.
func TestStrangeJournal(t *testing.T) {
	for _, journal := range []string{
		"{", `{"remove": ["../outside"]}`, `{"add": "a/b"}`, `{"remove": [".."]}`, `{"remove": [""]}`, `{"remove": ["/etc/passwd"]}`,
	} {
		f := folders(t)
		open(t, f).Close()
		outside := filepath.Join(filepath.Dir(f.Packages), "outside")
		if err := errors.Join(os.WriteFile(f.pkgFile(journalName), []byte(journal), 0o600), os.WriteFile(outside, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(context.Background(), f); err == nil || !strings.Contains(err.Error(), "cannot be read") {
			t.Errorf("%s: %v", journal, err)
		}
		if _, err := os.Stat(outside); err != nil {
			t.Errorf("%s: %v", journal, err)
		}
	}
}

// TestFailure holds that a failure leaves what was there, and nothing else.
func TestFailure(t *testing.T) {
	old, next := packageOf(t, "one", "v1.0.0", "old"), packageOf(t, "one", "v2.0.0", "new")
	f := folders(t)
	s := open(t, f)
	if _, err := s.Install(context.Background(), FileSource(old), Options{}); err != nil {
		t.Fatal(err)
	}
	broken := FileSource(next)
	broken.Beside = func(string) ([]byte, error) { return nil, errors.New("the server is gone") }
	if _, err := s.Install(context.Background(), broken, Options{}); err == nil || !strings.Contains(err.Error(), "the server is gone") {
		t.Errorf("without a signature: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Install(ctx, FileSource(next), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	late := FileSource(next)
	late.Beside = func(string) ([]byte, error) { os.RemoveAll(f.Extracted); return nil, fs.ErrNotExist }
	if _, err := s.Install(context.Background(), late, Options{}); err == nil {
		t.Error("without a folder to extract into it was installed")
	}
	if err := os.MkdirAll(f.Extracted, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := versions(t, f); !slices.Equal(got, []string{"v1.0.0"}) {
		t.Errorf("%s are installed", got)
	}
	// The same version with other bytes, which another has extracted something of meanwhile.
	if r, err := s.Install(context.Background(), FileSource(next), Options{}); err != nil || r.Action != Upgraded {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestExtracted holds that what was extracted is the package's, and can be run.
func TestExtracted(t *testing.T) {
	f := folders(t)
	file := packageOf(t, "one", "v1.0.0", "x")
	stale := filepath.Join(f.extracted(filepath.Base(file)), "stale")
	if err := os.MkdirAll(stale, 0o700); err != nil {
		t.Fatal(err)
	}
	if r, err := open(t, f).Install(context.Background(), FileSource(file), Options{}); err != nil || r.Action != Added {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := os.Stat(stale); err == nil {
		t.Error("what was there before is still there")
	}
	info, err := os.Stat(filepath.Join(f.extracted(filepath.Base(file)), executable.Host().FileName("plugin")))
	if err != nil || info.Mode().Perm()&0o111 == 0 {
		t.Errorf("the executable: %v, %v", info, err)
	}
}

// TestBesideIsRead has sums and signatures that every user reads, as the packages are.
func TestBesideIsRead(t *testing.T) {
	s := open(t, folders(t))
	if err := s.beside("x.ptar", release.SumExtension, "sum\n"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(s.folders.pkgFile("x.ptar" + release.SumExtension)); err != nil || info.Mode() != 0o644 {
		t.Errorf("%v, %v", info, err)
	}
}
