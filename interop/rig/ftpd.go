package rig

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// Who may log in to the FTP server. FTPPassword is what the hash in its file of users was made from.
const (
	FTPUser     = "joe"
	FTPPassword = "correct-horse"
	ftpHash     = "$6$interop$sG9LT/qCFUDd3pAmtl9R1Cu34Z/iMXuH9brmww9xIaho9HUlfweMcl6XC/ydqHyu0nENb3YJ8ofvM6Ey9qeZd0"
)

// StartFTPServer starts ProFTPD, serving the whole file system of this machine to FTPUser, and waits until it answers.
// Directives are added to its configuration.
func StartFTPServer(directives ...string) (*Server, error) {
	program, err := findServer("proftpd", "proftpd-core")
	if err != nil {
		return nil, err
	}
	return startServer(program, func(dir, port string) ([]string, error) {
		conf := filepath.Join(dir, "proftpd.conf")
		return []string{"--nodaemon", "--config", conf}, configureFTP(conf, dir, port, directives)
	})
}

func configureFTP(conf, dir, port string, directives []string) error {
	who, err := user.Current()
	if err != nil {
		return err
	}
	group, err := user.LookupGroupId(who.Gid)
	if err != nil {
		return err
	}
	users := filepath.Join(dir, "users")
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
%[6]s
`, port, who.Username, group.Name, dir, users, strings.Join(directives, "\n"))
	return os.WriteFile(conf, []byte(text), 0o600)
}
