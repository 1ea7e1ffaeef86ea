// Package ocitest is an OCI registry for tests, in memory and over TLS, that does what a test asks of it: with or without the
// referrers API, open or not, with its blobs on another host. What real registries do is tested in interop/.
package ocitest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Registry is one that runs until its test ends. The fields are set before it is used.
type Registry struct {
	// Host is its address, host:port.
	Host string
	// Client trusts it.
	Client *http.Client
	// Referrers has the referrers API answer.
	Referrers bool
	// User and Password are asked for, unless they are empty. Bearer asks for them at a service for tokens, on another host.
	User, Password string
	Bearer         bool
	// Elsewhere has blobs read from another host, which wants no credentials.
	Elsewhere bool

	server, other *httptest.Server

	mu sync.Mutex // guards what follows
	// Blobs and Manifests are by REPO@DIGEST, Tags by REPO:TAG.
	Blobs, Manifests map[string][]byte
	Tags             map[string]string
	// Requests are the methods and paths of all that was asked, and Leaked those of requests with credentials to another host.
	Requests, Leaked []string
}

const token = "a-token-of-the-service"

// New starts a registry.
func New(t testing.TB) *Registry {
	r := &Registry{Blobs: map[string][]byte{}, Manifests: map[string][]byte{}, Tags: map[string]string{}}
	r.server = httptest.NewTLSServer(http.HandlerFunc(r.serve))
	r.other = httptest.NewTLSServer(http.HandlerFunc(r.serveOther))
	t.Cleanup(r.server.Close)
	t.Cleanup(r.other.Close)
	r.Host = strings.TrimPrefix(r.server.URL, "https://")
	r.Client = r.server.Client() // httptest has one certificate for all servers
	return r
}

// Certificate is the registry's, in PEM.
func (r *Registry) Certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.server.Certificate().Raw})
}

// Change changes the blobs.
func (r *Registry) Change(change func(blob []byte) []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, blob := range r.Blobs {
		r.Blobs[key] = change(blob)
	}
}

// Asked counts the requests whose method and path contain a text, and forgets all.
func (r *Registry) Asked(text string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, request := range r.Requests {
		if strings.Contains(request, text) {
			n++
		}
	}
	r.Requests = nil
	return n
}

// serveOther is the other host: tokens for those who have the password, and blobs for everybody.
func (r *Registry) serveOther(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.URL.Path == "/token" {
		if user, password, _ := q.BasicAuth(); user != r.User || password != r.Password {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"token": token})
		return
	}
	if q.Header.Get("Authorization") != "" {
		r.Leaked = append(r.Leaked, q.Method+" "+q.URL.Path)
	}
	r.content(w, q, r.Blobs, strings.TrimPrefix(q.URL.Path, "/"))
}

// allowed tells whether a request has what is asked for.
func (r *Registry) allowed(w http.ResponseWriter, q *http.Request) bool {
	if r.User == "" {
		return true
	}
	want, challenge := "Basic "+base64.StdEncoding.EncodeToString([]byte(r.User+":"+r.Password)), `Basic realm="test"`
	if r.Bearer {
		want, challenge = "Bearer "+token, fmt.Sprintf(`Bearer realm="%s/token",service="test"`, r.other.URL)
	}
	if q.Header.Get("Authorization") == want {
		return true
	}
	w.Header().Set("WWW-Authenticate", challenge)
	w.WriteHeader(http.StatusUnauthorized)
	return false
}

