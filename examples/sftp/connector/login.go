package connector

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// login is what is tried to log in, in this order: a private key, those of an agent, a password. release ends the connection to the
// agent, once somebody is logged in or is not.
func (a account) login() (methods []ssh.AuthMethod, release func(), err error) {
	release = func() {}
	var signers []ssh.Signer
	key := []byte(a.privateKey)
	if a.identity != "" {
		if key, err = os.ReadFile(a.identity); err != nil {
			return nil, release, fmt.Errorf("read the private key: %w", err)
		}
	}
	if len(key) > 0 {
		signer, err := a.signer(key)
		if err != nil {
			return nil, release, err
		}
		signers = append(signers, signer)
	}
	if a.agent != "" {
		conn, err := net.Dial("unix", a.agent)
		if err != nil {
			return nil, release, fmt.Errorf("speak to the SSH agent: %w", err)
		}
		release = func() { conn.Close() }
		kept, err := agent.NewClient(conn).Signers()
		if err != nil {
			release()
			return nil, func() {}, fmt.Errorf("ask the SSH agent for its keys: %w", err)
		}
		signers = append(signers, kept...)
	}
	if len(signers) > 0 {
		methods = append(methods, ssh.PublicKeys(signers...))
	}
	if a.password != "" {
		methods = append(methods, ssh.Password(a.password), ssh.KeyboardInteractive(a.answer))
	}
	if len(methods) == 0 {
		return nil, release, errors.New("there is nothing to log in with: give password, private_key, identity or agent")
	}
	return methods, release, nil
}

func (a account) signer(key []byte) (ssh.Signer, error) {
	signer, err := ssh.ParsePrivateKey(key)
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked) && a.passphrase == "":
		return nil, errors.New("the private key has a passphrase: give it as passphrase=...")
	case errors.As(err, &locked):
		if signer, err = ssh.ParsePrivateKeyWithPassphrase(key, []byte(a.passphrase)); err != nil {
			return nil, errors.New("the passphrase does not open the private key")
		}
	case err != nil:
		return nil, errors.New("the private key is none, or of an unknown kind")
	}
	return signer, nil
}

// answer gives the password to a server that asks for it as a question, as many do.
func (a account) answer(_, _ string, questions []string, echos []bool) ([]string, error) {
	answers := make([]string, len(questions))
	for i := range questions {
		if echos[i] {
			return nil, errors.New("the server asks for more than a password")
		}
		answers[i] = a.password
	}
	return answers, nil
}
