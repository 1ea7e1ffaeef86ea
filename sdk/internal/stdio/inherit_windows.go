package stdio

import (
	"fmt"
	"os"
	"syscall"

	"github.com/PlakarKorp/kpkg/sdk/internal/claim"
	"golang.org/x/sys/windows"
)

// inherit makes child processes and C libraries find the handles that package os has.
func inherit() error {
	for standard, file := range map[uint32]*os.File{
		windows.STD_INPUT_HANDLE: os.Stdin, windows.STD_OUTPUT_HANDLE: os.Stdout,
	} {
		if err := windows.SetStdHandle(standard, windows.Handle(file.Fd())); err != nil {
			return fmt.Errorf("replace a standard handle: %w", err)
		}
	}
	return nil
}

func release() {
	claim.Release()
	os.Stdin = os.NewFile(uintptr(syscall.Stdin), "/dev/stdin")
	os.Stdout = os.NewFile(uintptr(syscall.Stdout), "/dev/stdout")
}
