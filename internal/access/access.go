package access

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/PlakarKorp/kpkg/internal/regular"
)

// The variables of the environment.
const (
	// TokenPrefix begins the name of the variable with the bearer token of a host.
	TokenPrefix = "KPKG_TOKEN_"
	// CertificateVariable and KeyVariable name files, in PEM, with a client certificate and its key.
	CertificateVariable = "KPKG_CLIENT_CERT"
	KeyVariable         = "KPKG_CLIENT_KEY"
)

// maxFile is how much of a file of settings is read, in bytes.
const maxFile = 8 << 20

// Access is what one run has for servers. Its zero value is what the environment says.
type Access struct {
	// CAFile has certificates of authorities, in PEM, that count beside the system's; "" for none.
	CAFile string

	mu     sync.Mutex
	users  map[string]*url.Userinfo // by host
	given  map[string]string        // whole addresses, by what Take made of them
	client *http.Client
}

type contextKey struct{}

// With has all that is done in the context go by this access.
func With(ctx context.Context, a *Access) context.Context {
	return context.WithValue(ctx, contextKey{}, a)
}

var fallback Access

// From is the context's access, or what the environment alone says.
func From(ctx context.Context) *Access {
	if a, ok := ctx.Value(contextKey{}).(*Access); ok {
		return a
	}
	return &fallback
}

// Take returns an address without the user and the password in it, which it keeps for the host of the address. Of one that is no
// web server's, or no address at all, a password is hidden; what has none stays as it is. Give gives back what was taken.
func (a *Access) Take(address string) (taken string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer func() {
		if taken != address {
			if a.given == nil {
				a.given = map[string]string{}
			}
			a.given[taken] = address
		}
	}()
	u, err := parse(address)
	if err != nil {
		return hidden(address)
	}
	if u.User == nil {
		return address
	}
	if a.users == nil {
		a.users = map[string]*url.Userinfo{}
	}
	a.users[origin(u)] = u.User
	u.User = nil
	return u.String()
}

// Give is an address as it was before Take, for the connector whose location it is.
func (a *Access) Give(taken string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if address, ok := a.given[taken]; ok {
		return address
	}
	return taken
}

// hidden is a text with *** in the place of a password between a scheme and a host. One that is not encoded, as it should be, may
// hold a slash: where what follows the host is no port, the password ends at the last @, as far as anybody can tell.
func hidden(text string) string {
	scheme, rest, found := strings.Cut(text, "://")
	if !found || strings.ContainsAny(scheme, "/=@ ") {
		return text
	}
	authority, _, _ := strings.Cut(rest, "/")
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		port := authority[strings.LastIndexByte(authority, ':')+1:]
		if !strings.Contains(authority, ":") || strings.Trim(port, "0123456789") == "" || strings.HasSuffix(port, "]") {
			return text
		}
		at = strings.LastIndexByte(rest, '@')
	}
	user, password, _ := strings.Cut(rest[:max(at, 0)], ":")
	if password == "" {
		return text
	}
	return scheme + "://" + user + ":***" + rest[at:]
}

// IsAddress tells the address of something on a web server.
func IsAddress(text string) bool {
	lower := strings.ToLower(text)
	return strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://")
}

func parse(address string) (*url.URL, error) {
	if !IsAddress(address) {
		return nil, errors.New("it begins with neither https:// nor http://")
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, unwrapped(err)
	}
	if u.Host == "" {
		return nil, errors.New("it names no host")
	}
	u.Scheme, u.Fragment = strings.ToLower(u.Scheme), ""
	return u, nil
}

// Shown is an address as it may be shown: without a user, a password and a query, which may be a signature or a token.
func Shown(address string) string {
	u, err := parse(address)
	if err != nil {
		before, _, _ := strings.Cut(address, "?")
		if scheme, rest, found := strings.Cut(before, "://"); found {
			before = scheme + "://" + rest[strings.LastIndexByte(rest, '@')+1:]
		}
		return before
	}
	u.User, u.ForceQuery = nil, false
	if u.RawQuery != "" {
		u.RawQuery = "..."
	}
	return u.String()
}

// Secure refuses an address at which what is read could be changed by anybody on the way: http, but for this machine.
func Secure(address string) error {
	u, err := parse(address)
	if err != nil {
		return fmt.Errorf("%s is no address: %w", Shown(address), err)
	}
	if u.Scheme != "https" && !loopback(u.Hostname()) {
		return fmt.Errorf("%s is read by http, which anybody on the way can change: use https", Shown(address))
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// origin tells servers apart: scheme, host and port.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// Client is the client for all servers. The error is about files with certificates or keys that cannot be used.
func (a *Access) Client() (*http.Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client != nil {
		return a.client, nil
	}
	roots, err := a.Roots()
	if err != nil {
		return nil, err
	}
	certificate, err := ClientCertificate()
	if err != nil {
		return nil, err
	}
	plain := newTransport(&tls.Config{RootCAs: roots})
	t := &transport{access: a, plain: plain, certified: plain}
	if certificate != nil {
		t.certified = newTransport(&tls.Config{RootCAs: roots, Certificates: []tls.Certificate{*certificate}})
	}
	a.client = &http.Client{Transport: t, CheckRedirect: checkRedirect}
	return a.client, nil
}

// newTransport is Go's own, as patient as a slow network needs.
func newTransport(config *tls.Config) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = config
	t.Proxy = proxy
	t.DisableCompression = true // sums are of the bytes that are sent
	t.ResponseHeaderTimeout = 30 * time.Second
	return t
}

// proxy is that of the environment. Go's own error has the password of the proxy in it.
func proxy(request *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(request)
	if err != nil {
		return nil, errors.New("HTTPS_PROXY or HTTP_PROXY is no address of a proxy")
	}
	return u, nil
}

// Roots are the authorities that servers are held to; nil for the system's.
func (a *Access) Roots() (*x509.CertPool, error) {
	if a.CAFile == "" {
		return nil, nil
	}
	data, err := regular.Read(a.CAFile, maxFile)
	if err != nil {
		return nil, fmt.Errorf("reading certificates of authorities: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%s has no certificate in PEM", a.CAFile)
	}
	return roots, nil
}

// ClientCertificate is the one of the environment, nil for none.
func ClientCertificate() (*tls.Certificate, error) {
	certificate, key := os.Getenv(CertificateVariable), os.Getenv(KeyVariable)
	switch {
	case certificate == "" && key == "":
		return nil, nil
	case certificate == "" || key == "":
		return nil, fmt.Errorf("%s and %s name the two files of a client certificate: one of them is not set", CertificateVariable, KeyVariable)
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("reading the client certificate of %s and %s: %w", CertificateVariable, KeyVariable, err)
	}
	return &pair, nil
}
