//go:build !linux && !darwin

package extract

import (
	"errors"
	"io/fs"
	"os"
	"time"
)

// output is a file that is being written.
type output struct{ *os.File }

// create makes a file that is not there in a folder. name is one element of a path.
func create(in *folder, name string) (output, error) {
	file, err := in.root.OpenFile(in.at(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	return output{file}, err
}

func (o output) chmod(mode fs.FileMode) error  { return o.Chmod(mode.Perm()) }
func (o output) chown(uid, gid int) error      { return o.Chown(uid, gid) }
func (o output) setxattr(string, []byte) error { return errAttributes }
func (o output) close() error                  { return o.Close() }

var errAttributes = errors.New("extended attributes are not supported here")

func setxattr(*folder, string, []byte) error { return errAttributes }

// setTime sets the time of an entry of a folder; that of a link stays as it is.
func setTime(in *folder, name string, when time.Time) error {
	info, err := in.root.Lstat(in.at(name))
	if err != nil || info.Mode()&fs.ModeSymlink != 0 {
		return err
	}
	return in.root.Chtimes(in.at(name), when, when)
}
