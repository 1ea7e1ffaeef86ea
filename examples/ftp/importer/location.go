package importer

import (
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

// anonymous is the user, and by custom the password, of servers that are open to everyone (RFC 1635).
const anonymous = "anonymous"

// source is what a configuration asks to be backed up, and from where.
type source struct {
	address  string // host:port to connect to
	origin   string // the host as the location names it, with its port if it names one
	username string
	password string
	root     string // absolute and clean
}

// newSource reads the keys location (PROTO://[USER@]HOST[:PORT][/PATH]), username and password. PATH is absolute on the
// server and percent-encoded; username wins over USER. Without either the login is anonymous.
//
// A location is shown, logged and stored in snapshots, so a password inside it is refused, and no error repeats it.
func newSource(proto string, config map[string]string) (source, error) {
	location, err := url.Parse(config["location"])
	// The error of url.Parse quotes what it failed on, which may be a password.
	if err != nil || location.Scheme != proto || location.Hostname() == "" {
		return source{}, fmt.Errorf("location is not %s://[USER@]HOST[:PORT][/PATH]", proto)
	}
	if _, found := location.User.Password(); found {
		return source{}, errors.New("location holds a password: give it as password=... instead")
	}

	port := location.Port()
	if port == "" {
		port = defaultPort
	}
	src := source{
		address:  net.JoinHostPort(location.Hostname(), port),
		origin:   strings.ToLower(location.Host),
		username: config["username"],
		password: config["password"],
		root:     path.Clean("/" + location.Path),
	}
	if src.username == "" {
		src.username = location.User.Username()
	}
	if src.username == "" {
		src.username = anonymous
	}
	if src.username == anonymous && src.password == "" {
		src.password = anonymous
	}

	// Commands are lines: a line break in an argument would let it speak for itself.
	for what, value := range map[string]string{"username": src.username, "password": src.password, "path": src.root} {
		if strings.ContainsAny(value, "\r\n\x00") {
			return source{}, fmt.Errorf("%s contains a line break or a NUL, which FTP cannot carry", what)
		}
	}
	if !utf8.ValidString(src.root) {
		return source{}, errors.New("path is not UTF-8")
	}
	return src, nil
}
