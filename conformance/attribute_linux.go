package conformance

import "syscall"

// attribute gives a file an extended attribute. Not all file systems have such, or as large ones.
func attribute(path, name string, value []byte) error { return syscall.Setxattr(path, name, value, 0) }
