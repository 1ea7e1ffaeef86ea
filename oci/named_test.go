package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	ocidistribution "github.com/google/go-containerregistry/pkg/registry"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/registry"
	"github.com/PlakarKorp/kpkg/release"
	"github.com/PlakarKorp/kpkg/verify"
)

// imaged is a release for two platforms with its connector in images of a name.
func imaged(t *testing.T, reference string) []registry.Release {
	t.Helper()
	source, dist := t.TempDir(), filepath.Join(t.TempDir(), "dist")
	for name, data := range map[string]string{
		"manifest.yaml": "name: app\ndisplay_name: X\ndescription: of x\nlicense: ISC\nhomepage: https://example.org\napi_version: v1.1.0\n" +
			"connectors:\n- {type: importer, class: service, executable: program, protocols: [xapp], validator: schema.json}\n" +
			"build: {packages: {program: ./main}, platforms: [linux/amd64, linux/arm64]}\n",
		"schema.json": `{"type": "object"}`, "README.md": "# X\n", "LICENSE": "ISC\n",
		"go.mod": "module example.org/app\n\ngo 1.26\n", "main/main.go": "package main\n\nfunc main() {}\n",
	} {
		file := filepath.Join(source, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(data), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	releases, outcome, err := release.Run(t.Context(), release.Options{
		Manifests: []string{source}, Version: "v1.0.0", OutDir: dist, Repository: "https://example.org/x", Allow: []string{"release-commit"},
		SkipTest: []string{"importer:xapp"}, Maker: "test", Compression: "gzip", Image: true, ImageReference: reference,
	})
	if err != nil || outcome != release.Written {
		for _, r := range releases {
			t.Error(r.Err, r.Findings)
		}
		t.Fatal(outcome, err)
	}
	read, _, err := registry.Releases(t.Context(), dist, release.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// distribution is a registry of another maker, with what was written to it.
type distribution struct {
	*httptest.Server
	host string

	mu      sync.Mutex
	handler http.Handler
	writes  []string
	write   func(request string) // is told of each write before it is done
}

func newDistribution(t *testing.T) *distribution {
	d := &distribution{}
	d.empty()
	d.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		d.mu.Lock()
		handler := d.handler
		if q.Method != http.MethodGet && q.Method != http.MethodHead {
			request := q.Method + " " + q.URL.Path
			d.writes = append(d.writes, request)
			if d.write != nil {
				d.write(request)
			}
		}
		d.mu.Unlock()
		handler.ServeHTTP(w, q)
	}))
	t.Cleanup(d.Close)
	d.host = strings.TrimPrefix(d.URL, "https://")
	return d
}

// empty takes everything away.
func (d *distribution) empty() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.handler = ocidistribution.New(ocidistribution.Logger(log.New(io.Discard, "", 0)))
	d.writes = nil
}

// tell has write told of each write from now on.
func (d *distribution) tell(write func(request string)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.write = write
}

// wrote is what was written since the last time.
func (d *distribution) wrote() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	writes := d.writes
	d.writes = nil
	return writes
}

func (d *distribution) publish(ctx context.Context, t *testing.T, releases []registry.Release) ([]Pushed, error) {
	t.Helper()
	a, err := ParseAddress(Scheme + d.host + "/acme/app")
	if err != nil {
		t.Fatal(err)
	}
	return Publish(ctx, a, releases, PublishOptions{Access: Access{Client: d.Client()}, Single: true})
}

