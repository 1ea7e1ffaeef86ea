package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/registry"
	"github.com/PlakarKorp/kpkg/release"
)

// released is a folder with the release of a version for this machine.
func released(t *testing.T, key *release.SecretKey, name, version string) string {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	text := fmt.Sprintf("name: %s\ndisplay_name: N\ndescription: of %s\nlicense: ISC\nhomepage: https://example.org\napi_version: v1.1.0\n"+
		"connectors:\n- {type: importer, class: service, executable: run, protocols: [x%s]}\n", name, version, name)
	content, err := ptarbuild.New(ctx, []ptarbuild.File{
		ptarbuild.FromBytes("manifest.yaml", []byte(text)),
		ptarbuild.FromBytes("LICENSE", []byte("ISC")),
		{Name: "run", Executable: true, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("#!/bin/sh\necho " + version + "\n")), nil
		}},
	}, ptarbuild.Options{Time: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	var pkg strings.Builder
	if _, err := content.Write(ctx, &pkg); err != nil {
		t.Fatal(err)
	}
	recipe, err := release.Recipe{Name: name, Version: version, Repository: "https://example.org/" + name}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	id := manifest.Identity{Name: name, Version: version, OS: runtime.GOOS, Arch: runtime.GOARCH}
	for file, data := range map[string]string{id.FileName(): pkg.String(), release.RecipeName: string(recipe)} {
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := release.Sign(ctx, path, key); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func keyPair(t *testing.T) *release.SecretKey {
	t.Helper()
	key, err := release.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	key.File = "test" + release.SecretExtension
	return key
}

// shelf is a registry in a folder, and one who installs from it.
type shelf struct {
	t    *testing.T
	key  *release.SecretKey
	tree string
	seen string
}

func newShelf(t *testing.T) *shelf {
	dir := t.TempDir()
	return &shelf{t, keyPair(t), filepath.Join(dir, "tree"), filepath.Join(dir, "seen.json")}
}

func (s *shelf) put(name, version string) {
	s.t.Helper()
	if _, err := registry.Add(s.t.Context(), []string{released(s.t, s.key, name, version)}, registry.Options{Tree: s.tree, Key: s.key}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shelf) keys(string) ([]*release.PublicKey, error) {
	return []*release.PublicKey{s.key.Public()}, nil
}

// open is the registry, or what is found of it.
func (s *shelf) open(keys ...*release.PublicKey) (*registry.Registry, []finding.Finding) {
	s.t.Helper()
	from, findings, err := registry.Open(s.t.Context(), s.tree, keys, s.seen)
	if err != nil {
		s.t.Fatal(err)
	}
	return from, findings
}

// install installs by name; the result of a registry that is not to be believed is a refusal, too.
func (s *shelf) install(store *Store, name, version string, opts Options) *Result {
	s.t.Helper()
	from, findings := s.open(s.key.Public())
	if finding.HasErrors(findings) {
		return Refusal(s.tree, findings...)
	}
	r, err := store.Named(s.t.Context(), from, name, version, s.keys, opts)
	if err != nil {
		r = Refusal(s.tree, finding.Finding{Rule: "not-done", Severity: finding.Error, Message: err.Error()})
	}
	return r
}

// registryFindings are those that have to do with a registry.
func registryFindings(t *testing.T) (raised []finding.Finding) {
	t.Helper()
	s, f := newShelf(t), folders(t)
	s.put("a", "v1.0.0")
	store := open(t, f)
	if r := s.install(store, "a", "", Options{}); r.Action != Added || r.Version != "v1.0.0" || r.Signature == nil {
		t.Fatalf("%+v", r)
	}
	s.put("a", "v1.1.0")
	compare := func() {
		t.Helper()
		list, _, err := List(t.Context(), f, nil)
		if err != nil {
			t.Fatal(err)
		}
		from, _ := s.open(s.key.Public())
		findings, err := Compare(t.Context(), list, from)
		if err != nil {
			t.Fatal(err)
		}
		raised = append(raised, findings...)
	}
	compare() // outdated
	from, _ := s.open(s.key.Public())
	if r, err := store.Upgrade(t.Context(), from, "a", s.keys, Options{}); err != nil || r.Action != Upgraded || r.Version != "v1.1.0" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := registry.Withdraw(t.Context(), "a", "v1.1.0", "bad", registry.Options{Tree: s.tree, Key: s.key}); err != nil {
		t.Fatal(err)
	}
	compare() // withdrawn
	r := s.install(store, "a", "v1.1.0", Options{})
	raised = append(raised, r.Findings...)
	if r := s.install(store, "a", "", Options{}); r.Action != Refused { // older than what is installed
		t.Errorf("%+v", r)
	}
	if r := s.install(store, "a", "", Options{Downgrade: true}); r.Action != Downgraded || r.Version != "v1.0.0" {
		t.Errorf("%+v", r)
	}
	if _, err := store.Uninstall("a"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.tree, "community", "v1.1.0", "a", manifest.Identity{
		Name: "a", Version: "v1.0.0", OS: runtime.GOOS, Arch: runtime.GOARCH}.FileName())
	bare := filepath.Join(t.TempDir(), filepath.Base(file))
	put(t, file, bare)
	if r, err := store.Install(t.Context(), FileSource(bare), Options{}); err != nil || r.Action != Added {
		t.Errorf("%+v, %v", r, err)
	}
	_, unsigned, err := List(t.Context(), f, []*release.PublicKey{s.key.Public()})
	if err != nil {
		t.Fatal(err)
	}
	return append(append(raised, unsigned...), Untrusted(s.tree))
}

// TestTamperedRegistry changes each file that is read to install from a registry, in each way: all of it is refused, and what is
// installed stays.
func TestTamperedRegistry(t *testing.T) {
	s, f := newShelf(t), folders(t)
	s.put("a", "v1.0.0")
	s.put("b", "v1.0.0")
	store := open(t, f)
	if r := s.install(store, "a", "", Options{}); r.Action != Added {
		t.Fatalf("%+v", r)
	}
	older := t.TempDir()
	if err := os.CopyFS(older, os.DirFS(s.tree)); err != nil {
		t.Fatal(err)
	}
	s.put("a", "v1.1.0")
	thief := keyPair(t)
	good, seen := s.tree, s.seen
	dir := filepath.Join("community", "v1.1.0", "a")
	pkg := func(version string) string {
		return filepath.Join(dir, manifest.Identity{Name: "a", Version: version, OS: runtime.GOOS, Arch: runtime.GOARCH}.FileName())
	}
	other := strings.Replace(pkg("v1.0.0"), string(filepath.Separator)+"a", string(filepath.Separator)+"b", 2)
	ways := map[string]func(file string) error{
		"a byte": func(file string) error {
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			data[len(data)/2] ^= 1
			return os.WriteFile(file, data, 0o600)
		},
		"cut":   func(file string) error { return os.Truncate(file, 10) },
		"empty": func(file string) error { return os.Truncate(file, 0) },
		"gone":  os.Remove,
		"signed by another": func(file string) error {
			if strings.HasSuffix(file, ".sum") || strings.HasSuffix(file, ".sig") {
				file = strings.TrimSuffix(strings.TrimSuffix(file, ".sig"), ".sum")
			}
			_, err := release.Sign(t.Context(), file, thief)
			return err
		},
	}
	try := func(title string, change func(tree string) error) {
		t.Helper()
		s.tree = filepath.Join(t.TempDir(), "tree")
		s.seen = filepath.Join(t.TempDir(), "seen.json")
		if err := errors.Join(os.CopyFS(s.tree, os.DirFS(good)), copyFile(seen, s.seen)); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{registry.IndexName, registry.PrereleasesName} { // the links, as a server shows them
			for _, extension := range []string{"", release.SumExtension, release.SignatureExtension} {
				at := filepath.Join(s.tree, name+extension)
				data, err := os.ReadFile(filepath.Join(good, name+extension))
				if err = errors.Join(err, gone(os.Remove(at)), os.WriteFile(at, data, 0o600)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := change(s.tree); err != nil {
			t.Fatalf("%s: %v", title, err)
		}
		r := s.install(store, "a", "", Options{Force: true})
		if r.Action != Refused || !finding.HasErrors(r.Findings) {
			t.Errorf("%s: %s %v", title, r.Action, r.Findings)
		}
		if got := versions(t, f); len(got) != 1 || got[0] != "v1.0.0" {
			t.Fatalf("%s: %v are installed", title, got)
		}
	}
	tried := 0
	for _, file := range []string{registry.IndexName, filepath.Join(dir, "versions.json"), filepath.Join(dir, release.RecipeName), pkg("v1.1.0")} {
		for _, extension := range []string{"", release.SumExtension, release.SignatureExtension} {
			for way, change := range ways {
				tried++
				try(file+extension+": "+way, func(tree string) error { return change(filepath.Join(tree, file+extension)) })
			}
			try(file+extension+": that of before", func(tree string) error {
				from := filepath.Join(older, file+extension)
				if file == pkg("v1.1.0") {
					from = filepath.Join(older, pkg("v1.0.0")+extension)
				}
				return copyFile(from, filepath.Join(tree, file+extension))
			})
		}
		try(file+": all of another's", func(tree string) error {
			var err error
			from := map[string]string{pkg("v1.1.0"): other}[file]
			if from == "" {
				from = strings.Replace(file, string(filepath.Separator)+"a"+string(filepath.Separator), string(filepath.Separator)+"b"+string(filepath.Separator), 1)
			}
			if file == registry.IndexName {
				from = registry.PrereleasesName
			}
			for _, extension := range []string{"", release.SumExtension, release.SignatureExtension} {
				err = errors.Join(err, copyFile(filepath.Join(tree, from+extension), filepath.Join(tree, file+extension)))
			}
			return err
		})
		try(file+": all of before", func(tree string) error {
			var err error
			for _, extension := range []string{"", release.SumExtension, release.SignatureExtension} {
				from := file
				if file == pkg("v1.1.0") {
					from = pkg("v1.0.0")
				}
				err = errors.Join(err, copyFile(filepath.Join(older, from+extension), filepath.Join(tree, file+extension)))
			}
			return err
		})
	}
	if tried != 60 {
		t.Errorf("%d ways were tried", tried)
	}
	// The whole tree of before is an older one once the newer was seen.
	s.tree, s.seen = good, seen
	if r := s.install(store, "a", "", Options{}); r.Action != Upgraded {
		t.Fatalf("%+v", r)
	}
	s.tree = older
	r := s.install(store, "a", "", Options{Downgrade: true})
	if r.Action != Refused || r.Findings[0].Rule != "registry-older" {
		t.Errorf("an older tree: %+v", r)
	}
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}

// TestForeignRegistry installs from a registry that has no list of versions, as upstream's.
func TestForeignRegistry(t *testing.T) {
	s, f := newShelf(t), folders(t)
	s.put("a", "v1.0.0")
	for _, extension := range []string{"", release.SumExtension, release.SignatureExtension} {
		if err := os.Remove(filepath.Join(s.tree, "community", "v1.1.0", "a", "versions.json"+extension)); err != nil {
			t.Fatal(err)
		}
	}
	store := open(t, f)
	if r := s.install(store, "a", "", Options{}); r.Action != Added {
		t.Errorf("%+v", r)
	}
	if r := s.install(store, "c", "", Options{}); r.Action != Refused || !strings.Contains(r.Findings[0].Message, `no integration "c"`) {
		t.Errorf("%+v", r)
	}
	machine := executable.Platform{OS: "plan9", Arch: "arm"}
	if r := s.install(store, "a", "", Options{Platform: machine}); r.Action != Refused {
		t.Errorf("%+v", r)
	}
}

// TestSeenInJSON is what is remembered, which kpkg index --check reads too.
func TestSeenInJSON(t *testing.T) {
	s := newShelf(t)
	s.put("a", "v1.0.0")
	s.install(open(t, folders(t)), "a", "", Options{})
	data, err := os.ReadFile(s.seen)
	var seen struct {
		Timestamp    time.Time
		Integrations map[string]struct{ Offered string }
	}
	if err == nil {
		err = json.Unmarshal(data, &seen)
	}
	if err != nil || seen.Timestamp.IsZero() || seen.Integrations["a"].Offered != "v1.0.0" {
		t.Errorf("%s, %v", data, err)
	}
	if _, err := registry.Check(context.Background(), s.tree, registry.CheckOptions{SeenFile: s.seen}); err != nil {
		t.Error(err)
	}
}
