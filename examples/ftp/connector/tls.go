package connector

import (
	"crypto/tls"
	"net"
)

// tlsConfig is for one control connection and its data connections. Many servers take a data connection only if it
// resumes the session of its control connection, as a proof that it is the same client's; so they share a cache.
//
// TLS 1.3 is left out because of uploads: a server sends its session tickets after the handshake, nobody reads them,
// and TCP resets a connection that is closed with something unread, which costs the end of the file.
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