func (d *distribution) repository(t *testing.T, name string) *remote.Repository {
	t.Helper()
	r, err := remote.NewRepository(d.host + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	r.Client = d.Client()
	return r
}

// pulled are the images of a tag as a client pulls them, by platform: the ID of each, once all that it is made of is there.
func (d *distribution) pulled(t *testing.T, name, tag string) map[string]string {
	t.Helper()
	r := d.repository(t, name)
	read := func(its ocispec.Descriptor, from content.Fetcher, into any) {
		t.Helper()
		data, err := content.FetchAll(t.Context(), from, its) // held to its digest
		if err == nil && into != nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatalf("%s in %s: %v", its.Digest, name, err)
		}
	}
	found, err := r.Resolve(t.Context(), tag)
	if err != nil {
		t.Fatal(err)
	}
	var index ocispec.Index
	read(found, r.Manifests(), &index)
	ids := map[string]string{}
	for _, its := range index.Manifests {
		var m ocispec.Manifest
		var config ocispec.Image
		read(its, r.Manifests(), &m)
		read(m.Config, r.Blobs(), &config)
		for _, layer := range m.Layers {
			read(layer, r.Blobs(), nil)
		}
		if config.OS != its.Platform.OS || config.Architecture != its.Platform.Architecture || len(m.Layers) == 0 {
			t.Errorf("an image for %s/%s with %d layers is listed for %+v", config.OS, config.Architecture, len(m.Layers), its.Platform)
		}
		ids[its.Platform.OS+"/"+its.Platform.Architecture] = m.Config.Digest.String()
	}
	return ids
}

// manifests are the IDs that the packages of a release have in their manifests, by platform.
func manifests(t *testing.T, r registry.Release) map[string]string {
	t.Helper()
	ids := map[string]string{}
	for _, name := range r.Packages() {
		report, err := verify.File(t.Context(), r.Paths[name], verify.Options{Client: "next"})
		if err != nil || finding.HasErrors(report.Findings) {
			t.Fatal(report.Findings, err)
		}
		ids[report.OS+"/"+report.Arch] = report.Connectors[0].ImageID
	}
	return ids
}

