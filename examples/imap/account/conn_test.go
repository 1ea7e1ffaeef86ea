package account

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// selfSigned makes a certificate for 127.0.0.1.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// serveTLS runs a server that takes passwords over TLS only, which starts with the connection or with STARTTLS.
func serveTLS(t *testing.T, security Security, certificate tls.Certificate) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	accounts := imapmemserver.New()
	accounts.AddUser(imapmemserver.NewUser("joe", "pw"))
	options := &imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return accounts.NewSession(), nil, nil
		},
		Logger: log.New(io.Discard, "", 0),
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	if security == TLS {
		listener = tls.NewListener(listener, config)
	} else {
		options.TLSConfig = config
	}
	server := imapserver.New(options)
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) }) // ends with Close
	t.Cleanup(func() {
		if err := server.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		running.Wait()
	})
	return address
}

func TestTLS(t *testing.T) {
	certificate, roots := selfSigned(t)
	trusting := &tls.Config{RootCAs: roots}
	for _, security := range []Security{TLS, StartTLS} {
		a := Account{address: serveTLS(t, security, certificate), username: "joe", password: "pw", security: security}
		c, err := dial(t.Context(), a, trusting)
		if err != nil {
			t.Errorf("%s: %v", security, err)
			continue
		}
		if err := c.Noop().Wait(); err != nil {
			t.Errorf("%s: %v", security, err)
		}
		c.abort()

		if _, err := dial(t.Context(), a, &tls.Config{}); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: a certificate that nobody signed gave error %v", security, err)
		}
	}

	a := Account{address: serveTLS(t, StartTLS, certificate), username: "joe", password: "pw", security: None}
	if _, err := dial(t.Context(), a, trusting); err == nil || !strings.Contains(err.Error(), "tls=starttls") {
		t.Errorf("a password without TLS gave error %v", err)
	}
}

// repeating is a session that repeats the password in its refusal.
type repeating struct{ imapserver.Session }

func (repeating) Login(_, password string) error {
	return &imap.Error{Type: imap.StatusResponseTypeNo, Text: "wrong: " + password}
}

func TestPasswordIsNotShown(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return repeating{imapmemserver.New().NewSession()}, nil, nil
		},
		InsecureAuth: true,
		Logger:       log.New(io.Discard, "", 0),
	})
	go func() { _ = server.Serve(listener) }() // ends with Close
	defer server.Close()
	const secret = "hunter2"
	a := Account{address: listener.Addr().String(), username: "joe", password: secret, security: None}
	if _, err := dial(t.Context(), a, &tls.Config{}); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("a refusal that repeats the password gave error %v", err)
	}
}
