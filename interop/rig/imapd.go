package rig

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// IMAPPassword is the password of every account of the IMAP server. An account comes into being when it is first used.
const IMAPPassword = "correct-horse"

// StartIMAPServer starts Dovecot, with mailboxes that are named with separator between their levels, "/" or ".", and so many
// connections to an account at a time, and waits until it answers.
func StartIMAPServer(separator string, connections int) (*Server, error) {
	const debian = "dovecot-imapd"
	program, err := findServer("dovecot", debian)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat("/usr/lib/dovecot/imap"); err != nil {
		return nil, fmt.Errorf("dovecot is installed without IMAP: on Debian, apt-get install %s", debian)
	}
	return startServer(program, func(dir, port string) ([]string, error) {
		conf := filepath.Join(dir, "dovecot.conf")
		return []string{"-F", "-c", conf}, configureIMAP(conf, dir, port, separator, connections)
	})
}

func configureIMAP(conf, dir, port, separator string, connections int) error {
	owner, err := mailOwner()
	if err != nil {
		return err
	}
	home := filepath.Join(dir, "mail")
	if err := errors.Join(
		os.Mkdir(home, 0o700), os.Chown(home, owner.uid, owner.gid), os.Chmod(dir, 0o755), // Dovecot drops privileges
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
mail_max_userip_connections = %[10]d
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
`, dir, owner.name, owner.group, owner.uid, owner.gid, home, IMAPPassword, separator, port, connections)
	return os.WriteFile(conf, []byte(text), 0o644)
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
