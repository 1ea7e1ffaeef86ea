package oci

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/oci/ocitest"
	"github.com/PlakarKorp/kpkg/registry"
	"github.com/PlakarKorp/kpkg/release"
)

// publishedPart puts the part of a release into a registry, ahead of its version.
func publishedPart(t *testing.T, r *ocitest.Registry, access Access, dir string) {
	t.Helper()
	releases, single, err := registry.Releases(t.Context(), dir, release.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := PublishPart(t.Context(), address(t, r, "acme/app"), releases, []byte("{}"), PublishOptions{Access: access, Single: single}); err != nil {
		t.Fatal(err)
	}
}

// TestPartFetchedAgain fetches what has changed since, and nothing else, and leaves nothing but the files of the part.
func TestPartFetchedAgain(t *testing.T) {
	key, _ := newKey(t)
	r := ocitest.New(t)
	access := Access{Client: r.Client}
	from, to := dist(t, key, "app", "v1.0.0", "first"), t.TempDir()
	fetch := func() (names []string) {
		t.Helper()
		publishedPart(t, r, access, from)
		part, err := FindPart(t.Context(), address(t, r, "acme/app"), true, "app", "v1.0.0", access)
		if err != nil {
			t.Fatal(err)
		}
		err = part.Fetch(t.Context(), to, []executable.Platform{amd64, arm64}, func(name string, _ int64) { names = append(names, name) })
		if err != nil {
			t.Fatal(err)
		}
		there, err := os.ReadDir(to)
		if err != nil || len(there) != 12 { // six files and their sums
			t.Errorf("%v, %v", there, err)
		}
		if _, _, err := registry.Releases(t.Context(), to, release.Trust{}); err != nil {
			t.Error(err)
		}
		return names
	}
	if names := fetch(); len(names) != 6 {
		t.Errorf("%q were fetched", names)
	}
	if names := fetch(); len(names) != 0 {
		t.Errorf("%q were fetched again", names)
	}
	// Other notes, a file that was damaged, one of another version, and folders in the place of others.
	notes := filepath.Join(from, "NOTES.md")
	for _, err := range []error{
		os.WriteFile(notes, []byte("# other notes\n"), 0o644), os.Remove(notes + release.SumExtension),
		os.WriteFile(filepath.Join(to, "recipe.yaml"), []byte("x"), 0o600),
		os.WriteFile(filepath.Join(to, "app_v0.9.0_linux_amd64.ptar"), []byte("x"), 0o600),
		os.WriteFile(filepath.Join(to, "app_v1.0.0_linux_amd64.ptar.sum"), []byte("half a su"), 0o600),
		os.RemoveAll(filepath.Join(to, "app_v1.0.0_linux_arm64.ptar")),
		os.MkdirAll(filepath.Join(to, "app_v1.0.0_linux_arm64.ptar", "x"), 0o700),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := release.WriteSum(t.Context(), notes); err != nil {
		t.Fatal(err)
	}
	if names := strings.Join(fetch(), " "); names != "NOTES.md app_v1.0.0_linux_arm64.ptar recipe.yaml" {
		t.Errorf("%q were fetched", names)
	}
}

// TestPartOfMore refuses parts that list what no part has: packages, which would have no limit, sums, and files without end.
func TestPartOfMore(t *testing.T) {
	key, _ := newKey(t)
	r := ocitest.New(t)
	access := Access{Client: r.Client}
	publishedPart(t, r, access, dist(t, key, "app", "v1.0.0", "first"))
	repository, err := open(t.Context(), address(t, r, "acme/app"), access)
	if err != nil {
		t.Fatal(err)
	}
	tag := partPrefix + "v1.0.0"
	d, _, err := repository.resolve(t.Context(), tag)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		size int64
		want string
	}{
		"more.md":       {10, ""},
		"x.ptar":        {1 << 40, "packages have tags of their own"},
		"NOTES.md.sum":  {10, "no sums and signatures"},
		"x.sum.sig":     {10, "no sums and signatures"},
		"more.txt":      {1 << 40, "is larger than"},
		"negative.yaml": {-1, "is larger than"},
	} {
		var m ocispec.Manifest
		if err := repository.manifest(t.Context(), d, &m); err != nil {
			t.Fatal(err)
		}
		m.Layers = append(m.Layers, ocispec.Descriptor{
			MediaType: "text/plain", Digest: digest.FromString(name), Size: test.size, Annotations: map[string]string{ocispec.AnnotationTitle: name},
		})
		o, err := encode(ocispec.MediaTypeImageManifest, m)
		if err != nil {
			t.Fatal(err)
		}
		if err := repository.remote.PushReference(t.Context(), o.Descriptor, bytes.NewReader(o.data), tag); err != nil {
			t.Fatal(err)
		}
		_, err = FindPart(t.Context(), address(t, r, "acme/app"), true, "app", "v1.0.0", access)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOriginSideBySide reads versions of several integrations at a time, and waits for one that another has begun with for no longer than
// it is told to.
func TestOriginSideBySide(t *testing.T) {
	key, _ := newKey(t)
	r := ocitest.New(t)
	must(t, r, dist(t, key, "app", "v1.0.0", "first"))
	for name, tagged := range maps.Clone(r.Tags) {
		r.Tags[strings.Replace(name, "acme/app:", "acme/other:", 1)] = tagged
	}
	for _, all := range []map[string][]byte{r.Manifests, r.Blobs} {
		for name, data := range maps.Clone(all) {
			if rest, ok := strings.CutPrefix(name, "acme/app@"); ok {
				all["acme/other@"+rest] = data
			}
		}
	}
	begun, goOn := make(chan struct{}, 1), make(chan struct{})
	client := &http.Client{Transport: roundTrip(func(q *http.Request) (*http.Response, error) {
		if strings.HasSuffix(q.URL.Path, "/acme/app/manifests/v1.0.0") {
			select {
			case begun <- struct{}{}:
			default:
			}
			<-goOn
		}
		return r.Client.Transport.RoundTrip(q)
	})}
	made, err := NewOrigin(t.Context(), address(t, r, "acme"), []string{"app", "other"}, Access{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	o := made.(*origin)
	first := make(chan error, 1)
	go func() {
		_, err := o.contents(t.Context(), "app", "v1.0.0")
		first <- err
	}()
	<-begun
	// The other repository is a copy, which is found out once all of it is read.
	other := make(chan error, 1)
	go func() {
		_, err := o.contents(t.Context(), "other", "v1.0.0")
		other <- err
	}()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	waiting := make(chan error, 1)
	go func() {
		_, err := o.contents(ended, "app", "v1.0.0")
		waiting <- err
	}()
	// With the mutex held over all that is read, neither comes before the first is done.
	long, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	select {
	case err := <-other:
		if err == nil || !strings.Contains(err.Error(), "holds packages of app, not of other") {
			t.Error(err)
		}
	case <-long.Done():
		t.Error("one integration waits for the other")
	}
	select {
	case err := <-waiting:
		if err == nil {
			t.Error("who is told to stop has an answer")
		}
	case <-long.Done():
		t.Error("who is told to stop waits on")
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Error(err)
	}
	r.Asked("")
	if _, err := o.contents(t.Context(), "app", "v1.0.0"); err != nil || r.Asked("") != 0 {
		t.Errorf("what was read is read again, %v", err)
	}
}
