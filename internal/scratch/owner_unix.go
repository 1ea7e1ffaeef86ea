//go:build unix && !aix && !solaris

package scratch

import (
	"io/fs"
	"os"
	"syscall"
)

const removeWhileOpen = true

func ownedByUser(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
