package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// startRegistry starts Debian's registry, and has kpkg trust its authority and know its password.
func startRegistry(t *testing.T) *rig.OCIRegistry {
	t.Helper()
	registry, err := rig.StartOCIRegistry()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := registry.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("SSL_CERT_FILE", registry.CAFile)
	t.Setenv("DOCKER_CONFIG", registry.DockerConfig)
	return registry
}

// offline runs a program for the user of a client, in a network that leads nowhere.
func offline(t *testing.T, client *rig.Client, dir, program string, args ...string) rig.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	unshare := append([]string{"--map-root-user", "--net", program}, args...)
	result, err := rig.RunIn(ctx, dir, client.Environment(), "unshare", unshare...)
	if err != nil || result.Status != 0 {
		t.Fatalf("%s %q: %v, %v", program, args, err, result)
	}
	return result
}

// TestOCI publishes to Debian's registry, and installs from a mirror of it, and from one of a registry of files, without a network.
func TestOCI(t *testing.T) {
	s, client := newStory(t), newClient(t)
	s.release("one", "v1.0.0", "dist1")
	s.release("one", "v1.1.0", "dist2")
	registry := startRegistry(t)
	to := "oci://" + registry.Address + "/acme/one"

	// The authority by a flag, the password by a helper for this registry.
	helper := "#!/bin/sh\necho '{\"Username\": \"" + rig.RegistryUser + "\", \"Secret\": \"" + rig.RegistryPassword + "\"}'\n"
	s.put("bin/docker-credential-interop", helper)
	s.put("docker/config.json", fmt.Sprintf(`{"credHelpers": {%q: "interop"}}`, registry.Address))
	if err := os.Chmod(s.at("bin/docker-credential-interop"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Run("helper", func(t *testing.T) {
		t.Setenv("SSL_CERT_FILE", "/dev/null")
		t.Setenv("DOCKER_CONFIG", s.at("docker"))
		t.Setenv("PATH", s.at("bin")+":"+os.Getenv("PATH"))
		result := s.kpkg(0, "publish", "dist1", to, "--ca-file", registry.CAFile)
		if !strings.Contains(result.Stdout, "added  one v1.0.0") || strings.Contains(result.String(), rig.RegistryPassword) {
			t.Errorf("%v", result)
		}
		t.Setenv("DOCKER_CONFIG", s.at("nowhere"))
		if result := s.kpkg(3, "publish", "dist2", to, "--ca-file", registry.CAFile); !strings.Contains(result.Stderr, "log in to "+registry.Address) {
			t.Errorf("%v", result)
		}
	})
	if result := s.kpkg(0, "publish", "dist1", to); !strings.Contains(result.Stdout, "unchanged  one v1.0.0") {
		t.Errorf("again: %v", result)
	}
	s.kpkg(0, "publish", "dist2", to)

	key := s.at("acme.pub")
	// Mirrors, and then no network.
	s.kpkg(0, "index", "dist1", "dist2", "--out-dir", "tree", "--key", "acme.sec")
	for mirror, of := range map[string]string{"mirror1": to, "mirror2": s.at("tree")} {
		s.kpkg(0, "mirror", of, "--out-dir", mirror, "--key", "acme.pub")
		s.kpkg(0, "index", "--check", mirror, "--key", "acme.pub")
		file := s.at(mirror + "/community/v1.1.0/one/one_v1.1.0_" + runtime.GOOS + "_" + runtime.GOARCH + ".ptar")
		offline(t, client, s.dir, tools.Kpkg, "install", file, "--key", key, "--require-signature")
		offline(t, client, s.dir, tools.Kpkg, "uninstall", "one")
		offline(t, client, s.dir, tools.Client, "pkg", "add", file)
		if list := offline(t, client, s.dir, tools.Kpkg, "installed").Stdout; !strings.Contains(list, "one") {
			t.Errorf("kpkg lists %q", list)
		}
		must(t, client, "pkg", "rm", "one")
		// The client's package manager finds a served mirror to be a registry.
		manager := newManager(t, serve(t, s.at(mirror)))
		if found, err := manager.Query(nil); err != nil || len(found) != 1 || found[0].LatestVersion != "v1.1.0" {
			t.Errorf("the client finds %+v, %v", found, err)
		}
	}
}

// fromOCI are kpkg and the client itself at a repository for each integration. The client knows no OCI registries: it takes packages out
// of mirrors.
type fromOCI struct {
	*story
	client *rig.Client
	root   string // of the repositories
}

func (f fromOCI) publish(name, dist string) { f.kpkg(0, "publish", dist, f.root+"/"+name) }

func (f fromOCI) run(status int, args ...string) rig.Result {
	f.t.Helper()
	return f.kpkgWith(f.client.Environment(), status, args...)
}

func (f fromOCI) install(name, version string) []string {
	address := f.root + "/" + name
	if version != "" {
		address += ":" + version
	}
	return []string{"install", address, "--require-signature"}
}

func (f fromOCI) upgrade(name string) []string { return f.install(name, "") }

// newest is the newest package in the repository, fetched.
func (f fromOCI) newest(name string) string {
	f.t.Helper()
	f.kpkg(0, "mirror", f.root+"/"+name, "--out-dir", "mirror-"+name, "--key", "acme.pub")
	files, err := filepath.Glob(f.at("mirror-" + name + "/community/v1.1.0/" + name + "/*.ptar"))
	if err != nil || len(files) == 0 {
		f.t.Fatalf("the mirror has %q, %v", files, err)
	}
	return files[len(files)-1]
}

func (f fromOCI) add(name string)     { must(f.t, f.client, "pkg", "add", f.newest(name)) }
func (f fromOCI) replace(name string) { must(f.t, f.client, "pkg", "add", "-u", f.newest(name)) }
func (f fromOCI) remove(name string)  { must(f.t, f.client, "pkg", "rm", name) }

func (f fromOCI) want(list ...string) {
	f.t.Helper()
	lines := regexp.MustCompile(`\S+@v\S+`).FindAllString(must(f.t, f.client, "pkg", "list").Stdout, -1)
	if slices.Sort(lines); !slices.Equal(lines, list) {
		f.t.Fatalf("the client lists %q, not %q", lines, list)
	}
	wantInstalled(f.t, f.run(0, "installed").Stdout, list)
}

// TestInstallFromOCI is TestInstallFromRegistry at Debian's registry, whose key is trusted by its address.
func TestInstallFromOCI(t *testing.T) {
	s, registry := newStory(t), startRegistry(t)
	c := fromOCI{s, newClient(t), "oci://" + registry.Address + "/acme"}
	c.run(0, "trust", "add", "acme.pub", "--scope", "https://"+registry.Address+"/acme")
	s.installBoth(c)
}

// TestOCIImages releases an integration with its connectors in an image, the importer of which it tests there, and publishes it: under the
// name in the manifest, Debian's registry has the image whose ID the manifest has.
func TestOCIImages(t *testing.T) {
	s, server, registry := newStory(t), startFTPServer(t), startRegistry(t)
	if err := os.CopyFS(s.at("ftp"), os.DirFS(filepath.Join(rig.Root(), "examples/ftp"))); err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile(s.at("ftp/go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	s.put("ftp/go.mod", strings.Replace(string(module), "=> ../..", "=> "+rig.Root(), 1))
	s.put("ftp/both/kpkg-test.yaml", fmt.Sprintf("importer:ftp:\n  config: {location: %q, password: %q}\n",
		"ftp://"+rig.FTPUser+"@"+server.Address+writeTree(t), rig.FTPPassword))
	image := registry.Address + "/acme/images/ftp:v1.0.0"
	released := s.kpkg(0, "release", "ftp/both", "v1.0.0", "--image", "--image-ref", image, "--platform", runtime.GOOS+"/"+runtime.GOARCH,
		"--out-dir", "dist", "--key", "acme.sec", "--repository", "https://example.org/ftp", "--skip-test", "exporter:ftp", "--allow", "release-commit")
	if !strings.Contains(released.Stderr, "importer:ftp: ") {
		t.Errorf("it was not tested: %v", released)
	}
	s.kpkg(0, "publish", "dist", "oci://"+registry.Address+"/acme/ftp")

	var verified struct {
		Packages []struct {
			Connectors []struct {
				Image   string
				ImageID string `json:"image_id"`
			}
		}
	}
	file := "dist/ftp_v1.0.0_" + runtime.GOOS + "_" + runtime.GOARCH + ".ptar"
	if err := json.Unmarshal([]byte(s.kpkg(0, "verify", file, "--format", "json").Stdout), &verified); err != nil {
		t.Fatal(err)
	}
	read := func(digest string, into any) {
		t.Helper()
		hex := strings.TrimPrefix(digest, "sha256:")
		data, err := os.ReadFile(filepath.Join(registry.Storage, "blobs/sha256", hex[:2], hex, "data"))
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	link, err := os.ReadFile(filepath.Join(registry.Storage, "repositories/acme/images/ftp/_manifests/tags/v1.0.0/current/link"))
	if err != nil {
		t.Fatal(err)
	}
	var index struct{ Manifests []struct{ Digest string } }
	read(string(link), &index)
	if len(index.Manifests) != 1 {
		t.Fatalf("%+v", index)
	}
	var manifest struct{ Config struct{ Digest string } }
	read(index.Manifests[0].Digest, &manifest)
	for _, c := range verified.Packages[0].Connectors {
		if c.Image != image || c.ImageID != manifest.Config.Digest {
			t.Errorf("the manifest has %+v, the registry %s", c, manifest.Config.Digest)
		}
	}
}

// TestOCITampered changes each file that Debian's registry holds in its storage: a mirror, and installing where it reads the file,
// are refused.
func TestOCITampered(t *testing.T) {
	s := newStory(t)
	s.release("one", "v1.0.0", "dist1")
	registry := startRegistry(t)
	to := "oci://" + registry.Address + "/acme/one"
	s.kpkg(0, "publish", "dist1", to)
	var blobs []string
	if err := filepath.WalkDir(filepath.Join(registry.Storage, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "data" {
			blobs = append(blobs, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	installs, former := 0, 0
	for i, path := range blobs {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed := []byte(string(whole))
		changed[len(changed)/2] ^= 1
		if err := os.WriteFile(path, changed, 0o644); err != nil {
			t.Fatal(err)
		}
		if s.isFormer(registry, path, whole) {
			former++ // an index of referrers that nothing names any more
		} else {
			s.kpkg(3, "mirror", to, "--out-dir", fmt.Sprint("mirror", i), "--key", "acme.pub")
		}
		if needed(whole) {
			installs++
			result, err := rig.RunIn(t.Context(), s.dir, nil, tools.Kpkg, "install", to, "--key", "acme.pub", "--require-signature",
				"--root", fmt.Sprint("image", i), "--platform", runtime.GOOS+"/"+runtime.GOARCH)
			if err != nil || result.Status == 0 {
				t.Errorf("installed with a change of\n%s\n%v, %v", whole, result, err)
			}
		}
		if err := os.WriteFile(path, whole, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.kpkg(0, "mirror", to, "--out-dir", "mirror", "--key", "acme.pub")
	t.Logf("%d files, of which %d are former lists, %d are read for an installation", len(blobs), former, installs)
	if installs < 6 {
		t.Errorf("only %d files were taken for those of an installation", installs)
	}
}

// needed tells what an installation reads: the package, the manifests that lead to it, its sum and signature.
func needed(content []byte) bool {
	text := string(content)
	return strings.HasPrefix(text, "_PLATAR") || text == "{}" || strings.Contains(text, `"artifactType":"application/vnd.plakar.package.v1"`) ||
		strings.HasPrefix(text, "{") && strings.Contains(text, `"artifactType":"application/vnd.plakar.signature.v1"`) && strings.Contains(text, `"layers"`) ||
		strings.Contains(text, "SHA256 (one_v1.0.0_"+runtime.GOOS+"_"+runtime.GOARCH+".ptar)")
}

// isFormer tells a list of referrers that no tag leads to.
func (s *story) isFormer(registry *rig.OCIRegistry, path string, content []byte) bool {
	s.t.Helper()
	var index struct {
		MediaType, ArtifactType string
	}
	if json.Unmarshal(content, &index) != nil || !strings.HasSuffix(index.MediaType, "image.index.v1+json") || index.ArtifactType != "" {
		return false
	}
	digest := "sha256:" + filepath.Base(filepath.Dir(path))
	links, err := filepath.Glob(filepath.Join(registry.Storage, "repositories/acme/*/_manifests/tags/*/current/link"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, link := range links {
		if data, err := os.ReadFile(link); err == nil && strings.TrimSpace(string(data)) == digest {
			return false
		}
	}
	return true
}

// TestPublishKilled kills kpkg at moments of publishing: a version that has its tag is whole, and the next run completes it.
func TestPublishKilled(t *testing.T) {
	s := newStory(t)
	s.release("one", "v1.0.0", "dist1")
	registry := startRegistry(t)
	to := func(name string) string { return "oci://" + registry.Address + "/acme/" + name }
	begin := time.Now()
	s.kpkg(0, "publish", "dist1", to("trial"))
	took := time.Since(begin)
	states := map[string]int{}
	for i := range *moments {
		name := fmt.Sprint("app", i)
		s.killed(took*time.Duration(i)/time.Duration(*moments), "publish", "dist1", to(name))
		tagged := s.isWhole(registry, name)
		result := s.kpkg(0, "publish", "dist1", to(name), "--format", "json")
		var report struct{ Pushed []struct{ What string } }
		if err := json.Unmarshal([]byte(result.Stdout), &report); err != nil || len(report.Pushed) != 1 {
			t.Fatalf("%v, %v", result, err)
		}
		what := report.Pushed[0].What
		states[fmt.Sprintf("%s (tagged %v)", what, tagged)]++
		if tagged != (what == "unchanged") {
			t.Errorf("killed after %d/%d: tagged %v, and the next run says %s", i, *moments, tagged, what)
		}
		if !s.isWhole(registry, name) {
			t.Errorf("gone on with after %d/%d, the version has no tag", i, *moments)
		}
		if i%5 == 0 {
			if result := s.kpkg(0, "publish", "dist1", to(name)); !strings.Contains(result.Stdout, "unchanged") {
				t.Errorf("the run after that says %v", result)
			}
		}
	}
	t.Logf("the runs after those that were killed: %v", states)
}

// isWhole tells whether the version has its tag, and fails the test if something that its index names is not in the storage.
func (s *story) isWhole(registry *rig.OCIRegistry, name string) bool {
	s.t.Helper()
	manifests := filepath.Join(registry.Storage, "repositories/acme", name, "_manifests")
	read := func(digest string, into any) {
		s.t.Helper()
		hex := strings.TrimPrefix(digest, "sha256:")
		if _, err := os.Stat(filepath.Join(manifests, "revisions/sha256", hex, "link")); err != nil {
			s.t.Errorf("%s has no manifest %s: %v", name, digest, err)
		}
		data, err := os.ReadFile(filepath.Join(registry.Storage, "blobs/sha256", hex[:2], hex, "data"))
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			s.t.Errorf("%s: %v", name, err)
		}
	}
	link, err := os.ReadFile(filepath.Join(manifests, "tags/v1.0.0/current/link"))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	type descriptor struct{ Digest string }
	var index struct{ Manifests []descriptor }
	read(string(link), &index)
	if len(index.Manifests) != 1 {
		s.t.Errorf("%s has %d packages", name, len(index.Manifests))
	}
	referred := 0
	for _, d := range append(index.Manifests, descriptor{string(link)}) {
		var m struct{ Layers []descriptor }
		read(d.Digest, &m)
		list, err := os.ReadFile(filepath.Join(manifests, "tags", strings.Replace(d.Digest, ":", "-", 1), "current/link"))
		if err != nil {
			s.t.Errorf("%s: nothing refers to %s", name, d.Digest)
			continue
		}
		var referrers struct{ Manifests []descriptor }
		read(string(list), &referrers)
		for _, r := range referrers.Manifests {
			referred++
			var artifact struct{ Layers []descriptor }
			read(r.Digest, &artifact)
			m.Layers = append(m.Layers, artifact.Layers...)
		}
		for _, layer := range m.Layers {
			hex := strings.TrimPrefix(layer.Digest, "sha256:")
			if _, err := os.Stat(filepath.Join(registry.Storage, "repositories/acme", name, "_layers/sha256", hex, "link")); err != nil {
				s.t.Errorf("%s has no layer: %v", name, err)
			}
		}
	}
	if referred != 4 {
		s.t.Errorf("%s has %d artifacts, not those of signature, parts, provenance and the release", name, referred)
	}
	return true
}
