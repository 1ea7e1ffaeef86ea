//go:build unix && !linux && !solaris

package claim

import "syscall"

// replace makes one descriptor another one's duplicate.
func replace(fd, standard int) error { return syscall.Dup2(fd, standard) }
