//go:build !windows && (!unix || aix || solaris)

package lock

import (
	"errors"
	"os"
)

// Try always fails: no two runs may take themselves for the only one.
func Try(string) (*os.File, error) { return nil, errors.ErrUnsupported }
