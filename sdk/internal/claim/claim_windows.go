package claim

import "syscall"

var stdin, stdout syscall.Handle // what they were

// claim swaps the handles that package os is going to make os.Stdin and os.Stdout of. What child processes and C
// libraries see is left to package stdio.
func claim() (bool, error) {
	if !isPipe(syscall.Stdin) || !isPipe(syscall.Stdout) {
		return false, nil
	}
	name, err := syscall.UTF16PtrFromString("NUL")
	if err != nil {
		return false, err
	}
	null, err := syscall.CreateFile(name, syscall.GENERIC_READ, syscall.FILE_SHARE_READ|syscall.FILE_SHARE_WRITE, nil,
		syscall.OPEN_EXISTING, 0, 0)
	if err != nil {
		return false, err
	}
	stdin, stdout = syscall.Stdin, syscall.Stdout
	In, Out = uintptr(stdin), uintptr(stdout)
	syscall.Stdin, syscall.Stdout = null, syscall.Stderr
	return true, nil
}

func isPipe(handle syscall.Handle) bool {
	kind, err := syscall.GetFileType(handle)
	return err == nil && kind == syscall.FILE_TYPE_PIPE
}

// Release gives the handles back, for what looks at them from now on.
func Release() {
	if Claimed {
		syscall.Stdin, syscall.Stdout, Claimed = stdin, stdout, false
	}
}
