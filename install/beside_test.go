package install

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/release"
)

// install installs a package that must come to an end of this kind.
func install(t *testing.T, s *Store, source Source, opts Options, want Action) *Result {
	t.Helper()
	r, err := s.Install(t.Context(), source, opts)
	if err != nil || r.Action != want {
		t.Fatalf("%+v, %v; want %s", r, err, want)
	}
	return r
}

// has tells whether a rule has found something.
func has(r *Result, rule string) bool {
	return slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Rule == rule })
}

// TestInstalledIsJudged holds what is installed already to what is asked for now.
func TestInstalledIsJudged(t *testing.T) {
	file := packageOf(t, "one", "v1.0.0", "x")
	s := open(t, folders(t))
	install(t, s, FileSource(file), Options{}, Added)
	if r := install(t, s, FileSource(file), Options{Trust: release.Trust{Require: true}}, Refused); !has(r, "signature-missing") {
		t.Errorf("where a signature is asked for: %+v", r.Findings)
	}
	if err := os.WriteFile(file+release.SumExtension, []byte(strings.Repeat("0", 64)+"  "+filepath.Base(file)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := install(t, s, FileSource(file), Options{}, Refused); !finding.HasErrors(r.Findings) {
		t.Errorf("with another's sum: %+v", r.Findings)
	}
	stale := FileSource(file)
	stale.Beside, stale.SHA256 = func(string) ([]byte, error) { return nil, fs.ErrNotExist }, strings.Repeat("0", 64)
	if r := install(t, s, stale, Options{}, Refused); !has(r, "registry-stale") {
		t.Errorf("where its registry says something else: %+v", r.Findings)
	}
	install(t, s, Source{Name: stale.Name, Label: stale.Label, Open: stale.Open, Beside: stale.Beside}, Options{}, Unchanged)
}

// TestSignedLater keeps the signature of what is installed already.
func TestSignedLater(t *testing.T) {
	file := packageOf(t, "one", "v1.0.0", "x")
	s := open(t, folders(t))
	install(t, s, FileSource(file), Options{}, Added)
	bare := filepath.Join(t.TempDir(), filepath.Base(file))
	put(t, file, bare)
	first, second := keyPair(t), keyPair(t)
	for _, key := range []*release.SecretKey{first, second} { // another has signed it since
		if _, err := release.Sign(t.Context(), file, key); err != nil {
			t.Fatal(err)
		}
		trust := release.Trust{Keys: []*release.PublicKey{key.Public()}, Require: true}
		for range 2 {
			if r := install(t, s, FileSource(file), Options{Trust: trust}, Unchanged); r.Signature == nil {
				t.Error("the signature is not told")
			}
		}
		install(t, s, FileSource(bare), Options{}, Unchanged) // which takes none away
		for _, extension := range []string{release.SumExtension, release.SignatureExtension} {
			want, err := os.ReadFile(file + extension)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(s.folders.pkgFile(filepath.Base(file) + extension)); err != nil || string(got) != string(want) {
				t.Errorf("%s is %q, %v; want %q", extension, got, err, want)
			}
		}
		list, _, err := List(t.Context(), s.folders, trust.Keys)
		if err != nil || len(list) != 1 || list[0].Signature == nil {
			t.Errorf("%+v, %v", list, err)
		}
	}
	if got := versions(t, s.folders); len(got) != 1 {
		t.Errorf("%v are installed", got)
	}
}

// TestBesideIsReadOnce keeps the sum and the signature that were judged, whatever is beside the package a moment later.
func TestBesideIsReadOnce(t *testing.T) {
	file := packageOf(t, "one", "v1.0.0", "x")
	key := keyPair(t)
	if _, err := release.Sign(t.Context(), file, key); err != nil {
		t.Fatal(err)
	}
	source, reads := FileSource(file), map[string]int{}
	source.Beside = func(extension string) ([]byte, error) {
		if reads[extension]++; reads[extension] > 1 {
			return []byte("another's"), nil
		}
		return os.ReadFile(file + extension)
	}
	s := open(t, folders(t))
	install(t, s, source, Options{Trust: release.Trust{Keys: []*release.PublicKey{key.Public()}, Require: true}}, Added)
	for _, extension := range []string{release.SumExtension, release.SignatureExtension} {
		kept, err := os.ReadFile(s.folders.pkgFile(filepath.Base(file) + extension))
		if err != nil || strings.Contains(string(kept), "another's") {
			t.Errorf("%s that is kept is %q, %v", extension, kept, err)
		}
	}
}

// TestForceRepairs extracts again what is installed with the same bytes.
func TestForceRepairs(t *testing.T) {
	file := packageOf(t, "one", "v1.0.0", "x")
	s := open(t, folders(t))
	install(t, s, FileSource(file), Options{}, Added)
	extracted := s.folders.extracted(filepath.Base(file))
	want := content(t, extracted)
	for name, damage := range map[string]func() error{
		"changed": func() error { return os.WriteFile(filepath.Join(extracted, "manifest.yaml"), []byte("half"), 0o600) },
		"missing": func() error { return os.Remove(filepath.Join(extracted, "manifest.yaml")) },
		"more":    func() error { return os.WriteFile(filepath.Join(extracted, "more"), nil, 0o600) },
		"gone":    func() error { return os.RemoveAll(extracted) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		install(t, s, FileSource(file), Options{Force: true}, Replaced)
		if got := content(t, extracted); got != want {
			t.Errorf("%s: it has\n%s\nwant\n%s", name, got, want)
		}
		versions(t, s.folders)
	}
}

// content is the names, the modes and the contents of what is in a folder.
func content(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, path))
		fmt.Fprintf(&all, "%s %v %x\n", path, info.Mode(), sha256.Sum256(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestExtractedIsOnDisk has what was extracted flushed before it gets its name, and nothing installed where that fails.
func TestExtractedIsOnDisk(t *testing.T) {
	file := packageOf(t, "one", "v1.0.0", "x")
	s := open(t, folders(t))
	flushed, flush := 0, s.flush
	s.flush = func(dir string) error {
		flushed++
		if _, err := os.Stat(filepath.Join(dir, "manifest.yaml")); err != nil || filepath.Dir(dir) != s.folders.Extracted {
			t.Errorf("%s is flushed before there is all of it: %v", dir, err)
		}
		if _, err := os.Stat(s.folders.extracted(filepath.Base(file))); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("it has its name before it is flushed: %v", err)
		}
		return errDisk
	}
	if r, err := s.Install(context.Background(), FileSource(file), Options{}); !errors.Is(err, errDisk) || flushed != 1 {
		t.Errorf("%+v, %v; flushed %d times", r, err, flushed)
	}
	if got := versions(t, s.folders); len(got) != 0 {
		t.Errorf("%v are installed", got)
	}
	s.flush = flush
	install(t, s, FileSource(file), Options{}, Added)
}

var errDisk = errors.New("the disk is full")
