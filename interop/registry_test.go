package interop

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/PlakarKorp/kloset/caching"
	"github.com/PlakarKorp/kloset/caching/pebble"
	"github.com/PlakarKorp/kloset/kcontext"
	"github.com/PlakarKorp/kloset/logging"
	"github.com/PlakarKorp/pkg"

	_ "github.com/PlakarKorp/integrations/ptar/storage" // which the client's backend opens packages with

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// scripted is an integration whose executable is a script, so that releases of it take no build.
const scripted = `name: NAME
display_name: N
description: version VERSION
homepage: https://example.org
license: ISC
api_version: v1.1.0
connectors:
- {type: importer, class: service, executable: run, protocols: [xNAME], validator: schema.json}
build:
  platforms: [OS/ARCH]
`

// story is a folder with a key, sources and what is made of them.
type story struct {
	t   *testing.T
	dir string
}

func newStory(t *testing.T) *story {
	s := &story{t, t.TempDir()}
	s.kpkg(0, "keygen", "acme", "--no-passphrase")
	return s
}

func (s *story) at(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// kpkg runs the program under test, with a memory of trees of the story's own.
func (s *story) kpkg(status int, args ...string) rig.Result {
	s.t.Helper()
	return s.kpkgWith([]string{"XDG_STATE_HOME=" + s.at("state")}, status, args...)
}

// kpkgWith runs it with more in its environment.
func (s *story) kpkgWith(environment []string, status int, args ...string) rig.Result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	result, err := rig.RunIn(ctx, s.dir, environment, tools.Kpkg, args...)
	if err != nil || result.Status != status {
		s.t.Fatalf("kpkg %q: %v, %v; want status %d", args, err, result, status)
	}
	return result
}

func (s *story) put(name, content string) {
	s.t.Helper()
	mode := fs.FileMode(0o644)
	if filepath.Base(name) == "run" {
		mode = 0o755
	}
	path := s.at(name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), mode)); err != nil {
		s.t.Fatal(err)
	}
}

// source writes the source of a version of an integration, and releaseArgs are those that release it.
func (s *story) source(name, version string) {
	text := strings.NewReplacer("NAME", name, "VERSION", version, "OS", runtime.GOOS, "ARCH", runtime.GOARCH).Replace(scripted)
	for file, content := range map[string]string{
		"manifest.yaml": text, "run": "#!/bin/sh\necho " + version + "\n", "README.md": "# " + version + "\n", "LICENSE": "ISC\n",
		"schema.json": `{"type": "object", "properties": {"location": {"type": "string"}}}`, "go.mod": "module example.org/x\n\ngo 1.26\n",
	} {
		s.put(name+"/"+file, content)
	}
}

func (s *story) releaseArgs(name, version, out string) []string {
	return []string{"release", name, version, "--out-dir", out, "--key", "acme.sec", "--repository", "https://example.org/" + name,
		"--skip-test", "importer:x" + name, "--allow", "release-commit"}
}

func (s *story) release(name, version, out string) {
	s.t.Helper()
	s.source(name, version)
	s.kpkg(0, s.releaseArgs(name, version, out)...)
}

// serve serves a tree by TLS on loopback, and has the client's own HTTP trust it.
func serve(t *testing.T, tree string) (address string) {
	t.Helper()
	files := http.FileServer(http.Dir(tree))
	mux := http.NewServeMux()
	mux.Handle("/", files)
	// Where the released client looks for its index.
	mux.Handle("/v1/integrations/", http.StripPrefix("/v1/integrations", files))
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	transport := http.DefaultTransport.(*http.Transport)
	transport.CloseIdleConnections()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	return server.URL
}

// newManager is the client's own package manager for a registry, with folders of its own.
func newManager(t *testing.T, address string) *pkg.Manager {
	t.Helper()
	return newManagerOf(t, address, t.TempDir(), t.TempDir())
}

// newManagerOf is one for the folders of packages and of what was extracted of them.
func newManagerOf(t *testing.T, address, packages, extracted string) *pkg.Manager {
	t.Helper()
	kctx := kcontext.NewKContext()
	t.Cleanup(kctx.Close)
	cache := caching.NewManager(pebble.Constructor(t.TempDir()))
	t.Cleanup(func() { cache.Close() })
	kctx.SetCache(cache)
	kctx.SetLogger(logging.NewLogger(os.Stdout, os.Stderr))
	kctx.MaxConcurrency, kctx.CacheDir = 2, t.TempDir()
	backend, err := pkg.NewFlatBackend(kctx, packages, extracted, &pkg.FlatBackendOptions{})
	if err != nil {
		t.Fatal(err)
	}
	manager, err := pkg.New(backend, &pkg.Options{InstallURL: address + "/community/", ApiURL: address})
	if err != nil {
		t.Fatal(err)
	}
	return manager
}

// TestRegistry tells the whole story: a key, two integrations in two versions, an index, a server, and the released client's
// own manager, which finds them, fetches recipe and package, and installs.
func TestRegistry(t *testing.T) {
	s := newStory(t)
	for _, name := range []string{"one", "two"} {
		for _, version := range []string{"v1.0.0", "v1.1.0"} {
			out := "dist-" + name + version
			s.release(name, version, out)
			s.kpkg(0, "index", out, "--out-dir", "tree", "--key", "acme.sec")
		}
	}
	address := serve(t, s.at("tree"))
	s.kpkg(0, "index", "--check", "tree", "--key", "acme.pub")
	manager := newManager(t, address)
	found, err := manager.Query(nil)
	if err != nil || len(found) != 2 || found[0].Name != "one" || found[0].LatestVersion != "v1.1.0" || found[1].Stage != "stable" {
		t.Fatalf("the client finds %+v, %v", found, err)
	}
	recipe, err := manager.FetchRecipe("one")
	if err != nil || recipe.Semver() != "v1.1.0" || recipe.Repository != "https://example.org/one" {
		t.Errorf("%+v, %v", recipe, err)
	}
	if err := manager.Add("one", &pkg.AddOptions{ImplicitFetch: true}); err != nil {
		t.Errorf("installing what the recipe names: %v", err)
	}
	if err := manager.Add("two", &pkg.AddOptions{ImplicitFetch: true, Version: "v1.0.0"}); err != nil {
		t.Errorf("installing an older version: %v", err)
	}
	installed := map[string]string{}
	for p, err := range manager.List() {
		if err != nil {
			t.Fatal(err)
		}
		installed[p.Name] = p.Version
	}
	if installed["one"] != "v1.1.0" || installed["two"] != "v1.0.0" {
		t.Errorf("installed: %v", installed)
	}
}
