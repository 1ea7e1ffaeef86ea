package connector

import (
	"crypto/tls"
	"net"
)

// tlsConfig is for one control connection and its data connections. Servers take a data connection only if it resumes
// the session of its control connection, which proves that it comes from the same client; so they share a cache. With
// TLS 1.3 a session can be resumed once and an upload never learns of the next, so TLS 1.2 it is.
func tlsConfig(acc account) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(acc.address)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		ServerName:         host,
		RootCAs:            acc.roots,
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
		MaxVersion:         tls.VersionTLS12,
	}, nil
}
