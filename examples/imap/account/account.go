// Package account is an account on an IMAP server: how a configuration names it, connections to it, and how its
// mailboxes and messages are named as folders and files.
//
// Connections are few, because servers count them, and are replaced when they drop: see [Pool]. No error shows the
// password.
package account

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"
)

// Security is how a connection is protected.
type Security string

// The values of the key "tls".
const (
	None     Security = "none"     // not at all
	StartTLS Security = "starttls" // TLS from STARTTLS on (RFC 9051, section 6.2.1)
	TLS      Security = "tls"      // TLS from the first byte (RFC 8314)
)

const (
	plainPort = "143" // RFC 9051, section 2.1
	tlsPort   = "993" // RFC 8314, section 3.2
)

// Account is what a configuration names.
type Account struct {
	Origin string // the host as the location names it, with its port if it names one
	Root   string // the folder that is backed up or restored into; absolute and clean

	address  string // host:port to connect to
	username string
	password string
	security Security
}

// New reads the keys location (PROTO://[USER@]HOST[:PORT][/PATH]), username, password and tls. PATH is a folder as
// backups name it, percent-encoded; username wins over USER.
//
// Without tls a connection is protected all the same, with STARTTLS on port 143 and with TLS on any other. Without PORT
// it is 993 with TLS and 143 with anything else.
//
// A location is shown, logged and stored in snapshots, so a password inside it is refused, and no error repeats it.
func New(proto string, config map[string]string) (Account, error) {
	location, err := url.Parse(config["location"])
	// The error of url.Parse quotes what it failed on, which may be a password.
	if err != nil || location.Scheme != proto || location.Hostname() == "" {
		return Account{}, fmt.Errorf("location is not %s://[USER@]HOST[:PORT][/PATH]", proto)
	}
	if _, found := location.User.Password(); found {
		return Account{}, errors.New("location holds a password: give it as password=... instead")
	}

	a := Account{
		Origin:   strings.ToLower(location.Host),
		Root:     path.Clean("/" + location.Path),
		username: config["username"],
		password: config["password"],
		security: Security(config["tls"]),
	}
	if a.username == "" {
		a.username = location.User.Username()
	}
	if a.username == "" {
		return Account{}, errors.New("username is missing: set username=NAME")
	}
	if a.password == "" {
		return Account{}, errors.New("password is missing: set password=SECRET")
	}
	for what, value := range map[string]string{"username": a.username, "password": a.password, "path": a.Root} {
		if strings.ContainsAny(value, "\r\n\x00") {
			return Account{}, fmt.Errorf("%s contains a line break or a NUL", what)
		}
	}
	if !utf8.ValidString(a.Root) {
		return Account{}, errors.New("path is not UTF-8")
	}

	port := location.Port()
	switch a.security {
	case "":
		a.security = TLS
		if port == plainPort {
			a.security = StartTLS
		}
	case None, StartTLS, TLS:
	default:
		return Account{}, fmt.Errorf("tls is %q: want none, starttls or tls", a.security)
	}
	if port == "" {
		port = plainPort
		if a.security == TLS {
			port = tlsPort
		}
	}
	a.address = net.JoinHostPort(location.Hostname(), port)
	return a, nil
}
