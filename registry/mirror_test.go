package registry

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/web"
	"github.com/PlakarKorp/kpkg/release"
)

// mirrorOf mirrors a tree, by its folder or its address.
func mirrorOf(location, tree string, trust release.Trust, names []string, platforms ...executable.Platform) ([]Mirrored, error) {
	trust.Require = len(trust.Keys) > 0
	origin, err := OpenOrigin(location, trust)
	if err != nil {
		return nil, err
	}
	return Mirror(context.Background(), origin, MirrorOptions{Tree: tree, Names: names, Platforms: platforms, Trust: trust})
}

// filesOf are all files of a tree but the pages and those of the mirror's own, with their content.
func filesOf(t testing.TB, tree string) map[string]string {
	t.Helper()
	all := map[string]string{}
	isPage := func(name string) bool {
		base, _, _ := strings.Cut(filepath.Base(name), ".sum")
		return slices.Contains([]string{web.ListName, web.DataName, web.FeedName}, base)
	}
	if err := filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == lockName || d.Name() == mirrorName || isPage(path) {
			return err
		}
		name, err := filepath.Rel(tree, path)
		all[name] = string(get(t, path))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// asked serves a tree, and counts what is asked of it.
type asked struct {
	http.Handler
	mu    sync.Mutex
	paths []string
	// fail, when set, cuts the connection of the requests for which it says so.
	fail func(path string) bool
}

func (a *asked) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	a.mu.Lock()
	a.paths = append(a.paths, q.URL.Path+" "+q.Header.Get("Range"))
	fail := a.fail != nil && a.fail(q.URL.Path)
	a.mu.Unlock()
	if fail {
		w.Header().Set("Content-Length", "100000")
		w.Write([]byte("only a begin"))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	a.Handler.ServeHTTP(w, q)
}

// failing has the server break off what it is asked for where fail says so; what a run has left unread may still be asked for.
func (a *asked) failing(fail func(path string) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fail = fail
}

// packages counts the requests for packages, and forgets all.
func (a *asked) packages() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, path := range a.paths {
		if strings.Contains(path, ".ptar ") {
			n++
		}
	}
	a.paths = nil
	return n
}

func serveTree(t testing.TB, tree string) (*asked, string) {
	a := &asked{Handler: http.FileServer(http.Dir(tree))}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return a, server.URL
}

// TestMirror mirrors all, and then what is new.
func TestMirror(t *testing.T) {
	key := newKey(t, "acme")
	tree, mirror := t.TempDir(), filepath.Join(t.TempDir(), "mirror")
	opts := Options{Tree: tree, Key: key}
	add(t, opts, dist(t, key, "one", "v1.0.0"), dist(t, key, "two", "v1.0.0"))
	server, address := serveTree(t, tree)
	same := func() {
		t.Helper()
		want, got := filesOf(t, tree), filesOf(t, mirror)
		for name, content := range want {
			if got[name] != content {
				t.Errorf("%s is another", name)
			}
			delete(got, name)
		}
		for name := range got {
			t.Errorf("%s is in the mirror only", name)
		}
		if findings := found(t, mirror, trust(key)); len(findings) > 0 {
			t.Errorf("%v", findings)
		}
	}
	done, err := mirrorOf(address, mirror, trust(key), nil)
	if err != nil || len(done) != 2 || done[0].What != Added || done[0].Version != "v1.0.0" || done[1].Files != 3 || server.packages() != 2 {
		t.Fatalf("%+v, %v", done, err)
	}
	same()
	done, err = mirrorOf(address, mirror, trust(key), nil)
	if err != nil || done[0].What != Unchanged || done[1].What != Unchanged || server.packages() != 0 {
		t.Errorf("again: %+v, %v", done, err)
	}
	same()
	add(t, opts, dist(t, key, "one", "v1.1.0"))
	if _, err := Withdraw(t.Context(), "two", "v1.0.0", "broken", opts); err != nil {
		t.Fatal(err)
	}
	done, err = mirrorOf(address, mirror, trust(key), nil)
	if err != nil || done[0].What != Updated || done[0].Version != "v1.1.0" || done[1].Version != "" || server.packages() != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	same()
	// Another key: the files are those that are there, what is beside them comes anew.
	other := newKey(t, "other")
	for name := range filesOf(t, tree) {
		if !strings.Contains(name, ".sum") && filepath.Base(name) != KeyName {
			if _, err := release.Sign(t.Context(), filepath.Join(tree, name), other); err != nil {
				t.Fatal(err)
			}
		}
	}
	public, err := other.Public().Marshal("other public key")
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(tree, indexDir, KeyName), public)
	if done, err = mirrorOf(address, mirror, trust(other), nil); err != nil || done[0].What != Updated || server.packages() != 0 {
		t.Errorf("with another key: %+v, %v", done, err)
	}
	if findings := found(t, mirror, trust(other)); len(findings) > 0 {
		t.Errorf("%v", findings)
	}
}

