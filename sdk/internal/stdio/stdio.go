// Package stdio takes standard input and output away from the rest of the process, so that they can carry a protocol:
// what an author prints goes to standard error, and what is read from standard input is empty.
package stdio

import (
	"errors"
	"io/fs"
	"os"
)

// ErrByHand is returned by Claim when the standard descriptors are not the pipes that a host connects.
var ErrByHand = errors.New("standard input and output are not connected to a host")

// Claim returns private descriptors of what standard input and output were.
func Claim() (in, out *os.File, err error) {
	if !isChannel(os.Stdin) || !isChannel(os.Stdout) {
		return nil, nil, ErrByHand
	}
	in, out, err = claim()
	if err == nil {
		widen(in)
		widen(out)
	}
	return in, out, err
}

func isChannel(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) != 0
}
