package claim

import "syscall"

// replace makes one descriptor another one's duplicate: once closed, the standard one is the lowest that is free. (Package
// syscall has no dup2 for Solaris and illumos.)
func replace(fd, standard int) error {
	if err := syscall.Close(standard); err != nil {
		return err
	}
	_, err := syscall.Dup(fd)
	return err
}
