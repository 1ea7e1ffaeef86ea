// Package stdio hands out standard input and output as they were when the process started, to carry a protocol. Package
// claim has taken them away from the rest of the process: what an author prints goes to standard error, and what is read
// from standard input is empty.
package stdio

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/sdk/internal/claim"
)

// ErrByHand is returned by Claim when the standard descriptors are not the pipes that a host connects.
var ErrByHand = errors.New("standard input and output are not connected to a host")

// Tests of a connector link the SDK too, and what they print is for whoever runs them with pipes, as some editors do.
func init() {
	if slices.ContainsFunc(os.Args, func(arg string) bool { return strings.HasPrefix(arg, "-test.") }) {
		release()
	}
}

// Claim returns what standard input and output were.
func Claim() (in, out *os.File, err error) {
	switch {
	case claim.Err != nil:
		return nil, nil, fmt.Errorf("take standard input and output: %w", claim.Err)
	case !claim.Claimed:
		return nil, nil, ErrByHand
	}
	in, out = os.NewFile(claim.In, "host"), os.NewFile(claim.Out, "host")
	widen(in)
	widen(out)
	return in, out, inherit()
}
