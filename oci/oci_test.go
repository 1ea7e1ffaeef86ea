package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/oci/ocitest"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/registry"
	"github.com/PlakarKorp/kpkg/release"
)

var (
	amd64 = executable.Platform{OS: "linux", Arch: "amd64"}
	arm64 = executable.Platform{OS: "linux", Arch: "arm64"}
)

// dist is a release for two platforms in a folder, signed by a key.
func dist(t testing.TB, key *release.SecretKey, name, version, text string) string {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	manifest := fmt.Sprintf("name: %s\ndisplay_name: N\ndescription: %s\nlicense: ISC\nhomepage: https://example.org\napi_version: v1.1.0\n"+
		"connectors:\n- {type: importer, class: service, executable: run, protocols: [x%s]}\n", name, text, name)
	var b bytes.Buffer
	content, err := ptarbuild.New(ctx, []ptarbuild.File{
		ptarbuild.FromBytes("manifest.yaml", []byte(manifest)), ptarbuild.FromBytes("README.md", []byte("# "+text+"\n")),
		{Name: "run", Executable: true, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("#!/bin/sh\necho " + text + "\n")), nil
		}},
	}, ptarbuild.Options{Time: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := content.Write(ctx, &b); err != nil {
		t.Fatal(err)
	}
	recipe, err := release.Recipe{Name: name, Version: version, Repository: "https://example.org/r"}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for file, data := range map[string]string{
		name + "_" + version + "_linux_amd64.ptar": b.String(), name + "_" + version + "_linux_arm64.ptar": b.String(),
		name + "_" + version + "_linux_amd64.ptar.cdx.json": "{}", name + "_" + version + "_linux_amd64.ptar.provenance.json": `{"a": 1}`,
		"recipe.yaml": string(recipe), "NOTES.md": "# " + version + "\n",
	} {
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := release.Sign(ctx, path, key); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func newKey(t testing.TB) (*release.SecretKey, release.Trust) {
	t.Helper()
	key, err := release.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key, release.Trust{Keys: []*release.PublicKey{key.Public()}, Require: true}
}

func address(t testing.TB, r *ocitest.Registry, rest string) Address {
	t.Helper()
	a, err := ParseAddress(Scheme + r.Host + "/" + rest)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func publish(ctx context.Context, t testing.TB, r *ocitest.Registry, client *http.Client, dir string) ([]Pushed, error) {
	t.Helper()
	releases, single, err := registry.Releases(t.Context(), dir, release.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	return Publish(ctx, address(t, r, "acme/app"), releases, PublishOptions{Access: Access{Client: client}, Single: single})
}

// must publishes, and fails the test when that fails.
func must(t testing.TB, r *ocitest.Registry, dir string) What {
	t.Helper()
	pushed, err := publish(t.Context(), t, r, r.Client, dir)
	if err != nil || len(pushed) != 1 {
		t.Fatalf("%v, %v", pushed, err)
	}
	return pushed[0].What
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]Address{
		"oci://h/r": {"h", "r", ""}, "oci://h:5000/a/b-c.d": {"h:5000", "a/b-c.d", ""}, "oci://h/r:v1.2.3": {"h", "r", "v1.2.3"},
		"oci://h/r:1.2.3": {"h", "r", "v1.2.3"}, "oci://h/r:v1.2.3_4": {"h", "r", "v1.2.3+4"}, "oci://[::1]:5/r": {"[::1]:5", "r", ""},
	} {
		if got, err := ParseAddress(text); got != want || err != nil {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "oci://", "oci://h", "oci://h/", "oci:///r", "https://h/r", "oci://h/R", "oci://user:secret@h/r", "oci://h/r:latest",
		"oci://h/r@sha256:abc", "oci://h/a//b", "oci://h/../b", "oci://h/r:v1.2.3-linux-amd64:x", "oci://h/a?b", "oci://h/a b",
	} {
		if got, err := ParseAddress(text); err == nil {
			t.Errorf("%q is taken for %+v", text, got)
		}
	}
}

func TestPublish(t *testing.T) {
	key, trust := newKey(t)
	first := dist(t, key, "app", "v1.0.0", "first")
	var contents []map[string][]byte
	for _, api := range []bool{true, false} {
		t.Run(fmt.Sprint("API ", api), func(t *testing.T) {
			r := ocitest.New(t)
			r.Referrers = api
			if what := must(t, r, first); what != Added {
				t.Errorf("it was %s", what)
			}
			checkWhole(t, r, "acme/app", "v1.0.0")
			contents = append(contents, maps.Clone(r.Manifests))
			r.Asked("")
			if what := must(t, r, first); what != Unchanged {
				t.Errorf("again it was %s", what)
			}
			if n := r.Asked("P"); n != 0 { // PUT, POST, PATCH
				t.Errorf("again it sent %d times", n)
			}
			// What was signed again is added, and counts.
			other, otherTrust := newKey(t)
			again := t.TempDir()
			if err := os.CopyFS(again, os.DirFS(first)); err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{"app_v1.0.0_linux_amd64.ptar", "app_v1.0.0_linux_arm64.ptar", "recipe.yaml", "NOTES.md"} {
				if _, err := release.Sign(t.Context(), filepath.Join(again, file), other); err != nil {
					t.Fatal(err)
				}
			}
			if what := must(t, r, again); what != Completed {
				t.Errorf("signed again it was %s", what)
			}
			for _, trust := range []release.Trust{trust, otherTrust} {
				if _, err := installable(t, r, "acme/app:v1.0.0", trust); err != nil {
					t.Error(err)
				}
			}
			// Other bytes are refused, before anything is sent: of a package, and of what only the index tells of.
			different := dist(t, key, "app", "v1.0.0", "other")
			notes := t.TempDir()
			if err := os.CopyFS(notes, os.DirFS(first)); err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{"NOTES.md", "NOTES.md.sum", "NOTES.md.sum.sig"} {
				os.Remove(filepath.Join(notes, file))
			}
			os.WriteFile(filepath.Join(notes, "NOTES.md"), []byte("others"), 0o644)
			if _, err := release.Sign(t.Context(), filepath.Join(notes, "NOTES.md"), key); err != nil {
				t.Fatal(err)
			}
			for _, dir := range []string{different, notes} {
				r.Asked("")
				_, err := publish(t.Context(), t, r, r.Client, dir)
				if !errors.Is(err, ErrDifferent) || r.Asked("P") != 0 {
					t.Errorf("other bytes: %v", err)
				}
			}
			must(t, r, dist(t, key, "app", "v1.1.0", "second"))
			checkWhole(t, r, "acme/app", "v1.1.0")
			checkWhole(t, r, "acme/app", "v1.0.0")
		})
	}
	for key, data := range contents[0] {
		if other := contents[1][key]; !bytes.Equal(other, data) {
			t.Errorf("%s is in one registry only", key)
		}
	}
}

// checkWhole holds a version to what its tag promises: all that it names is there, and all that refers to it.
func checkWhole(t testing.TB, r *ocitest.Registry, repo, tag string) {
	t.Helper()
	var index ocispec.Index
	if err := json.Unmarshal(r.Manifests[repo+"@"+r.Tags[repo+":"+tag]], &index); err != nil || len(index.Manifests) != 2 {
		t.Fatalf("the index has %d packages, %v", len(index.Manifests), err)
	}
	for _, key := range []string{"title", "version", "licenses", "source", "description", "url"} {
		if index.Annotations["org.opencontainers.image."+key] == "" {
			t.Errorf("the index has no %s", key)
		}
	}
	repository, err := open(t.Context(), address(t, r, repo), Access{Client: r.Client})
	if err != nil {
		t.Fatal(err)
	}
	c, err := repository.contents(t.Context(), tag)
	if err != nil {
		t.Fatal(err)
	}
	for name, layer := range c.layers {
		if r.Blobs[repo+"@"+layer.Digest.String()] == nil {
			t.Errorf("%s is not there", name)
		}
	}
	for _, layers := range c.artifacts {
		for name, layer := range layers {
			if r.Blobs[repo+"@"+layer.Digest.String()] == nil {
				t.Errorf("%s is not there", name)
			}
		}
	}
	for _, p := range index.Manifests {
		if of := r.Tags[repo+":"+tag+"-"+p.Platform.OS+"-"+p.Platform.Architecture]; of != p.Digest.String() {
			t.Errorf("the tag for %s is of %q", p.Platform.Architecture, of)
		}
	}
}

// installable reads the package for this kind of machine, and judges its signature.
func installable(t testing.TB, r *ocitest.Registry, reference string, trust release.Trust) (*Package, error) {
	t.Helper()
	p, err := Find(t.Context(), address(t, r, reference), amd64, Access{Client: r.Client}, trust)
	if err != nil {
		return nil, err
	}
	content, err := p.Open(t.Context())
	if err != nil {
		return nil, err
	}
	defer content.Close()
	data, err := io.ReadAll(content)
	if err != nil {
		return nil, err
	}
	_, findings, err := trust.Judge(p.FileName(), release.Sum{Name: p.FileName(), SHA256: strings.TrimPrefix(ocispec.DescriptorEmptyJSON.Digest.
		Algorithm().FromBytes(data).String(), "sha256:")}, p.Beside)
	if err != nil {
		return nil, err
	}
	for _, f := range findings {
		return nil, errors.New(f.Message)
	}
	return p, nil
}

// cut is a transport that ends after some requests, as a killed run does.
type cut struct {
	http.RoundTripper
	left atomic.Int64
}

func (c *cut) RoundTrip(q *http.Request) (*http.Response, error) {
	if c.left.Add(-1) < 0 {
		return nil, errors.New("cut off")
	}
	return c.RoundTripper.RoundTrip(q)
}

// TestInterrupted ends runs after each number of requests: never is there a version that is not whole, and the next run
// completes it.
func TestInterrupted(t *testing.T) {
	key, trust := newKey(t)
	dir := dist(t, key, "app", "v1.0.0", "first")
	for _, api := range []bool{true, false} {
		r := ocitest.New(t)
		r.Referrers = api
		interrupted := 0
		for n := int64(0); ; n += 3 {
			clear(r.Blobs)
			clear(r.Manifests)
			clear(r.Tags)
			c := &cut{RoundTripper: r.Client.Transport}
			c.left.Store(n)
			_, err := publish(t.Context(), t, r, &http.Client{Transport: c}, dir)
			if r.Tags["acme/app:v1.0.0"] != "" {
				checkWhole(t, r, "acme/app", "v1.0.0")
			}
			if err == nil {
				break
			}
			interrupted++
			must(t, r, dir)
			checkWhole(t, r, "acme/app", "v1.0.0")
			if _, err := installable(t, r, "acme/app:v1.0.0", trust); err != nil {
				t.Error(err)
			}
		}
		if interrupted < 20 {
			t.Errorf("only %d runs were interrupted", interrupted)
		}
	}
}

func TestFind(t *testing.T) {
	key, trust := newKey(t)
	r := ocitest.New(t)
	for _, version := range []string{"v1.0.0", "v1.1.0", "v1.2.0-rc.1", "v0.9.0+meta"} {
		must(t, r, dist(t, key, "app", version, version))
	}
	if p, err := installable(t, r, "acme/app", trust); err != nil || p.Version != "v1.1.0" || p.Name != "app" {
		t.Errorf("the newest is %+v, %v", p, err)
	}
	for _, version := range []string{"v1.0.0", "v1.2.0-rc.1", "v0.9.0_meta"} {
		if p, err := installable(t, r, "acme/app:"+version, trust); err != nil || Tag(p.Version, noPlatform) != version {
			t.Errorf("%s is %+v, %v", version, p, err)
		}
	}
	for reference, want := range map[string]string{
		"acme/app:v3.0.0": "there is no v3.0.0 in " + Scheme + r.Host + "/acme/app; there is v1.2.0-rc.1, v1.1.0, v1.0.0, v0.9.0+meta",
		"acme/none":       "there is no version in", "acme/none:v1.0.0": "there is no v1.0.0",
		"acme/app:v1.0.0-linux-amd64": "is no release of an integration",
	} {
		if _, err := installable(t, r, reference, trust); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", reference, err)
		}
	}
	plan9 := executable.Platform{OS: "plan9", Arch: "arm"}
	_, err := Find(t.Context(), address(t, r, "acme/app"), plan9, Access{Client: r.Client}, trust)
	if err == nil || !strings.Contains(err.Error(), "there is no package for plan9/arm") || !strings.Contains(err.Error(), "linux/amd64, linux/arm64") {
		t.Error(err)
	}
	// A tag that somebody gives to an older version: all digests and signatures are right.
	r.Tags["acme/app:v1.1.0"] = r.Tags["acme/app:v1.0.0"]
	if _, err := installable(t, r, "acme/app:v1.1.0", trust); err == nil || !strings.Contains(err.Error(), "leads to the version v1.0.0") {
		t.Errorf("an older version under a newer tag: %v", err)
	}
}

// TestTamper changes each manifest and blob in the registry in turn: a mirror of all refuses each, and installing each that it
// reads.
func TestTamper(t *testing.T) {
	key, trust := newKey(t)
	r := ocitest.New(t)
	must(t, r, dist(t, key, "app", "v1.0.0", "first"))
	install := func() error {
		_, err := installable(t, r, "acme/app:v1.0.0", trust)
		return err
	}
	mirror := func() error {
		origin, err := NewOrigin(t.Context(), address(t, r, "acme/app"), nil, Access{Client: r.Client})
		if err != nil {
			return err
		}
		_, err = registry.Mirror(t.Context(), origin, registry.MirrorOptions{Tree: t.TempDir(), Trust: trust})
		return err
	}
	if err := errors.Join(install(), mirror()); err != nil {
		t.Fatal(err)
	}
	refused, tried := 0, 0
	for _, all := range []map[string][]byte{r.Manifests, r.Blobs} {
		for _, name := range slices.Sorted(maps.Keys(all)) {
			whole, former := all[name], isFormerIndex(r, name)
			for what, changed := range map[string][]byte{
				"flipped": append([]byte{whole[0] ^ 1}, whole[1:]...), "longer": append(slices.Clone(whole), ' '), "shorter": whole[:len(whole)-1],
			} {
				all[name] = changed
				if err := mirror(); err == nil && !former {
					t.Errorf("%s %s: it was mirrored\n%s", name, what, whole)
				}
				r.Asked("")
				tried++
				err := install()
				read := r.Asked("GET /v2/acme/app/"+kind(all, r)+name[len("acme/app@"):]) > 0
				if err != nil {
					refused++
				} else if read {
					t.Errorf("%s %s: it was installed\n%s", name, what, whole)
				}
			}
			all[name] = whole
		}
	}
	if refused < 20 {
		t.Errorf("only %d of %d changes were refused", refused, tried)
	}
}

func kind(all map[string][]byte, r *ocitest.Registry) string {
	if len(all) == len(r.Blobs) && fmt.Sprint(slices.Sorted(maps.Keys(all))) == fmt.Sprint(slices.Sorted(maps.Keys(r.Blobs))) {
		return "blobs/"
	}
	return "manifests/"
}

// isFormerIndex tells a list of referrers that another one has taken the place of: nothing leads to it.
func isFormerIndex(r *ocitest.Registry, name string) bool {
	var index ocispec.Index
	if json.Unmarshal(r.Manifests[name], &index); index.MediaType != ocispec.MediaTypeImageIndex || index.ArtifactType != "" {
		return false
	}
	return !slices.Contains(slices.Collect(maps.Values(r.Tags)), name[len("acme/app@"):])
}

// TestCredentials has registries ask for a password, themselves or by a service for tokens, and give blobs from another host, which
// learns of no credentials.
func TestCredentials(t *testing.T) {
	key, trust := newKey(t)
	dir := dist(t, key, "app", "v1.0.0", "first")
	for _, bearer := range []bool{false, true} {
		r := ocitest.New(t)
		r.User, r.Password, r.Bearer, r.Elsewhere = "me", "very secret", bearer, true
		_, err := publish(t.Context(), t, r, r.Client, dir)
		if err == nil || !strings.Contains(err.Error(), "log in to "+r.Host) {
			t.Errorf("without credentials: %v", err)
		}
		right := Access{Client: r.Client, Credential: auth.StaticCredential(r.Host, auth.Credential{Username: "me", Password: "very secret"})}
		wrong := Access{Client: r.Client, Credential: auth.StaticCredential(r.Host, auth.Credential{Username: "me", Password: "wrong secret"})}
		releases, _, err := registry.Releases(t.Context(), dir, release.Trust{})
		if err != nil {
			t.Fatal(err)
		}
		to := address(t, r, "acme/app")
		_, err = Publish(t.Context(), to, releases, PublishOptions{Access: wrong, Single: true})
		if err == nil || !strings.Contains(err.Error(), "log in to "+r.Host) || strings.Contains(err.Error(), "wrong secret") {
			t.Errorf("with a wrong password: %v", err)
		}
		if _, err := Publish(t.Context(), to, releases, PublishOptions{Access: right, Single: true}); err != nil {
			t.Fatal(err)
		}
		p, err := Find(t.Context(), to, amd64, right, trust)
		if err != nil {
			t.Fatal(err)
		}
		content, err := p.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(content); err != nil {
			t.Error(err)
		}
		if len(r.Leaked) > 0 {
			t.Errorf("credentials went to another host with %v", r.Leaked)
		}
	}
}

func TestCancelled(t *testing.T) {
	key, _ := newKey(t)
	r := ocitest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := &cut{RoundTripper: roundTrip(func(q *http.Request) (*http.Response, error) {
		if q.Method == http.MethodPut {
			cancel()
			<-q.Context().Done()
			return nil, q.Context().Err()
		}
		return r.Client.Transport.RoundTrip(q)
	})}
	c.left.Store(1000)
	begin := time.Now()
	_, err := publish(ctx, t, r, &http.Client{Transport: c}, dist(t, key, "app", "v1.0.0", "first"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(q *http.Request) (*http.Response, error) { return f(q) }

// TestMirror brings packages for one platform, then for all, without fetching anything twice.
func TestMirror(t *testing.T) {
	key, trust := newKey(t)
	r := ocitest.New(t)
	must(t, r, dist(t, key, "app", "v1.0.0", "first"))
	tree := t.TempDir()
	mirror := func(at string, names []string, platforms ...executable.Platform) registry.Mirrored {
		t.Helper()
		r.Asked("")
		origin, err := NewOrigin(t.Context(), address(t, r, at), names, Access{Client: r.Client})
		if err != nil {
			t.Fatal(err)
		}
		done, err := registry.Mirror(t.Context(), origin, registry.MirrorOptions{Tree: tree, Names: names, Platforms: platforms, Trust: trust})
		if err != nil {
			t.Fatal(err)
		}
		checked, err := registry.Check(t.Context(), tree, registry.CheckOptions{Trust: trust})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range checked.Findings {
			if f.Rule != "signature-missing" || strings.HasSuffix(f.File, ".ptar") || strings.HasSuffix(f.File, "recipe.yaml") {
				t.Errorf("%s: %s", f.File, f.Message)
			}
		}
		return done[0]
	}
	packages := func() int {
		found, _ := filepath.Glob(filepath.Join(tree, "community/v1.1.0/app/*.ptar"))
		return len(found)
	}
	if one := mirror("acme", []string{"app"}, amd64); one.What != registry.Added || one.Version != "v1.0.0" || packages() != 1 {
		t.Errorf("%+v, %d packages", one, packages())
	}
	if one := mirror("acme", []string{"app"}, amd64); one.What != registry.Unchanged || r.Asked("GET /v2/acme/app/blobs/") != 0 {
		t.Errorf("again: %+v", one)
	}
	must(t, r, dist(t, key, "app", "v1.1.0", "second"))
	if one := mirror("acme", nil, amd64); one.What != registry.Updated || one.Version != "v1.1.0" || packages() != 2 {
		t.Errorf("%+v, %d packages", one, packages())
	}
	if one := mirror("acme", nil, arm64); one.What != registry.Updated || packages() != 4 || one.Files != 2 {
		t.Errorf("another platform: %+v, %d packages", one, packages())
	}
	// What the registry has no more, the mirror keeps.
	maps.DeleteFunc(r.Tags, func(tag, _ string) bool { return strings.HasPrefix(tag, "acme/app:v1.0.0") })
	if one := mirror("acme", nil, arm64); one.What != registry.Unchanged || packages() != 4 {
		t.Errorf("a version is gone: %+v, %d packages", one, packages())
	}
	origin, err := NewOrigin(t.Context(), address(t, r, "acme/none"), nil, Access{Client: r.Client})
	if err == nil {
		_, err = registry.Mirror(t.Context(), origin, registry.MirrorOptions{Tree: tree, Trust: trust})
	}
	if err == nil || !strings.Contains(err.Error(), "mirror "+Scheme+r.Host+"/acme/none into a folder of its own") {
		t.Errorf("another origin: %v", err)
	}
}