func found(t testing.TB, tree string, trust release.Trust) []finding.Finding {
	t.Helper()
	checked, err := Check(t.Context(), tree, CheckOptions{Trust: trust})
	if err != nil {
		t.Fatal(err)
	}
	return checked.Findings
}

// TestMirrorPart mirrors some integrations, and packages for some platforms.
func TestMirrorPart(t *testing.T) {
	key := newKey(t, "acme")
	tree, mirror := t.TempDir(), t.TempDir()
	arm := executable.Platform{OS: "linux", Arch: "arm64"}
	var dists []string
	for _, name := range []string{"one", "two"} {
		dir := dist(t, key, name, "v1.0.0")
		package_ := get(t, filepath.Join(dir, name+"_v1.0.0_linux_amd64.ptar"))
		for _, file := range []string{"_v1.0.0_linux_arm64.ptar", "_v1.0.0_linux_arm64.ptar.cdx.json"} {
			put(t, filepath.Join(dir, name+file), package_)
			if _, err := release.Sign(t.Context(), filepath.Join(dir, name+file), key); err != nil {
				t.Fatal(err)
			}
		}
		dists = append(dists, dir)
	}
	add(t, Options{Tree: tree, Key: key}, dists...)
	_, address := serveTree(t, tree)
	names := func() []string {
		var index Index
		if err := json.Unmarshal(get(t, filepath.Join(mirror, IndexName)), &index); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, i := range index.Integrations {
			names = append(names, i.Name)
		}
		return names
	}
	there := func(name string) bool { return exists(filepath.Join(mirror, integrationDir("one"), name)) }
	if _, err := mirrorOf(address, mirror, trust(key), []string{"one"}, arm); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(names(), []string{"one"}) || there("one_v1.0.0_linux_amd64.ptar") || !there("one_v1.0.0_linux_arm64.ptar") ||
		!there("v1.0.0/one_v1.0.0_linux_arm64.ptar.cdx.json") || !there("v1.0.0/recipe.yaml.sum.sig") {
		t.Errorf("the mirror has %v", filesOf(t, mirror))
	}
	// What nobody can have signed is told, and all else is signed.
	for _, f := range found(t, mirror, trust(key)) {
		if f.Severity != finding.Warning || f.Rule != "signature-missing" || f.File != IndexName && f.File != PrereleasesName {
			t.Errorf("%s: %s", f.File, f.Message)
		}
	}
	// What an index says that nobody has signed is held to what is signed.
	index := get(t, filepath.Join(mirror, indexDir, IndexName))
	put(t, filepath.Join(mirror, indexDir, IndexName), []byte(strings.Replace(string(index), `"license": "ISC"`, `"license": "no"`, 1)))
	if all := found(t, mirror, trust(key)); !slices.ContainsFunc(all, func(f finding.Finding) bool { return f.Rule == "registry-stale" }) {
		t.Errorf("a false entry in the index: %v", all)
	}
	// The rest, in steps: what is there stays.
	if _, err := mirrorOf(address, mirror, trust(key), []string{"two"}, arm); err != nil || !slices.Equal(names(), []string{"one", "two"}) {
		t.Errorf("%v, %v", names(), err)
	}
	if all := found(t, mirror, trust(key)); len(all) > 0 {
		t.Errorf("with all integrations the index is the one that is signed: %v", all)
	}
	if _, err := mirrorOf(address, mirror, trust(key), []string{"one"}); err != nil || !there("one_v1.0.0_linux_amd64.ptar") {
		t.Errorf("with all platforms: %v", err)
	}
	if all := found(t, mirror, trust(key)); len(all) > 0 {
		t.Errorf("%v", all)
	}
	if _, err := mirrorOf(address, mirror, trust(key), []string{"three"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an integration that is not there: %v", err)
	}
	if _, err := mirrorOf(tree, mirror, trust(key), nil); err == nil || !strings.Contains(err.Error(), "into a folder of its own") {
		t.Errorf("another origin: %v", err)
	}
	if _, err := Add(t.Context(), nil, Options{Tree: mirror, Key: key}); err == nil || !strings.Contains(err.Error(), "is a mirror of") {
		t.Errorf("kpkg index on a mirror: %v", err)
	}
}

// TestMirrorInterrupted cuts the connection at each file: the tree is never half, and what was fetched is not fetched again.
func TestMirrorInterrupted(t *testing.T) {
	key := newKey(t, "acme")
	tree, mirror := t.TempDir(), t.TempDir()
	opts := Options{Tree: tree, Key: key}
	add(t, opts, dist(t, key, "one", "v1.0.0"))
	server, address := serveTree(t, tree)
	if _, err := mirrorOf(address, mirror, trust(key), nil); err != nil {
		t.Fatal(err)
	}
	add(t, opts, dist(t, key, "one", "v1.1.0"))
	before, wanted := filesOf(t, mirror), filesOf(t, tree)
	cut := map[string]bool{}
	for runs := 0; ; runs++ {
		server.failing(func(path string) bool {
			if cut[path] {
				return false
			}
			cut[path] = true
			return true
		})
		_, err := mirrorOf(address, mirror, trust(key), nil)
		now := filesOf(t, mirror)
		if err == nil {
			for name, content := range wanted {
				if now[name] != content {
					t.Errorf("at the end %s is another", name)
				}
			}
			if runs < 10 {
				t.Errorf("only %d runs were cut", runs)
			}
			break
		}
		for name, content := range before {
			if now[name] != content {
				t.Errorf("after %v, %s has changed", err, name)
			}
		}
	}
	// A part of a package, as a killed run leaves it: only the rest is asked for. And one that is another file's.
	package_ := wanted["community/v1.1.0/one/one_v1.1.0_linux_amd64.ptar"]
	for _, part := range []string{package_[:1000], strings.Repeat("x", 1000), package_ + "more"} {
		server.failing(nil)
		fresh := t.TempDir()
		put(t, filepath.Join(fresh, holdingDir, "one", "one_v1.1.0_linux_amd64.ptar.part"), []byte(part))
		server.packages()
		if _, err := mirrorOf(address, fresh, trust(key), nil); err != nil {
			t.Fatal(err)
		}
		resumed := slices.ContainsFunc(server.paths, func(path string) bool { return strings.HasSuffix(path, "one_v1.1.0_linux_amd64.ptar bytes=1000-") })
		if resumed != (len(part) == 1000) {
			t.Errorf("asked for %q", server.paths)
		}
		if all := found(t, fresh, trust(key)); len(all) > 0 {
			t.Errorf("%v", all)
		}
	}
}

// TestMirrorTampered changes each file of the origin in turn, and has it tell what an older one does.
func TestMirrorTampered(t *testing.T) {
	key := newKey(t, "acme")
	tree, older := t.TempDir(), t.TempDir()
	opts := Options{Tree: tree, Key: key}
	add(t, opts, dist(t, key, "one", "v1.0.0"))
	if err := os.CopyFS(older, os.DirFS(tree)); err != nil {
		t.Fatal(err)
	}
	add(t, opts, dist(t, key, "one", "v1.1.0"))
	for name, content := range filesOf(t, tree) {
		if !exists(filepath.Join(tree, name)) || filepath.Dir(name) == "." { // links to the index
			continue
		}
		if name == integrationDir("one")+"/recipe.yaml" || strings.HasPrefix(name, integrationDir("one")+"/recipe.yaml.") {
			continue // which is that of the version, and read there
		}
		path := filepath.Join(tree, name)
		for _, changed := range []string{content + " ", content[:len(content)-2], string(content[0]^1) + content[1:]} {
			os.Remove(path) // hard links lead to it
			put(t, path, []byte(changed))
			if done, err := mirrorOf(tree, t.TempDir(), trust(key), nil); err == nil {
				t.Errorf("%s: changed, it was mirrored: %+v", name, done)
			}
		}
		os.Remove(path)
		put(t, path, []byte(content))
	}
	server, address := serveTree(t, tree)
	mirror := t.TempDir()
	if _, err := mirrorOf(address, mirror, trust(key), nil); err != nil {
		t.Fatal(err)
	}
	before := filesOf(t, mirror)
	server.Handler = http.FileServer(http.Dir(older))
	if _, err := mirrorOf(address, mirror, trust(key), nil); err == nil || !strings.Contains(err.Error(), "has one v1.1.0 no more") {
		t.Errorf("an older tree: %v", err)
	}
	again := t.TempDir() // another v1.1.0, with the right signatures
	otherOpts := Options{Tree: again, Key: key}
	add(t, otherOpts, dist(t, key, "one", "v1.0.0"))
	dir := dist(t, key, "one", "v1.1.0")
	for _, extension := range []string{"", ".sum", ".sum.sig"} {
		os.Remove(filepath.Join(dir, release.NotesName+extension))
	}
	put(t, filepath.Join(dir, release.NotesName), []byte("other"))
	if _, err := release.Sign(t.Context(), filepath.Join(dir, release.NotesName), key); err != nil {
		t.Fatal(err)
	}
	add(t, otherOpts, dir)
	server.Handler = http.FileServer(http.Dir(again))
	if _, err := mirrorOf(address, mirror, trust(key), nil); err == nil || !strings.Contains(err.Error(), "has other files of one v1.1.0") {
		t.Errorf("other bytes under a version: %v", err)
	}
	for name, content := range filesOf(t, mirror) {
		if before[name] != content && !strings.HasPrefix(name, holdingDir) {
			t.Errorf("a refused run has changed %s", name)
		}
	}
}
