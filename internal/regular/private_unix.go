//go:build unix

package regular

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Private returns an error if somebody else than this user, and root, may change the file or folder: if it belongs to another
// one, or is writable by all or by a group. A group of the user's own number has nobody else in it, as systems make them.
func Private(info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("nothing says whose it is")
	}
	mode := info.Mode().Perm()
	switch {
	case stat.Uid != uint32(os.Geteuid()) && stat.Uid != 0:
		return fmt.Errorf("it belongs to another user, number %d", stat.Uid)
	case mode&0o002 != 0:
		return fmt.Errorf("everybody may write to it (mode %04o)", mode)
	case mode&0o020 != 0 && stat.Gid != stat.Uid:
		return fmt.Errorf("a group may write to it (mode %04o, group number %d)", mode, stat.Gid)
	}
	return nil
}
