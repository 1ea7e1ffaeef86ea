package access

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// maxRedirects is how often a request is led on.
const maxRedirects = 10

// transport gives each request what its host may know.
type transport struct {
	access           *Access
	plain, certified *http.Transport // without and with the client certificate
}

func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	begin := request
	for begin.Response != nil && begin.Response.Request != nil { // which has led here
		begin = begin.Response.Request
	}
	sent := request.Clone(request.Context())
	sent.Header.Set("User-Agent", "kpkg")
	sent.Header.Del("Referer") // an address whose query may be a signature
	if origin(begin.URL) != origin(request.URL) {
		sent.Header.Del("Authorization")
		return t.plain.RoundTrip(sent)
	}
	credential, err := t.access.For(request.URL)
	if err != nil {
		return nil, err
	}
	credential.add(sent)
	return t.certified.RoundTrip(sent)
}

// CloseIdleConnections is what http.Client looks for.
func (t *transport) CloseIdleConnections() {
	t.plain.CloseIdleConnections()
	t.certified.CloseIdleConnections()
}

func checkRedirect(next *http.Request, via []*http.Request) error {
	switch {
	case len(via) >= maxRedirects:
		return fmt.Errorf("it leads on more than %d times", maxRedirects)
	case via[0].URL.Scheme == "https" && next.URL.Scheme != "https":
		return fmt.Errorf("it leads on to %s, which is not https", Shown(next.URL.String()))
	}
	next.URL.User = nil // what a server says is nobody's password
	if origin(next.URL) == origin(via[0].URL) {
		next.URL.User = via[0].URL.User
	}
	return nil
}

// unwrapped leaves the address out of an error, which may have a password.
func unwrapped(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