// TestPublishImages publishes the images that packages name, before their version is there, and no other under their name; killed at
// each write, the next run goes on. A mirror has the archives.
func TestPublishImages(t *testing.T) {
	raced.Skip(t, "it builds images for two platforms")
	d := newDistribution(t)
	reference := d.host + "/acme/images/app:v1.0.0"
	releases := imaged(t, reference)
	want := manifests(t, releases[0])
	isThere := func() {
		t.Helper()
		if got := d.pulled(t, "acme/images/app", "v1.0.0"); fmt.Sprint(got) != fmt.Sprint(want) || len(got) != 2 {
			t.Errorf("pulled are %v, the manifests name %v", got, want)
		}
	}
	pushed, err := d.publish(t.Context(), t, releases)
	if err != nil || pushed[0].What != Added || len(pushed[0].Images) != 1 || pushed[0].Images[0].What != Added || pushed[0].Images[0].Reference != reference {
		t.Fatalf("%+v, %v", pushed, err)
	}
	isThere()
	first := d.wrote()
	at := func(end string) int {
		return slices.IndexFunc(first, func(request string) bool { return strings.HasSuffix(request, end) })
	}
	named, version := at("PUT /v2/acme/images/app/manifests/v1.0.0"), at("PUT /v2/acme/app/manifests/v1.0.0")
	images := 0
	for _, request := range first[:named] {
		if strings.HasPrefix(request, "PUT /v2/acme/images/app/manifests/sha256:") {
			images++
		}
	}
	if images != 2 || named > version || version != len(first)-1 {
		t.Errorf("written in the order of %q", first)
	}

	if pushed, err = d.publish(t.Context(), t, releases); err != nil || pushed[0].What != Unchanged || pushed[0].Images[0].What != Unchanged || len(d.wrote()) > 0 {
		t.Errorf("again: %+v, %v", pushed, err)
	}

	// A mirror of packages for one platform has its images, and no others.
	origin, err := NewOrigin(t.Context(), Address{Host: d.host, Repository: "acme/app"}, nil, Access{Client: d.Client()})
	if err != nil {
		t.Fatal(err)
	}
	mirror := t.TempDir()
	if _, err := registry.Mirror(t.Context(), origin, registry.MirrorOptions{Tree: mirror, Platforms: []executable.Platform{arm64}}); err != nil {
		t.Fatal(err)
	}
	mirrored := filepath.Join(mirror, "community/v1.1.0/app/app_v1.0.0_linux_arm64.ptar")
	report, err := verify.File(t.Context(), mirrored, verify.Options{Client: "next"})
	if err != nil || finding.HasErrors(report.Findings) || report.Images == nil || report.Images.File != image.Beside(mirrored) {
		t.Errorf("mirrored: %+v, %v", report, err)
	}
	if archives, err := filepath.Glob(filepath.Join(filepath.Dir(mirrored), "*"+image.Extension)); err != nil || len(archives) != 1 {
		t.Errorf("the mirror has %q, %v", archives, err)
	}
	web := httptest.NewServer(registry.Handler(mirror))
	defer web.Close()
	for _, location := range []string{mirror, web.URL} {
		if checked, err := registry.Check(t.Context(), location, registry.CheckOptions{}); err != nil || finding.HasErrors(checked.Findings) {
			t.Errorf("%+v, %v", checked, err)
		}
	}

	// The name is gone: it comes back, and what else there is stays.
	repository := d.repository(t, "acme/images/app")
	tagged, err := repository.Resolve(t.Context(), "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, d.URL+"/v2/acme/images/app/manifests/v1.0.0", nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := d.Client().Do(request); err != nil || answer.StatusCode != http.StatusAccepted {
		t.Fatal(answer, err)
	}
	d.wrote()
	if pushed, err = d.publish(t.Context(), t, releases); err != nil || pushed[0].What != Completed || pushed[0].Images[0].Digest != tagged.Digest.String() {
		t.Errorf("%+v, %v", pushed, err)
	}
	if writes := d.wrote(); len(writes) != 1 {
		t.Errorf("to give a tag back takes %q", writes)
	}
	isThere()

	// Another image has the name, or the name is one of the packages: nothing is sent.
	other := newObject(ocispec.MediaTypeImageManifest, []byte(`{"schemaVersion": 2, "mediaType": "`+ocispec.MediaTypeImageManifest+`"}`))
	if err := repository.PushReference(t.Context(), other.Descriptor, strings.NewReader(string(other.data)), "v1.0.0"); err != nil {
		t.Fatal(err)
	}
	d.wrote()
	if _, err := d.publish(t.Context(), t, releases); !errors.Is(err, ErrDifferent) || !strings.Contains(err.Error(), other.Digest.String()) || len(d.wrote()) > 0 {
		t.Error(err)
	}
	for _, name := range []string{"/acme/app:v1.0.0", "/acme/app:v3.0.0", "/acme/app:v1.0.0-image", "/acme/app:part-v1.0.0"} {
		called := slices.Clone(releases)
		called[0].Images = nil
		for _, i := range releases[0].Images {
			i.Images = slices.Clone(i.Images)
			i.Images[0].Reference = d.host + name
			called[0].Images = append(called[0].Images, i)
		}
		if _, err := d.publish(t.Context(), t, called); err == nil || !strings.Contains(err.Error(), "would have the tag of packages") || len(d.wrote()) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}

	// Killed at each of the writes.
	for n := range first {
		d.empty()
		ctx, cancel := context.WithCancel(t.Context())
		count := 0
		d.tell(func(string) {
			if count++; count > n {
				cancel()
			}
		})
		_, err := d.publish(ctx, t, releases)
		d.tell(nil)
		cancel()
		if _, there := d.repository(t, "acme/app").Resolve(t.Context(), "v1.0.0"); there == nil {
			isThere()
		} else if err == nil {
			t.Fatalf("killed at write %d, it says that all is there", n)
		}
		if _, err := d.publish(t.Context(), t, releases); err != nil {
			t.Fatalf("after a kill at write %d: %v", n, err)
		}
		isThere()
		if pushed, err := d.publish(t.Context(), t, releases); err != nil || pushed[0].What != Unchanged {
			t.Fatalf("after a kill at write %d: %+v, %v", n, pushed, err)
		}
	}

	// An archive that is another than the one that was judged.
	path := releases[0].Paths["app_v1.0.0_linux_arm64.oci.tar"]
	amd, err := os.ReadFile(releases[0].Paths["app_v1.0.0_linux_amd64.oci.tar"])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, amd, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := d.publish(t.Context(), t, releases); err == nil || !strings.Contains(err.Error(), "was changed after it was judged") {
		t.Error(err)
	}
}
