//go:build linux || darwin

package extract

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// output is a file that is being written. It is bare, since os.File asks the system five times as often as a small file
// needs, to find out whether reading it could block.
type output struct{ fd int }

// create makes a file that is not there in a folder. name is one element of a path, and no link at it is followed, so that it
// is in that folder.
func create(in *folder, name string) (output, error) {
	dir, err := in.handle()
	if err != nil {
		return output{}, err
	}
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	var fd int
	err = again(func() (err error) {
		fd, err = unix.Openat(dir, name, flags, 0o600)
		return err
	})
	if err != nil {
		return output{}, &fs.PathError{Op: "create", Path: name, Err: err}
	}
	return output{fd}, nil
}

// again does what a signal has interrupted again.
func again(do func() error) error {
	for {
		if err := do(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func (o output) Write(data []byte) (written int, err error) {
	for written < len(data) {
		var n int
		err := again(func() (err error) {
			n, err = unix.Write(o.fd, data[written:])
			return err
		})
		if err != nil {
			return written, &fs.PathError{Op: "write", Err: err}
		}
		if n == 0 {
			return written, io.ErrShortWrite
		}
		written += n
	}
	return written, nil
}

func (o output) chmod(mode fs.FileMode) error {
	return again(func() error { return unix.Fchmod(o.fd, uint32(mode.Perm())) })
}

func (o output) chown(uid, gid int) error {
	return again(func() error { return unix.Fchown(o.fd, uid, gid) })
}

func (o output) setxattr(name string, value []byte) error {
	return unix.Fsetxattr(o.fd, name, value, 0)
}

func (o output) close() error { return unix.Close(o.fd) }

// setxattr sets an extended attribute of a folder.
func setxattr(in *folder, name string, value []byte) error {
	dir, err := in.handle()
	if err != nil {
		return err
	}
	return unix.Fsetxattr(dir, name, value, 0)
}

// setTime sets the time of an entry of a folder, which is not followed if it is a link: os.Root would, and asks first.
func setTime(in *folder, name string, when time.Time) error {
	dir, err := in.handle()
	if err != nil {
		return err
	}
	to, err := unix.TimeToTimespec(when)
	if err == nil {
		err = again(func() error {
			return unix.UtimesNanoAt(dir, name, []unix.Timespec{to, to}, unix.AT_SYMLINK_NOFOLLOW)
		})
	}
	if err != nil {
		return &os.PathError{Op: "set the time", Path: name, Err: err}
	}
	return nil
}
