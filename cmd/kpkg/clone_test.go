//go:build linux

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/internal/access"
	"github.com/PlakarKorp/kpkg/internal/git"
	"github.com/PlakarKorp/kpkg/internal/raced"
)

// cloneServer is a registry and, at /git/tiny.git, the repository that its recipe names, by TLS with a private authority.
type cloneServer struct {
	*httptest.Server
	dir, authority string
	// allow tells whether git is answered, and lead is where it is led instead, "" for nowhere.
	allow func(*http.Request) bool
	lead  string
}

func newCloneServer(t *testing.T) *cloneServer {
	t.Helper()
	s := &cloneServer{dir: t.TempDir(), allow: func(*http.Request) bool { return true }}
	backend := gitBackend(t, s.dir)
	tree := http.FileServer(http.Dir(filepath.Join(s.dir, "tree")))
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasPrefix(r.URL.Path, "/git/"):
			tree.ServeHTTP(w, r)
		case s.lead != "":
			http.Redirect(w, r, s.lead+r.URL.RequestURI(), http.StatusTemporaryRedirect)
		case s.allow(r):
			backend.ServeHTTP(w, r)
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	s.StartTLS()
	t.Cleanup(s.Close)
	s.authority = authorityFile(t, s.Server)

	source := filepath.Join(s.dir, "tiny")
	tinyIntegration(t, source)
	for _, args := range [][]string{
		{"git", "init", "--quiet"},
		{"git", "add", "."},
		{"git", "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "-m", "x"},
		{"git", "tag", "v1.0.0"},
		{"git", "clone", "--quiet", "--bare", ".", filepath.Join(s.dir, "tiny.git")},
		{"kpkg", "keygen", "../acme", "--no-passphrase"},
		{"kpkg", "release", ".", "v1.0.0", "--repository", s.URL + "/git/tiny.git", "--key", "../acme.sec", "--out-dir", "../dist",
			"--platform", executable.Host().String(), "--skip-test", "importer:tiny", "--skip-test", "exporter:tiny"},
		{"kpkg", "index", "../dist", "--out-dir", "../tree", "--key", "../acme.sec"},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir, cmd.Env = source, s.environment(t)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	return s
}

// gitBackend is git's own server of the repositories in a folder, below /git.
func gitBackend(t *testing.T, dir string) http.Handler {
	t.Helper()
	programs, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	return &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(programs)), "git-http-backend"), Root: "/git", Dir: dir,
		Env: []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1"},
	}
}

// environment is that of somebody who has nothing but what Go has built before.
func (s *cloneServer) environment(t *testing.T) []string {
	t.Helper()
	built, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "HOME="+s.dir, "XDG_STATE_HOME="+s.dir, "XDG_CONFIG_HOME="+s.dir, "XDG_CACHE_HOME="+s.dir,
		"NETRC="+os.DevNull, "GOCACHE="+strings.TrimSpace(string(built)))
}

// create runs kpkg create, whose package is in the folder that it returns.
func (s *cloneServer) create(t *testing.T, variables []string, args ...string) (out string, made []string, err error) {
	t.Helper()
	to := t.TempDir()
	cmd := exec.Command("kpkg", append([]string{"create", "--out-dir", to, "--verbose"}, args...)...)
	cmd.Dir, cmd.Env = to, append(s.environment(t), variables...)
	printed, err := cmd.CombinedOutput()
	made, _ = filepath.Glob(filepath.Join(to, "tiny_v1.0.0_*.ptar"))
	return string(printed), made, err
}

