package access

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// server is a TLS server that remembers what it was asked.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	asked []*http.Request
}

func newServer(t *testing.T, clients tls.ClientAuthType, handler http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r)
		s.mu.Unlock()
		handler(w, r)
	}))
	s.TLS = &tls.Config{ClientAuth: clients}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// last is the last request that came.
func (s *server) last(t *testing.T) *http.Request {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.asked) == 0 {
		t.Fatal("nothing came")
	}
	return s.asked[len(s.asked)-1]
}

// at is the context of a run that trusts the server, whose authority all of httptest's servers share.
func (s *server) at(t *testing.T) context.Context {
	t.Helper()
	file := filepath.Join(t.TempDir(), "authority.pem")
	write(t, file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	return With(t.Context(), &Access{CAFile: file})
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func content(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

// setToken has the environment name a token for a server.
func setToken(t *testing.T, address, token string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(TokenVariable(u), token)
	return TokenVariable(u)
}

func TestPrivateAuthority(t *testing.T) {
	s := newServer(t, tls.NoClientCert, content("a"))
	if data, err := Read(s.at(t), s.URL, 10); err != nil || string(data) != "a" {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := Read(t.Context(), s.URL, 10); err == nil || !strings.Contains(err.Error(), "--ca-file") {
		t.Errorf("a server that nobody vouches for: %v", err)
	}
	none := filepath.Join(t.TempDir(), "none.pem")
	write(t, none, "nothing")
	for _, file := range []string{none, none + ".not"} {
		if _, err := Read(With(t.Context(), &Access{CAFile: file}), s.URL, 10); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestCredentials(t *testing.T) {
	s := newServer(t, tls.NoClientCert, content("a"))
	ctx := s.at(t)
	netrc := filepath.Join(t.TempDir(), "netrc")
	t.Setenv("NETRC", netrc)
	read := func() string {
		t.Helper()
		if _, err := Read(ctx, s.URL+"/x", 10); err != nil {
			t.Fatal(err)
		}
		return s.last(t).Header.Get("Authorization")
	}
	if got := read(); got != "" {
		t.Errorf("without any: %q", got)
	}
	write(t, netrc, "default login all password everybody\nmachine other login o password p\n")
	if got := read(); got != "" {
		t.Errorf("the line for all: %q", got)
	}
	write(t, netrc, "machine 127.0.0.1 login me password hunter22\n")
	if got := read(); got != "Basic bWU6aHVudGVyMjI=" {
		t.Errorf("netrc: %q", got)
	}
	setToken(t, s.URL, "abc")
	if got := read(); got != "Bearer abc" {
		t.Errorf("a token: %q", got)
	}
	taken := From(ctx).Take(strings.Replace(s.URL, "https://", "https://you:secret@", 1))
	if got := read(); taken != s.URL || got != "Basic eW91OnNlY3JldA==" {
		t.Errorf("an address: %q, %q", taken, got)
	}
}

// TestPlainHTTP sends nothing over http, whatever there is for the host.
func TestPlainHTTP(t *testing.T) {
	var got http.Header
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	defer s.Close()
	setToken(t, s.URL, "abc")
	netrc := filepath.Join(t.TempDir(), "netrc")
	t.Setenv("NETRC", netrc)
	write(t, netrc, "machine 127.0.0.1 login me password hunter22\n")
	if _, err := Read(t.Context(), s.URL, 10); err != nil || got.Get("Authorization") != "" {
		t.Errorf("%v, %v", got, err)
	}
}

// TestRedirects is what goes where when a server leads on.
func TestRedirects(t *testing.T) {
	aim := newServer(t, tls.RequestClientCert, content("aim"))
	plain := httptest.NewServer(content("plain"))
	defer plain.Close()
	var to string
	begin := newServer(t, tls.RequestClientCert, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/end" {
			fmt.Fprint(w, "end")
			return
		}
		http.Redirect(w, r, to, http.StatusFound)
	})
	certificate := newCertificate(t)
	t.Setenv("NETRC", filepath.Join(t.TempDir(), "none"))
	setToken(t, begin.URL, "abc")
	setToken(t, aim.URL, "of the aim")
	ctx := begin.at(t)

	to = "/end"
	if _, err := Read(ctx, begin.URL+"/x?signature=s3cret", 10); err != nil {
		t.Fatal(err)
	}
	if r := begin.last(t); r.URL.Path != "/end" || r.Header.Get("Authorization") != "Bearer abc" || !presented(r, certificate) {
		t.Errorf("the same host gets %v", r.Header)
	}
	for _, to = range []string{aim.URL + "/y", strings.Replace(aim.URL, "https://", "https://u:p@", 1)} {
		if _, err := Read(ctx, begin.URL+"/x?signature=s3cret", 10); err != nil {
			t.Fatal(err)
		}
		r := aim.last(t)
		for name, values := range r.Header {
			if name == "Authorization" || name == "Referer" || strings.Contains(fmt.Sprint(values), "s3cret") {
				t.Errorf("%s: another host gets %s: %v", to, name, values)
			}
		}
		if presented(r, certificate) {
			t.Error("another host gets the client certificate")
		}
	}
	to = plain.URL
	if _, err := Read(ctx, begin.URL+"/x", 10); err == nil || !strings.Contains(err.Error(), "which is not https") {
		t.Errorf("https led to http: %v", err)
	}
	to = begin.URL + "/x"
	if _, err := Read(ctx, begin.URL+"/x", 10); err == nil || !strings.Contains(err.Error(), "more than 10 times") {
		t.Errorf("a circle: %v", err)
	}
	if _, err := Read(ctx, aim.URL, 10); err != nil || !presented(aim.last(t), certificate) ||
		aim.last(t).Header.Get("Authorization") != "Bearer of the aim" {
		t.Errorf("a host that is asked itself does not get what is its own: %v", err)
	}
}

// newCertificate makes a client certificate and has the environment name it.
func newCertificate(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for variable, block := range map[string]*pem.Block{
		CertificateVariable: {Type: "CERTIFICATE", Bytes: certificate}, KeyVariable: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		file := filepath.Join(dir, variable)
		write(t, file, string(pem.EncodeToMemory(block)))
		t.Setenv(variable, file)
	}
	return certificate
}

func presented(r *http.Request, certificate []byte) bool {
	return len(r.TLS.PeerCertificates) == 1 && bytes.Equal(r.TLS.PeerCertificates[0].Raw, certificate)
}

// TestRefusals are told by what is to be done, without what is secret.
func TestRefusals(t *testing.T) {
	status := http.StatusUnauthorized
	s := newServer(t, tls.NoClientCert, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	t.Setenv("NETRC", filepath.Join(t.TempDir(), "none"))
	ctx := s.at(t)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(ctx, s.URL, 10); err == nil || !strings.Contains(err.Error(), "set "+TokenVariable(u)) {
		t.Errorf("without a token: %v", err)
	}
	name := setToken(t, s.URL, "hunter22")
	if _, err := Read(ctx, s.URL, 10); err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "hunter22") {
		t.Errorf("with a wrong token: %v", err)
	}
	for status = range map[int]bool{404: true, 410: true, 403: true} {
		if _, err := Read(ctx, s.URL, 10); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%d: %v", status, err)
		}
	}
	status = http.StatusTeapot
	if _, err := Read(ctx, s.URL, 10); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%d: %v", status, err)
	}
	status = http.StatusServiceUnavailable
	if _, err := Read(ctx, s.URL, 10); err == nil || !strings.Contains(err.Error(), "tried 4 times") {
		t.Errorf("%d: %v", status, err)
	}
	if _, err := Read(ctx, "https://me:hunter22@127.0.0.1:1/x?t=hunter22", 10); err == nil || strings.Contains(err.Error(), "hunter22") {
		t.Errorf("nobody there: %v", err)
	}
}

// TestBrokenConnections reads on from where a connection broke, and never puts two files together.
func TestBrokenConnections(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 100_000)
	for _, test := range []struct{ title, tag, later, want string }{
		{"the same file", `"1"`, `"1"`, ""},
		{"another file", `"1"`, `"2"`, "has changed since"},
		{"a file without a name", "", "", "broke at byte"},
	} {
		first := true
		s := newServer(t, tls.NoClientCert, func(w http.ResponseWriter, r *http.Request) {
			tag := test.later
			if first {
				tag = test.tag
			}
			if tag != "" {
				w.Header().Set("ETag", tag)
			}
			if first {
				first = false
				w.Header().Set("Content-Length", fmt.Sprint(len(data)))
				w.Write(data[:len(data)/2])
				panic(http.ErrAbortHandler)
			}
			http.ServeContent(w, r, "x", time.Time{}, bytes.NewReader(data))
		})
		s.Config.ErrorLog = nil
		got, err := Read(s.at(t), s.URL, 1<<20)
		if test.want == "" && (err != nil || !bytes.Equal(got, data)) ||
			test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %d bytes, %v", test.title, len(got), err)
		}
	}
	s := newServer(t, tls.NoClientCert, content("12345"))
	if _, err := Read(s.at(t), s.URL, 4); err == nil || !strings.Contains(err.Error(), "larger than 4 bytes") {
		t.Errorf("too much: %v", err)
	}
}

