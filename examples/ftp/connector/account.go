package connector

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"
)

// defaultPort is where FTP servers listen (RFC 959, section 8.1).
const defaultPort = "21"

// implicitPort is where servers listen that speak TLS from the first byte.
const implicitPort = "990"

// anonymous is the user, and by custom the password, of servers that are open to everyone (RFC 1635).
const anonymous = "anonymous"

// security is how connections are protected: the values of the key "tls".
type security string

const (
	plain       security = "none"
	explicitTLS security = "explicit" // after AUTH TLS (RFC 4217)
	implicitTLS security = "implicit" // from the first byte, an older custom
)

// account is what a configuration names: a folder on a server, and who logs in there.
type account struct {
	address  string // host:port to connect to
	origin   string // the host as the location names it, with its port if it names one
	username string
	password string
	root     string // what is backed up or restored into; absolute and clean
	security security
	roots    *x509.CertPool // who may sign the server's certificate; nil is whom this machine trusts
}

// newAccount reads the keys location (PROTO://[USER@]HOST[:PORT][/PATH]), username, password and tls. PATH is absolute
// on the server and percent-encoded; username wins over USER. Without either the login is anonymous. Without tls
// nothing is encrypted, as FTP's users expect.
//
// A location is shown, logged and stored in snapshots, so a password inside it is refused, and no error repeats it.
func newAccount(proto string, config map[string]string) (account, error) {
	location, err := url.Parse(config["location"])
	// The error of url.Parse quotes what it failed on, which may be a password.
	if err != nil || location.Scheme != proto || location.Hostname() == "" {
		return account{}, fmt.Errorf("location is not %s://[USER@]HOST[:PORT][/PATH]", proto)
	}
	if _, found := location.User.Password(); found {
		return account{}, errors.New("location holds a password: give it as password=... instead")
	}

	protection := security(config["tls"])
	switch protection {
	case "":
		protection = plain
	case plain, explicitTLS, implicitTLS:
	default:
		return account{}, fmt.Errorf("tls is %q: want none, explicit or implicit", protection)
	}
	port := location.Port()
	if port == "" {
		port = defaultPort
		if protection == implicitTLS {
			port = implicitPort
		}
	}
	acc := account{
		address:  net.JoinHostPort(location.Hostname(), port),
		origin:   strings.ToLower(location.Host),
		username: config["username"],
		password: config["password"],
		root:     path.Clean("/" + location.Path),
		security: protection,
	}
	if acc.username == "" {
		acc.username = location.User.Username()
	}
	if acc.username == "" {
		acc.username = anonymous
	}
	if acc.username == anonymous && acc.password == "" {
		acc.password = anonymous
	}

	// Commands are lines: a line break in an argument would let it speak for itself.
	for what, value := range map[string]string{"username": acc.username, "password": acc.password, "path": acc.root} {
		if strings.ContainsAny(value, "\r\n\x00") {
			return account{}, fmt.Errorf("%s contains a line break or a NUL, which FTP cannot carry", what)
		}
	}
	if !utf8.ValidString(acc.root) {
		return account{}, errors.New("path is not UTF-8")
	}
	return acc, nil
}