// TestClone makes the package of a recipe that is at an address, and of a NAME, of repositories that are by TLS of a private authority,
// and open to who has a token, a password or a certificate. None of it comes to another host.
func TestClone(t *testing.T) {
	raced.Skip(t, "other programs do the work")
	s := newCloneServer(t)
	certificate, key := clientCertificate(t, s.dir)
	address, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	authorized := func(want string) func(*http.Request) bool {
		return func(r *http.Request) bool { return r.Header.Get("Authorization") == want }
	}
	basic := func(user string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+secret)) }
	netrc := filepath.Join(s.dir, "netrc")
	if err := os.WriteFile(netrc, []byte("machine "+address.Hostname()+" login me password "+secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	recipe := s.URL + "/community/v1.1.0/tiny/recipe.yaml"
	byName := []string{"tiny", "--registry", s.URL, "--key", filepath.Join(s.dir, "acme.pub"), "--ca-file", s.authority}
	for _, test := range []struct {
		title     string
		allow     func(*http.Request) bool
		variables []string
		args      []string
	}{
		{"open, by address", func(*http.Request) bool { return true }, nil, []string{recipe, "--ca-file", s.authority}},
		{"open, by name", func(*http.Request) bool { return true }, nil, byName},
		{"SSL_CERT_FILE", func(*http.Request) bool { return true }, []string{"SSL_CERT_FILE=" + s.authority}, []string{recipe}},
		{"clone token", authorized(basic("x-access-token")), []string{git.TokenVariable + "=" + secret}, byName},
		{"token of the host", authorized("Bearer " + secret), []string{access.TokenVariable(address) + "=" + secret}, byName},
		{"netrc", authorized(basic("me")), []string{"NETRC=" + netrc}, byName},
		{"certificate", func(r *http.Request) bool { return len(r.TLS.PeerCertificates) == 1 },
			[]string{access.CertificateVariable + "=" + certificate, access.KeyVariable + "=" + key}, byName},
	} {
		t.Run(test.title, func(t *testing.T) {
			s.allow = test.allow
			out, made, err := s.create(t, test.variables, test.args...)
			if err != nil || len(made) != 1 || leaks(out) {
				t.Errorf("%v, made %q\n%s", err, made, out)
			}
			if test.variables == nil || strings.HasPrefix(test.variables[0], "SSL_CERT_FILE=") {
				return
			}
			if out, made, err := s.create(t, nil, test.args...); err == nil || len(made) > 0 {
				t.Errorf("without it: made %q\n%s", made, out)
			}
		})
	}
	t.Run("another authority", func(t *testing.T) {
		s.allow = func(*http.Request) bool { return true }
		if out, made, err := s.create(t, nil, recipe); err == nil || len(made) > 0 {
			t.Errorf("made %q\n%s", made, out)
		}
	})

	// Another host, to which the repository leads or at which it is, gets nothing that is for this one.
	asked, backend := 0, gitBackend(t, s.dir)
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; r.Header.Get("Authorization") != "" {
			t.Errorf("another host gets %v", r.Header)
		}
		backend.ServeHTTP(w, r)
	}))
	defer other.Close()
	elsewhere := "name: tiny\nversion: v1.0.0\nrepository: " + other.URL + "/git/tiny.git\n"
	if err := os.WriteFile(filepath.Join(s.dir, "tree", "recipe.yaml"), []byte(elsewhere), 0o600); err != nil {
		t.Fatal(err)
	}
	token := access.TokenVariable(address) + "=" + secret
	out, made, err := s.create(t, []string{token}, s.URL+"/recipe.yaml", "--ca-file", s.authority)
	if err != nil || len(made) != 1 || asked == 0 {
		t.Errorf("from another host: %v, which was asked %d times\n%s", err, asked, out)
	}
	s.lead, asked = other.URL, 0
	if out, made, err := s.create(t, nil, byName...); err != nil || len(made) != 1 || asked == 0 {
		t.Errorf("led on without a token: %v, another host asked %d times\n%s", err, asked, out)
	}
	asked = 0
	for _, variable := range []string{token, git.TokenVariable + "=" + secret} {
		out, made, err := s.create(t, []string{variable}, byName...)
		if err == nil || len(made) > 0 || leaks(out) || asked > 0 {
			t.Errorf("led on with a token: made %q, another host asked %d times\n%s", made, asked, out)
		}
	}
}

// clientCertificate makes one that is signed by itself, and its key.
func clientCertificate(t *testing.T, dir string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "me"}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key")
	for file, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}
