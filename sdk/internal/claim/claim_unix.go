//go:build unix

package claim

import "syscall"

// claim moves the descriptors themselves, which catches C libraries and child processes too. The private ones are above
// 2: a write to a host that is gone is then an error rather than SIGPIPE.
func claim() (bool, error) {
	if !isChannel(syscall.Stdin) || !isChannel(syscall.Stdout) {
		return false, nil
	}
	in, err := duplicate(syscall.Stdin)
	if err != nil {
		return false, err
	}
	out, err := duplicate(syscall.Stdout)
	if err != nil {
		return false, err
	}
	null, err := syscall.Open("/dev/null", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false, err
	}
	defer syscall.Close(null)
	if err := replace(null, syscall.Stdin); err != nil {
		return false, err
	}
	if err := replace(syscall.Stderr, syscall.Stdout); err != nil {
		return false, err
	}
	In, Out = uintptr(in), uintptr(out)
	return true, nil
}

func isChannel(fd int) bool {
	var status syscall.Stat_t
	if err := syscall.Fstat(fd, &status); err != nil {
		return false
	}
	kind := status.Mode & syscall.S_IFMT
	return kind == syscall.S_IFIFO || kind == syscall.S_IFSOCK
}

// duplicate returns the lowest free descriptor. Go has seen to it that 0 to 2 are open.
func duplicate(fd int) (int, error) {
	private, err := syscall.Dup(fd)
	if err == nil {
		syscall.CloseOnExec(private)
	}
	return private, err
}

// Release gives the standard descriptors back.
func Release() {
	if !Claimed {
		return
	}
	replace(int(In), syscall.Stdin)
	replace(int(Out), syscall.Stdout)
	syscall.Close(int(In))
	syscall.Close(int(Out))
	Claimed = false
}
