package connector

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/user"
	"path"
	"strings"
)

// account is what a configuration names: a folder on a server, and who logs in there.
type account struct {
	address  string // host:port to connect to
	origin   string // the host as the location names it, with its port if it names one
	username string
	root     string // absolute and clean

	password, passphrase string
	privateKey, identity string
	agent                string // the socket; "" is none
	hostKey, knownHosts  string
}

// newAccount reads the settings of schema.json. A location is shown, logged and stored in snapshots, so a password inside it is
// refused, and no error repeats it.
func newAccount(proto string, config map[string]string) (account, error) {
	location, err := url.Parse(config["location"])
	// The error of url.Parse quotes what it failed on, which may be a password.
	if err != nil || location.Scheme != proto || location.Hostname() == "" {
		return account{}, fmt.Errorf("location is not %s://[USER@]HOST[:PORT][/PATH]", proto)
	}
	if _, found := location.User.Password(); found {
		return account{}, errors.New("location holds a password: give it as password=... instead")
	}
	if location.RawQuery != "" || location.Fragment != "" {
		return account{}, errors.New("location has a ? or a #: write %3F or %23 in its path")
	}
	root := path.Clean("/" + location.Path)
	if strings.ContainsRune(root, 0) {
		return account{}, errors.New("the path of the location holds a NUL")
	}
	a := account{
		address: net.JoinHostPort(location.Hostname(), cmp.Or(location.Port(), "22")), origin: location.Host, root: root,
		username: cmp.Or(config["username"], location.User.Username()),
		password: config["password"], passphrase: config["passphrase"],
		privateKey: config["private_key"], identity: config["identity"],
		agent:   cmp.Or(config["agent"], os.Getenv("SSH_AUTH_SOCK")),
		hostKey: config["host_key"], knownHosts: config["known_hosts"],
	}
	if a.agent == "-" {
		a.agent = ""
	}
	if a.username == "" {
		here, err := user.Current()
		if err != nil {
			return account{}, errors.New("nobody is named who logs in: give username=...")
		}
		a.username = here.Username
	}
	return a, nil
}
