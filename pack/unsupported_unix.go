//go:build unix

package pack

import (
	"errors"
	"syscall"
)

// notSupported tells that a file system has no extended attributes, or none for such a file.
func notSupported(err error) bool {
	return errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.EPERM)
}
