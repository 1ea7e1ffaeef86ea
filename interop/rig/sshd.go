package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
)

// SSHServer is OpenSSH's, with SFTP alone, for whoever runs the tests.
type SSHServer struct {
	*Server
	User     string
	Identity string // the file of the private key that logs in
	HostKey  string // the server's public key
}

// StartSSHServer starts sshd and waits until it answers.
func StartSSHServer(ctx context.Context) (*SSHServer, error) {
	program, err := findServer("sshd", "openssh-server")
	if err != nil {
		return nil, err
	}
	who, err := user.Current()
	if err != nil {
		return nil, err
	}
	s := &SSHServer{User: who.Username}
	s.Server, err = startServer(program, func(dir, port string) ([]string, error) {
		s.Identity = filepath.Join(dir, "user")
		conf := filepath.Join(dir, "sshd_config")
		return []string{"-D", "-e", "-f", conf}, s.configure(ctx, conf, dir, port)
	})
	return s, err
}

func (s *SSHServer) configure(ctx context.Context, conf, dir, port string) error {
	for _, key := range []string{"host", "user"} {
		out, err := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, key)).CombinedOutput()
		if err != nil {
			return fmt.Errorf("make a key: %w: %s", err, out)
		}
	}
	public, err := os.ReadFile(filepath.Join(dir, "host.pub"))
	if err != nil {
		return err
	}
	s.HostKey = string(public)
	if os.Getuid() == 0 { // where sshd, as root, locks itself in
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return err
		}
	}
	return os.WriteFile(conf, fmt.Appendf(nil, `Port %s
ListenAddress 127.0.0.1
HostKey %[2]s/host
AuthorizedKeysFile %[2]s/user.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
MaxStartups 100
Subsystem sftp internal-sftp
`, port, dir), 0o600)
}
