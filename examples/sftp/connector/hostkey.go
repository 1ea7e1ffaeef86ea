package connector

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// hostKeys is how the server proves who it is, and with which kinds of keys it may. Without kinds, with any.
func (a account) hostKeys() (check ssh.HostKeyCallback, kinds []string, err error) {
	if strings.HasPrefix(a.hostKey, "SHA256:") {
		return a.exactly(func(key ssh.PublicKey) bool { return ssh.FingerprintSHA256(key) == strings.TrimRight(a.hostKey, "=") }), nil, nil
	}
	if a.hostKey != "" {
		want, _, _, _, err := ssh.ParseAuthorizedKey([]byte(a.hostKey))
		if err != nil {
			return nil, nil, errors.New("host_key is neither SHA256:FINGERPRINT nor a public key, as in ssh-ed25519 AAAA")
		}
		same := func(key ssh.PublicKey) bool { return string(key.Marshal()) == string(want.Marshal()) }
		return a.exactly(same), signatures(want.Type()), nil
	}
	file := a.knownHosts
	if file == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, nil, errors.New("no known_hosts and no host_key is given, and there is no home to look in")
		}
		file = filepath.Join(home, ".ssh", "known_hosts")
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			file = os.DevNull // in which nobody is known
		}
	}
	known, err := knownhosts.New(file)
	if err != nil {
		return nil, nil, fmt.Errorf("read the known hosts: %w", err)
	}
	return a.known(known), a.kinds(known), nil
}

func (a account) exactly(same func(ssh.PublicKey) bool) ssh.HostKeyCallback {
	return func(_ string, _ net.Addr, key ssh.PublicKey) error {
		if same(key) {
			return nil
		}
		return fmt.Errorf("the key of %s is %s %s, which is not host_key: it is another server, or its key has changed",
			a.origin, key.Type(), ssh.FingerprintSHA256(key))
	}
}

// known says what to do about a server that is not known, or is known by another key.
func (a account) known(known ssh.HostKeyCallback) ssh.HostKeyCallback {
	return func(host string, from net.Addr, key ssh.PublicKey) error {
		err := known(host, from, key)
		var mismatch *knownhosts.KeyError
		if !errors.As(err, &mismatch) {
			return err
		}
		found := key.Type() + " " + ssh.FingerprintSHA256(key)
		if len(mismatch.Want) > 0 {
			return fmt.Errorf("the key of %s is %s, and %s:%d knows another: somebody may be in between, or it has changed",
				a.origin, found, mismatch.Want[0].Filename, mismatch.Want[0].Line)
		}
		return fmt.Errorf("%s is not known; its key is %s: if that is right, give it as host_key=%s, or add it to known_hosts",
			a.origin, found, ssh.FingerprintSHA256(key))
	}
}

// kinds are those of the keys that the server is known by: it is not asked for one of another kind.
func (a account) kinds(known ssh.HostKeyCallback) []string {
	var mismatch *knownhosts.KeyError
	if !errors.As(known(a.address, &net.TCPAddr{IP: net.IPv4zero}, noKey{}), &mismatch) {
		return nil
	}
	var kinds []string
	for _, want := range mismatch.Want {
		for _, kind := range signatures(want.Key.Type()) {
			if !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
		}
	}
	return kinds
}

// signatures are the algorithms by which a key of a kind signs.
func signatures(kind string) []string {
	if kind == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{kind}
}

// noKey is the key of no server.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return nil }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }
