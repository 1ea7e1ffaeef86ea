package trust

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/access"
)

// Local is the scope of files, and of registries in folders.
const Local = "local"

// Scope is where a key counts.
type Scope struct {
	root *url.URL // nil for local
}

// ParseScope reads a line of NAME.scope: "local", or the http or https address of a registry, or of what is below one, without a
// user, a query or a fragment.
func ParseScope(text string) (Scope, error) {
	if text == Local {
		return Scope{}, nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || !access.IsAddress(text) || u.Host == "":
		return Scope{}, fmt.Errorf("the scope %q is neither %s nor the address of a registry", access.Shown(text), Local)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.RawPath != "":
		return Scope{}, fmt.Errorf("the scope %q has more than the scheme, the host and the path of a registry", access.Shown(text))
	}
	return Scope{normal(u)}, nil
}

// normal is an address by which places are compared: a clean path that ends in a slash, and no port that goes without saying.
func normal(u *url.URL) *url.URL {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == map[string]string{"https": "443", "http": "80"}[strings.ToLower(u.Scheme)] {
		port = ""
	}
	switch {
	case port != "":
		host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	return &url.URL{Scheme: strings.ToLower(u.Scheme), Host: host, Path: strings.TrimSuffix(path.Clean("/"+u.Path), "/") + "/"}
}

func (s Scope) String() string {
	if s.root == nil {
		return Local
	}
	return s.root.String()
}

// Covers tells whether the scope has a place: the address of a folder on a web server, or "local". It is for the same scheme, host
// and port, and for whole parts of the path.
func (s Scope) Covers(place string) bool {
	if place == Local || s.root == nil {
		return place == Local && s.root == nil
	}
	u, err := url.Parse(place)
	if err != nil || u.User != nil || u.RawPath != "" {
		return false
	}
	u = normal(u)
	return u.Scheme == s.root.Scheme && u.Host == s.root.Host && strings.HasPrefix(u.Path, s.root.Path)
}

// Place is what scopes are held to for a registry, a folder of it or a file: its address, or "local" for what is on disk.
func Place(location string) string {
	if !access.IsAddress(location) {
		return Local
	}
	return location
}
