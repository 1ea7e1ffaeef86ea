package extract

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// setLinkAttribute sets an extended attribute of a link in a folder, which is not followed. Linux has no call for that which takes
// an open folder.
func setLinkAttribute(in *folder, name, attribute string, value []byte) error {
	dir, err := in.handle()
	if err != nil {
		return err
	}
	return unix.Lsetxattr(fmt.Sprintf("/proc/self/fd/%d/%s", dir, name), attribute, value, 0)
}