func (r *Registry) serve(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Requests = append(r.Requests, q.Method+" "+q.URL.Path)
	if !r.allowed(w, q) {
		return
	}
	path := strings.TrimPrefix(q.URL.Path, "/v2/")
	switch {
	case path == "":
	case path == "_catalog":
		r.list(w, "repositories", func(key string) string { return key[:strings.LastIndexByte(key, ':')] })
	case strings.HasSuffix(path, "/tags/list"):
		repo := strings.TrimSuffix(path, "/tags/list") + ":"
		r.list(w, "tags", func(key string) string {
			if tag, in := strings.CutPrefix(key, repo); in {
				return tag
			}
			return ""
		})
	case strings.HasSuffix(path, "/blobs/uploads/"):
		w.Header().Set("Location", q.URL.Path+"one")
		w.WriteHeader(http.StatusAccepted)
	case strings.HasSuffix(path, "/blobs/uploads/one"):
		data, err := io.ReadAll(q.Body)
		if err != nil || digestOf(data) != q.URL.Query().Get("digest") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.Blobs[strings.TrimSuffix(path, "/blobs/uploads/one")+"@"+digestOf(data)] = data
		w.WriteHeader(http.StatusCreated)
	case strings.Contains(path, "/blobs/"):
		repo, digest, _ := strings.Cut(path, "/blobs/")
		if _, there := r.Blobs[repo+"@"+digest]; r.Elsewhere && there && q.Method == http.MethodGet {
			http.Redirect(w, q, r.other.URL+"/"+repo+"@"+digest, http.StatusTemporaryRedirect)
			return
		}
		r.content(w, q, r.Blobs, repo+"@"+digest)
	case strings.Contains(path, "/manifests/"):
		r.manifest(w, q, path)
	case strings.Contains(path, "/referrers/") && r.Referrers:
		repo, subject, _ := strings.Cut(path, "/referrers/")
		r.listReferrers(w, repo, subject)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (r *Registry) list(w http.ResponseWriter, field string, of func(key string) string) {
	var names []string
	for key := range r.Tags {
		if name := of(key); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if field == "tags" && len(names) == 0 {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	json.NewEncoder(w).Encode(map[string][]string{field: names})
}

func (r *Registry) content(w http.ResponseWriter, q *http.Request, from map[string][]byte, key string) {
	data, found := from[key]
	if !found {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Docker-Content-Digest", key[strings.LastIndexByte(key, '@')+1:])
	http.ServeContent(w, q, "", time.Time{}, strings.NewReader(string(data)))
}

func (r *Registry) manifest(w http.ResponseWriter, q *http.Request, path string) {
	repo, reference, _ := strings.Cut(path, "/manifests/")
	if q.Method == http.MethodPut {
		data, err := io.ReadAll(q.Body)
		var m ocispec.Manifest
		if err != nil || json.Unmarshal(data, &m) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.Manifests[repo+"@"+digestOf(data)] = data
		if !strings.HasPrefix(reference, "sha256:") {
			r.Tags[repo+":"+reference] = digestOf(data)
		}
		if m.Subject != nil && r.Referrers {
			w.Header().Set("OCI-Subject", m.Subject.Digest.String())
		}
		w.Header().Set("Docker-Content-Digest", digestOf(data))
		w.WriteHeader(http.StatusCreated)
		return
	}
	if digest, tagged := r.Tags[repo+":"+reference]; tagged {
		reference = digest
	}
	var m struct{ MediaType string }
	json.Unmarshal(r.Manifests[repo+"@"+reference], &m)
	w.Header().Set("Content-Type", m.MediaType)
	r.content(w, q, r.Manifests, repo+"@"+reference)
}

func (r *Registry) listReferrers(w http.ResponseWriter, repo, subject string) {
	index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{}}
	index.SchemaVersion = 2
	for key, data := range r.Manifests {
		var m ocispec.Manifest
		if json.Unmarshal(data, &m) != nil || m.Subject == nil || m.Subject.Digest.String() != subject || !strings.HasPrefix(key, repo+"@") {
			continue
		}
		d := ocispec.Descriptor{MediaType: m.MediaType, ArtifactType: m.ArtifactType, Size: int64(len(data))}
		d.Digest = ocispec.DescriptorEmptyJSON.Digest.Algorithm().FromBytes(data)
		index.Manifests = append(index.Manifests, d)
	}
	w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
	json.NewEncoder(w).Encode(index)
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
