//go:build unix

package stdio

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// claim moves the descriptors themselves, which catches C libraries and child processes too. The new ones are not
// inherited, and being above 2 a write to a host that is gone is an error rather than SIGPIPE.
func claim() (in, out *os.File, err error) {
	in, err = move(unix.Stdin, "host")
	if err != nil {
		return nil, nil, err
	}
	out, err = move(unix.Stdout, "host")
	if err != nil {
		return nil, nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, err
	}
	defer null.Close()
	if err := unix.Dup2(int(null.Fd()), unix.Stdin); err != nil {
		return nil, nil, fmt.Errorf("redirect standard input: %w", err)
	}
	if err := unix.Dup2(unix.Stderr, unix.Stdout); err != nil {
		return nil, nil, fmt.Errorf("redirect standard output: %w", err)
	}
	return in, out, nil
}

func move(fd int, name string) (*os.File, error) {
	private, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("duplicate descriptor %d: %w", fd, err)
	}
	return os.NewFile(uintptr(private), name), nil
}