func TestShown(t *testing.T) {
	for address, want := range map[string]string{
		"https://h/x":                      "https://h/x",
		"https://me:pw@h:8443/x?token=t#f": "https://h:8443/x?...",
		"HTTPS://token@h":                  "https://h",
		"https://me:p%zz@h/x?t":            "https://h/x",
		"oci://me:pw@h/x?t":                "oci://h/x",
		"a/file@v1.0.0":                    "a/file@v1.0.0",
	} {
		if got := Shown(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	for address, good := range map[string]bool{
		"https://h/x": true, "http://127.0.0.1:1/x": true, "http://localhost/x": true, "http://h/x": false, "ftp://h/x": false,
		"http://localhost.example.org/x": false,
	} {
		if err := Secure(address); (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestTokenVariable(t *testing.T) {
	for address, want := range map[string]string{
		"https://packages.example.org/x":   "KPKG_TOKEN_packages_example_org",
		"https://Packages.example.org:443": "KPKG_TOKEN_packages_example_org",
		"https://my-host.org:8443/":        "KPKG_TOKEN_my__host_org_8443",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := TokenVariable(u); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func TestNetrc(t *testing.T) {
	for text, want := range map[string][]machine{
		"":                             nil,
		"machine a login b password c": {{name: "a", login: "b", password: "c"}},
		"# machine no login x\nmachine\ta\n\tpassword c\r\n login b account z\nmachine d password \"e \\\"f\\\"\"": {
			{name: "a", login: "b", password: "c"}, {name: "d", password: `e "f"`}},
		"macdef init\nmachine no password x\n\nmachine a login b password c":      {{name: "a", login: "b", password: "c"}},
		"machine a login b password c\ndefault login d password e\nmachine f":     {{name: "a", login: "b", password: "c"}, {name: "f"}},
		"machine a login machine password password\nmachine":                      {{name: "a", login: "machine", password: "password"}, {}},
		"machine a login b password c#d\nmachine e login f password \"unfinished": {{name: "a", login: "b", password: "c#d"}, {name: "e", login: "f", password: "unfinished"}},
	} {
		if got := parseNetrc(text); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
