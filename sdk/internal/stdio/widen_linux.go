package stdio

import (
	"os"

	"golang.org/x/sys/unix"
)

// pipeSize is what a pipe should take, in bytes: with Linux's 64 KiB the two processes take turns too often.
const pipeSize = 256 << 10

// widen enlarges a pipe. The system may refuse, and a socket has no such size: it works without as well.
func widen(f *os.File) {
	unix.FcntlInt(f.Fd(), unix.F_SETPIPE_SZ, pipeSize)
}
