package conformance

import "syscall"

// attribute gives a file an extended attribute, where the file system has such.
func attribute(path, name string, value []byte) { syscall.Setxattr(path, name, value, 0) }
