package rig

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Who may log in to an FTPServer. FTPPassword is what the hash in its file of users was made from.
const (
	FTPUser     = "joe"
	FTPPassword = "correct-horse"
	ftpHash     = "$6$interop$sG9LT/qCFUDd3pAmtl9R1Cu34Z/iMXuH9brmww9xIaho9HUlfweMcl6XC/ydqHyu0nENb3YJ8ofvM6Ey9qeZd0"
)

// FTPServer is ProFTPD, serving the whole file system of this machine, to FTPUser, on the loopback interface.
type FTPServer struct {
	Address string // host:port
	process *exec.Cmd
	ended   chan error
	log     *bytes.Buffer
	dir     string
}

// StartFTPServer starts a server and waits until it answers.
func StartFTPServer() (*FTPServer, error) {
	program, err := exec.LookPath("proftpd")
	if err != nil {
		// Debian keeps it where only root's PATH looks.
		program, err = exec.LookPath("/usr/sbin/proftpd")
	}
	if err != nil {
		return nil, errors.New("proftpd is not installed: on Debian, apt-get install proftpd-core")
	}
	// Between the choice of a free port and its use another program may take it.
	for range 5 {
		var s *FTPServer
		if s, err = startFTPServer(program); err == nil {
			return s, nil
		}
	}
	return nil, err
}

func startFTPServer(program string) (*FTPServer, error) {
	dir, err := os.MkdirTemp("", "kpkg-ftpd-*")
	if err != nil {
		return nil, err
	}
	s := &FTPServer{ended: make(chan error, 1), log: &bytes.Buffer{}, dir: dir}
	if err := s.start(program); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func (s *FTPServer) start(program string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	s.Address = net.JoinHostPort("127.0.0.1", port)
	conf := filepath.Join(s.dir, "proftpd.conf")
	if err := s.configure(conf, port); err != nil {
		return err
	}

	s.process = exec.Command(program, "--nodaemon", "--config", conf)
	s.process.Stdout, s.process.Stderr = s.log, s.log
	s.process.WaitDelay = time.Second
	if err := s.process.Start(); err != nil {
		return fmt.Errorf("start proftpd: %w", err)
	}
	go func() { s.ended <- s.process.Wait() }()

	for {
		conn, err := net.Dial("tcp", s.Address)
		if err == nil {
			return conn.Close()
		}
		select {
		case err := <-s.ended:
			return fmt.Errorf("proftpd ended at once: %w\n%s", err, s.log)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *FTPServer) configure(conf, port string) error {
	who, err := user.Current()
	if err != nil {
		return err
	}
	group, err := user.LookupGroupId(who.Gid)
	if err != nil {
		return err
	}
	users := filepath.Join(s.dir, "users")
	line := fmt.Sprintf("%s:%s:%s:%s::/:/bin/sh\n", FTPUser, ftpHash, who.Uid, who.Gid)
	if err := os.WriteFile(users, []byte(line), 0o600); err != nil {
		return err
	}
	text := fmt.Sprintf(`ServerName "interop"
ServerType standalone
DefaultAddress 127.0.0.1
SocketBindTight on
Port %s
UseIPv6 off
User %s
Group %s
RootLogin on
PidFile %s/pid
ScoreboardFile %[4]s/scoreboard
ControlsEngine off
DelayTable none
AuthOrder mod_auth_file.c
AuthUserFile %[5]s
RequireValidShell off
UseFtpUsers off
UseReverseDNS off
WtmpLog off
SystemLog none
TransferLog none
`, port, who.Username, group.Name, s.dir, users)
	return os.WriteFile(conf, []byte(text), 0o600)
}

// Close ends the server, with the sessions it serves.
func (s *FTPServer) Close() error {
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop proftpd: %w", err)
	}
	<-s.ended // with the signal's status
	return os.RemoveAll(s.dir)
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return strconv.Itoa(port), listener.Close()
}
