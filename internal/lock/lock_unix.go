//go:build unix && !aix && !solaris

package lock

import (
	"errors"
	"os"
	"syscall"
)

// Try locks a file that is there until it is closed or the process ends, however it does. Programs that the process
// starts do not get the lock.
func Try(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrHeld
	}
	return nil, err
}
