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

// IMAPPassword is the password of every account of an IMAPServer. An account comes into being when it is first used.
const IMAPPassword = "correct-horse"

// IMAPServer is Dovecot on the loopback interface, with mail in a folder of its own.
type IMAPServer struct {
	Address string // host:port, without TLS
	process *exec.Cmd
	ended   chan error
	log     *bytes.Buffer
	dir     string
}

// StartIMAPServer starts a server whose mailboxes are named with separator between their levels, "/" or ".", and waits
// until it answers.
func StartIMAPServer(separator string) (*IMAPServer, error) {
	program, err := exec.LookPath("dovecot")
	if err != nil {
		// Debian keeps it where only root's PATH looks.
		program, err = exec.LookPath("/usr/sbin/dovecot")
	}
	if err == nil {
		_, err = os.Stat("/usr/lib/dovecot/imap")
	}
	if err != nil {
		return nil, errors.New("dovecot is not installed: on Debian, apt-get install dovecot-imapd")
	}
	// Between the choice of a free port and its use another program may take it.
	for range 5 {
		var s *IMAPServer
		if s, err = startIMAPServer(program, separator); err == nil {
			return s, nil
		}
	}
	return nil, err
}

func startIMAPServer(program, separator string) (*IMAPServer, error) {
	// Dovecot drops privileges and keeps sockets here: the path must be short and open to others.
	dir, err := os.MkdirTemp("", "kpkg-imapd-*")
	if err != nil {
		return nil, err
	}
	s := &IMAPServer{ended: make(chan error, 1), log: &bytes.Buffer{}, dir: dir}
	if err := s.start(program, separator); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func (s *IMAPServer) start(program, separator string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	s.Address = net.JoinHostPort("127.0.0.1", port)
	conf := filepath.Join(s.dir, "dovecot.conf")
	if err := s.configure(conf, port, separator); err != nil {
		return err
	}
	s.process = exec.Command(program, "-F", "-c", conf)
	s.process.Stdout, s.process.Stderr = s.log, s.log
	s.process.WaitDelay = time.Second
	if err := s.process.Start(); err != nil {
		return fmt.Errorf("start dovecot: %w", err)
	}
	go func() { s.ended <- s.process.Wait() }()

	for {
		conn, err := net.Dial("tcp", s.Address)
		if err == nil {
			return conn.Close()
		}
		select {
		case err := <-s.ended:
			return fmt.Errorf("dovecot ended at once: %w\n%s", err, s.log)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *IMAPServer) configure(conf, port, separator string) error {
	owner, err := mailOwner()
	if err != nil {
		return err
	}
	home := filepath.Join(s.dir, "mail")
	if err := errors.Join(
		os.Mkdir(home, 0o700), os.Chown(home, owner.uid, owner.gid), os.Chmod(s.dir, 0o755),
	); err != nil {
		return err
	}
	text := fmt.Sprintf(`protocols = imap
listen = 127.0.0.1
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = /dev/stderr
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
default_login_user = %[2]s
default_internal_user = %[2]s
default_internal_group = %[3]s
first_valid_uid = 1
mail_uid = %[4]d
mail_gid = %[5]d
mail_location = mdbox:%[6]s/%%u
mail_fsync = never
mail_max_userip_connections = 50
passdb {
  driver = static
  args = password=%[7]s
}
userdb {
  driver = static
  args = home=%[6]s/%%u
}
namespace inbox {
  inbox = yes
  separator = %[8]s
}
service imap-login {
  chroot =
  inet_listener imap {
    address = 127.0.0.1
    port = %[9]s
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
`, s.dir, owner.name, owner.group, owner.uid, owner.gid, home, IMAPPassword, separator, port)
	return os.WriteFile(conf, []byte(text), 0o644)
}

// Close ends the server, with the sessions it serves.
func (s *IMAPServer) Close() error {
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop dovecot: %w", err)
	}
	<-s.ended // with the signal's status
	return os.RemoveAll(s.dir)
}

type unixUser struct {
	name, group string
	uid, gid    int
}

// mailOwner is whom Dovecot runs as: it refuses to keep mail as root, and can be nobody else than who starts it if that
// is not root.
func mailOwner() (unixUser, error) {
	who, err := user.Current()
	if err == nil && who.Uid == "0" {
		who, err = user.Lookup("dovecot") // its package makes it
	}
	if err != nil {
		return unixUser{}, err
	}
	group, err := user.LookupGroupId(who.Gid)
	if err != nil {
		return unixUser{}, err
	}
	uid, uidErr := strconv.Atoi(who.Uid)
	gid, gidErr := strconv.Atoi(who.Gid)
	return unixUser{name: who.Username, group: group.Name, uid: uid, gid: gid}, errors.Join(uidErr, gidErr)
}
