//go:build !unix

package socket

import (
	"context"
	"fmt"
	"os"
)

// Accept fails: containers with connectors are Linux's.
func Accept(context.Context, string) (*os.File, error) {
	return nil, fmt.Errorf("%s is set: a plugin for this system serves its standard input and output only", Variable)
}
