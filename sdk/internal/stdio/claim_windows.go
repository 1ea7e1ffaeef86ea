package stdio

import (
	"os"

	"golang.org/x/sys/windows"
)

// claim swaps what Go code prints to and reads from, and what child processes inherit.
func claim() (in, out *os.File, err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, err
	}
	in, out = os.Stdin, os.Stdout
	os.Stdin, os.Stdout = null, os.Stderr
	windows.SetStdHandle(windows.STD_INPUT_HANDLE, windows.Handle(null.Fd()))
	windows.SetStdHandle(windows.STD_OUTPUT_HANDLE, windows.Handle(os.Stderr.Fd()))
	return in, out, nil
}
